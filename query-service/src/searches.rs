//! The searches: one table, from which HTTP, gRPC and OpenAPI take them. How parameters become a query stands in
//! [`asked`], suggestions while a text is typed in [`suggested`], what a tenant has set
//! for its searches in [`settings`].

mod asked;
mod settings;
mod suggested;

pub(crate) use settings::Settings;
pub(crate) use suggested::DEFAULT_SUGGESTIONS;

use crate::{
    QueryService,
    consistency::Consistency,
    parameters::Parameters,
    refusal::{of_search, unknown},
    service::{Kind, may_read},
};
use headwater_edge::Problem;
use headwater_read_models::{InvoiceStatus, OrderStatus, search::Mapping};
use headwater_search::{Hits, Query, SearchIndex, matched_parts};
use headwater_tenancy::TenantScope;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// Hits of a page, when the caller does not say.
pub(crate) const DEFAULT_LIMIT: usize = 20;
/// What begins the names of filters by attribute.
pub(crate) const ATTRIBUTE: &str = "attr.";
/// Parameters that every search has.
pub(crate) const COMMON: &[&str] = &["q", "sort", "facets", "limit", "cursor", "highlight", "collapse"];

/// One kind of documents, as it is searched.
pub(crate) struct Search {
    /// The kind, as in the route.
    pub(crate) kind: &'static str,
    /// Under which name a hit has its document.
    pub(crate) item: &'static str,
    /// Filters by exactly this value: the parameter and the field; several values are alternatives. Facets go by the same names.
    pub(crate) equals: &'static [(&'static str, &'static str)],
    /// Of these filters, all values that there are.
    pub(crate) closed: &'static [(&'static str, &'static [&'static str])],
    /// Ranges of whole numbers: the parameters of the least and the greatest value, and the field.
    pub(crate) ranges: &'static [(&'static str, &'static str, &'static str)],
    /// Ranges of time: the parameters of its beginning (included) and its end (not included), and the field.
    pub(crate) times: &'static [(&'static str, &'static str, &'static str)],
    /// Whether there are filters by attribute.
    pub(crate) attributes: bool,
    /// Whether what is typed is completed by `…/suggest`.
    pub(crate) suggests: bool,
    /// Whether a tenant has settings for it, under its name.
    pub(crate) has_settings: bool,
    /// Under which name a hit names those of its parts that are what was asked for.
    pub(crate) matched: Option<&'static str>,
    /// Orders besides `relevance`: the name, the field, whether the greatest comes first.
    pub(crate) sorts: &'static [(&'static str, &'static str, bool)],
}

pub(crate) static SEARCHES: &[Search] = &[
    Search {
        kind: "products",
        item: "product",
        equals: &[
            ("category", "category"),
            ("brand", "brand"),
            ("sku", "sku"),
            ("gtin", "gtin"),
            ("currency", "currency"),
        ],
        closed: &[],
        ranges: &[("min_price_cents", "max_price_cents", "price_cents")],
        times: &[],
        attributes: true,
        suggests: true,
        has_settings: true,
        matched: Some("matched_variants"),
        sorts: &[
            ("price", "price_cents", false),
            ("-price", "price_cents", true),
            ("newest", "created_at", true),
            ("title", "title", false),
        ],
    },
    Search {
        kind: "orders",
        item: "order",
        equals: &[
            ("status", "status"),
            ("customer", "customer_id"),
            ("fulfilment_centre", "fulfilment_centre"),
            ("tracking_number", "tracking_number"),
            ("sku", "sku"),
            ("product", "product_id"),
            ("currency", "currency"),
        ],
        closed: &[("status", OrderStatus::NAMES)],
        ranges: &[("min_total_cents", "max_total_cents", "total_cents")],
        times: &[("placed_from", "placed_to", "placed_at")],
        attributes: false,
        suggests: false,
        has_settings: false,
        matched: None,
        sorts: &[
            ("newest", "placed_at", true),
            ("oldest", "placed_at", false),
            ("total", "total_cents", false),
            ("-total", "total_cents", true),
        ],
    },
    Search {
        kind: "invoices",
        item: "invoice",
        equals: &[
            ("payment_status", "status"),
            ("customer", "customer_id"),
            ("number", "number"),
            ("order", "order_id"),
            ("product", "product_id"),
            ("currency", "currency"),
        ],
        closed: &[("payment_status", InvoiceStatus::NAMES)],
        ranges: &[
            ("min_total_cents", "max_total_cents", "total_cents"),
            ("min_due_cents", "max_due_cents", "due_cents"),
        ],
        times: &[
            ("issued_from", "issued_to", "issued_at"),
            ("due_from", "due_to", "due_at"),
        ],
        attributes: false,
        suggests: false,
        has_settings: false,
        matched: None,
        sorts: &[
            ("newest", "issued_at", true),
            ("oldest", "issued_at", false),
            ("due", "due_at", false),
            ("total", "total_cents", false),
            ("-total", "total_cents", true),
        ],
    },
];

