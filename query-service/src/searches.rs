//! The searches: one table, from which HTTP, gRPC and OpenAPI take them, and how parameters become a query.

use crate::{
    QueryService,
    consistency::Consistency,
    parameters::Parameters,
    refusal::{hint, invalid, of_search, unknown},
    service::may_read,
};
use headwater_edge::Problem;
use headwater_search::{Filter, Hits, MAX_LIMIT, Query, Sort};
use headwater_tenancy::TenantScope;
use serde_json::{Value, json};

/// Hits of a page, when the caller does not say.
pub(crate) const DEFAULT_LIMIT: usize = 20;
/// What begins the names of filters by attribute.
pub(crate) const ATTRIBUTE: &str = "attr.";
/// Parameters that every search has.
pub(crate) const COMMON: &[&str] = &["q", "sort", "facets", "limit", "cursor", "highlight"];

/// One kind of documents, as it is searched.
pub(crate) struct Search {
    /// The kind, as in the route.
    pub(crate) kind: &'static str,
    /// Under which name a hit has its document.
    pub(crate) item: &'static str,
    /// Fields that are filtered by exactly, under their own names; several values are alternatives.
    pub(crate) equals: &'static [&'static str],
    /// Ranges: the parameters of the least and the greatest value, and the field.
    pub(crate) ranges: &'static [(&'static str, &'static str, &'static str)],
    /// Orders besides `relevance`: the name, the field, whether the greatest comes first.
    pub(crate) sorts: &'static [(&'static str, &'static str, bool)],
}

pub(crate) static SEARCHES: &[Search] = &[Search {
    kind: "products",
    item: "product",
    equals: &["category", "brand", "sku", "gtin"],
    ranges: &[("min_price_cents", "max_price_cents", "price_cents")],
    sorts: &[
        ("price", "price_cents", false),
        ("-price", "price_cents", true),
        ("newest", "created_at", true),
        ("title", "title", false),
    ],
}];

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

    fn parameters(&self) -> Vec<&'static str> {
        let ranges = self.ranges.iter().flat_map(|(min, max, _)| [*min, *max]);
        COMMON.iter().chain(self.equals).copied().chain(ranges).collect()
    }

    fn query(&self, parameters: &Parameters) -> Result<Query, Problem> {
        parameters.only(&self.parameters(), Some(ATTRIBUTE))?;
        let mut filters = Vec::new();
        for name in self.equals {
            let any_of: Vec<String> = parameters.all(name).map(str::to_owned).collect();
            if !any_of.is_empty() {
                filters.push(Filter::Equals {
                    field: (*name).to_owned(),
                    any_of,
                });
            }
        }
        for (least, greatest, field) in self.ranges {
            let (min, max) = (parameters.integer(least)?, parameters.integer(greatest)?);
            if let (Some(min), Some(max)) = (min, max)
                && max < min
            {
                return Err(invalid(greatest, format!("is less than {least}")));
            }
            if min.or(max).is_some() {
                let field = (*field).to_owned();
                filters.push(Filter::Range { field, min, max });
            }
        }
        let mut attributes: Vec<(String, Vec<String>)> = Vec::new();
        for (name, value) in parameters.family(ATTRIBUTE) {
            match attributes.iter_mut().find(|(known, _)| known == name) {
                Some((_, values)) => values.push(value.to_owned()),
                None => attributes.push((name.to_owned(), vec![value.to_owned()])),
            }
        }
        let attributes = attributes.into_iter();
        filters.extend(attributes.map(|(name, any_of)| Filter::Attribute { name, any_of }));
        let facets = parameters.text("facets")?.unwrap_or_default().split(',');
        let facets = facets.map(str::trim).filter(|name| !name.is_empty());
        Ok(Query {
            text: parameters.text("q")?.map(str::to_owned),
            filters,
            facets: facets.map(str::to_owned).collect(),
            sort: self.sort(parameters)?,
            limit: parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?,
            cursor: parameters.text("cursor")?.map(str::to_owned),
            highlight: parameters.flag("highlight")?,
            ..Query::default()
        })
    }

    /// The names of all orders.
    pub(crate) fn orders(&self) -> impl Iterator<Item = &'static str> + Clone {
        ["relevance"]
            .into_iter()
            .chain(self.sorts.iter().map(|(name, ..)| *name))
    }

    fn sort(&self, parameters: &Parameters) -> Result<Sort, Problem> {
        let wanted = parameters.text("sort")?.unwrap_or("relevance");
        if wanted == "relevance" {
            return Ok(Sort::Relevance);
        }
        let known = self.sorts.iter().find(|(name, ..)| *name == wanted);
        let (_, field, descending) = known.ok_or_else(|| {
            let detail = format!("there is no such order; {}", hint(wanted, self.orders()));
            invalid("sort", detail)
        })?;
        Ok(Sort::Field {
            name: (*field).to_owned(),
            descending: *descending,
        })
    }

    fn answer(&self, hits: Hits) -> Value {
        let hit = |hit: headwater_search::Hit| {
            let mut answer = json!({ "id": hit.id, "score": hit.score, self.item: hit.source });
            if !hit.highlights.is_empty() {
                answer["highlights"] = json!(hit.highlights);
            }
            answer
        };
        let mut answer = json!({ "total": hits.total, "facets": hits.facets });
        answer["hits"] = hits.hits.into_iter().map(hit).collect();
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
        let (indexes, kinds) = (&self.inner().indexes, &self.inner().kinds);
        let (Some(index), Some(of_kind)) = (indexes.get(search.kind), kinds.get(search.kind)) else {
            return Err(unknown("unknown-kind", "search of", kind, indexes.keys().copied()));
        };
        let query = search.query(parameters)?;
        headwater_search::validate::validate(of_kind.mapping, &query).map_err(of_search)?;
        self.reach(scope, of_kind.projection, consistency).await?;
        Ok(search.answer(index.search(scope, &query).await.map_err(of_search)?))
    }
}