impl Search {
    /// The search of a kind.
    pub(crate) fn find(kind: &str) -> Result<&'static Self, Problem> {
        let found = SEARCHES.iter().find(|search| search.kind == kind);
        found.ok_or_else(|| {
            unknown(
                "unknown-kind",
                "search of",
                kind,
                SEARCHES.iter().map(|search| search.kind),
            )
        })
    }

    /// The names of all orders.
    pub(crate) fn orders(&self) -> impl Iterator<Item = &'static str> + Clone {
        ["relevance"]
            .into_iter()
            .chain(self.sorts.iter().map(|(name, ..)| *name))
    }

    /// The name under which callers know a field that they can filter by.
    fn parameter_of<'a>(&self, field: &'a str) -> &'a str {
        let known = self.equals.iter().find(|(_, own)| *own == field);
        known.map_or(field, |(parameter, _)| *parameter)
    }

    fn answer(&self, mapping: &Mapping, query: &Query, hits: Hits) -> Value {
        let hit = |hit: headwater_search::Hit| {
            let matched = self
                .matched
                .and_then(|name| Some((name, json!(matched_parts(mapping, query, &hit.source)?))));
            let mut answer = json!({ "id": hit.id, "score": hit.score, self.item: hit.source });
            if let Some((name, ids)) = matched {
                answer[name] = ids;
            }
            if !hit.highlights.is_empty() {
                answer["highlights"] = json!(hit.highlights);
            }
            answer
        };
        let facets = hits.facets.into_iter();
        let facets: BTreeMap<_, _> = facets
            .map(|(field, counts)| (self.parameter_of(&field).to_owned(), counts))
            .collect();
        let mut answer = json!({ "total": hits.total, "facets": facets });
        answer["hits"] = hits.hits.into_iter().map(hit).collect();
        if let Some(text) = hits.did_you_mean {
            answer["did_you_mean"] = text.into();
        }
        if let Some(cursor) = hits.next_cursor {
            answer["next_cursor"] = cursor.into();
        }
        answer
    }
}

impl QueryService {
    /// A page of hits, as the answer has it.
    pub(crate) async fn search(
        &self,
        scope: &TenantScope,
        kind: &str,
        parameters: &Parameters,
        consistency: Option<&Consistency>,
    ) -> Result<Value, Problem> {
        may_read(scope)?;
        let search = Search::find(kind)?;
        let (index, of_kind) = self.searched(search)?;
        let mut query = search.query(of_kind.mapping, parameters)?;
        headwater_search::validate::validate(of_kind.mapping, &query).map_err(of_search)?;
        self.reach(scope, of_kind.projection, consistency).await?;
        // Later pages go on by what was set at the first.
        if search.has_settings && query.text.is_some() && query.cursor.is_none() {
            query.relevance = self.relevance(scope, search, consistency).await?;
        }
        let hits = index.search(scope, &query).await.map_err(of_search)?;
        Ok(search.answer(of_kind.mapping, &query, hits))
    }

    /// The index of a kind, and what it is made of.
    fn searched(&self, search: &Search) -> Result<(&Arc<dyn SearchIndex>, &Kind), Problem> {
        let (indexes, kinds) = (&self.inner().indexes, &self.inner().kinds);
        let found = indexes.get(search.kind).zip(kinds.get(search.kind));
        found.ok_or_else(|| unknown("unknown-kind", "search of", search.kind, indexes.keys().copied()))
    }
}
