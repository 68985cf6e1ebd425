//! Answers one query from one snapshot: candidates, scores, order, facets, and the documents of the page.

use super::{
    collapse::{Collapsed, Groups},
    dictionary::Dictionary,
    facets::{Facets, SegmentFacets},
    filter,
    order::{self, Key, Keys, Position, SortValue},
    schema::{Layout, key_term},
    score::{self, Scores},
    terms::unreadable,
};
use crate::{
    Error, Hit, Hits, Query, cursor,
    text::{
        highlight,
        plan::{self, FEW, Plan},
    },
    validate::validate,
};
use headwater_tenancy::{SealingKey, TenantScope};
use std::collections::{BTreeMap, BinaryHeap};
use tantivy::{DocAddress, Searcher, SegmentReader, TantivyDocument, schema::Value as _};

/// A candidate for the page.
struct Candidate {
    value: SortValue,
    id: String,
    score: f32,
    address: DocAddress,
}

/// Answers `query` for the tenant of `scope`.
pub(super) fn run(
    searcher: &Searcher,
    layout: &Layout,
    key: &SealingKey,
    scope: &TenantScope,
    query: &Query,
) -> Result<Hits, Error> {
    validate(layout.mapping, query)?;
    let position: Option<Position> = cursor::open(key, scope, layout.mapping.kind, query)?;
    let tenant = scope.tenant().as_str();
    let text = query.text.as_deref().filter(|text| !text.trim().is_empty());
    let plan = match &position {
        Some(position) => position.plan.clone(),
        None => {
            let words = Dictionary::new(searcher, layout, tenant)?;
            let plan = text.map_or(Ok(None), |text| plan::plan(&words, text, &query.relevance))?;
            plan.map(|plan| settled(searcher, layout, tenant, plan)).transpose()?
        }
    };
    if text.is_some() && plan.is_none() {
        // Signs alone: there is no word that a document could have.
        return Ok(Hits {
            hits: Vec::new(),
            total: 0,
            facets: Facets::new(&query.facets).top(query.facet_size),
            did_you_mean: None,
            next_cursor: None,
        });
    }
    page(searcher, layout, key, scope, query, (plan, position))
}

/// The page of a query that is planned, after a position.
pub(super) fn page(
    searcher: &Searcher,
    layout: &Layout,
    key: &SealingKey,
    scope: &TenantScope,
    query: &Query,
    (plan, position): (Option<Plan>, Option<Position>),
) -> Result<Hits, Error> {
    let tenant = scope.tenant().as_str();
    let mut total = 0;
    let mut facets = Facets::new(&query.facets);
    let (mut segments, mut grouped, mut candidates) = (Vec::new(), Vec::new(), Vec::new());
    let mut descending = false;
    for (ordinal, segment) in searcher.segment_readers().iter().enumerate() {
        let live = filter::live(segment, layout, tenant, &query.filters)?;
        let scores = match &plan {
            Some(plan) => score::score(segment, layout, tenant, plan, live)?,
            None => Scores::all(live),
        };
        let keys = Keys::open(segment, layout, &query.sort)?;
        descending = keys.descending();
        let after = position.as_ref().map(|position| keys.after(position)).transpose()?;
        let mut groups = Groups::open(segment, query.collapse.as_deref(), after)?;
        let mut counts = SegmentFacets::open(segment, &query.facets)?;
        let owner = Owner::of(segment, tenant)?;
        // One more than the page, to know whether there is a next one.
        let mut best: BinaryHeap<(Key, u32)> = BinaryHeap::with_capacity(query.limit + 2);
        for document in scores.matching.iter() {
            if !owner.has(document) {
                tracing::error!(
                    tenant,
                    document,
                    "a document of another tenant was among the candidates"
                );
                continue;
            }
            total += 1;
            counts.count(document);
            let key = keys.key(document, &scores);
            if !groups.take(document, key) && after.is_none_or(|after| key > after) {
                if best.len() <= query.limit {
                    best.push((key, document));
                } else if let Some(mut worst) = best.peek_mut().filter(|worst| key < worst.0) {
                    *worst = (key, document);
                }
            }
        }
        facets.add(counts)?;
        best.into_iter()
            .for_each(|(key, document)| candidates.push((key, ordinal, document)));
        segments.push((keys, scores));
        grouped.push(groups);
    }
    let mut page = Vec::new();
    for (_, ordinal, document) in order::possible(&query.sort, candidates, query.limit) {
        let (keys, scores): &(Keys, Scores) = &segments[ordinal];
        let (value, id) = keys.value(document, scores)?;
        let address = DocAddress::new(ordinal as u32, document);
        page.push(Candidate {
            value,
            id,
            score: scores.of(document),
            address,
        });
    }
    let collapsed = Collapsed {
        segments: &segments,
        groups: &grouped,
        descending,
    };
    for standing in collapsed.first(query.limit + 1)? {
        page.push(Candidate {
            score: segments[standing.segment].1.of(standing.document),
            address: DocAddress::new(standing.segment as u32, standing.document),
            value: standing.value,
            id: standing.id,
        });
    }
    page.sort_by(|a, b| a.value.compare(&b.value, descending).then_with(|| a.id.cmp(&b.id)));
    let more = page.len() > query.limit;
    page.truncate(query.limit);
    let next_cursor = match page.last().filter(|_| more) {
        Some(last) => {
            let position = Position {
                value: last.value.clone(),
                id: last.id.clone(),
                plan: plan.clone(),
            };
            Some(cursor::seal(key, scope, layout.mapping.kind, query, &position)?)
        }
        None => None,
    };
    let mut hits = Vec::with_capacity(page.len());
    for candidate in page {
        hits.extend(hit(
            searcher,
            layout,
            tenant,
            candidate,
            plan.as_ref().filter(|_| query.highlight),
        )?);
    }
    Ok(Hits {
        hits,
        total,
        facets: facets.top(query.facet_size),
        did_you_mean: plan.and_then(|plan| plan.mended),
        next_cursor,
    })
}

/// Settles for half of the words when hardly any document has them all. Filters have no say in it, so that a facet's count stays what the
/// filtered query finds.
fn settled(searcher: &Searcher, layout: &Layout, tenant: &str, plan: Plan) -> Result<Plan, Error> {
    let Some(relaxed) = plan.relaxed() else { return Ok(plan) };
    let mut total = 0;
    for segment in searcher.segment_readers() {
        let live = filter::live(segment, layout, tenant, &[])?;
        let scores = score::score(segment, layout, tenant, &plan, live)?;
        total += scores.matching.iter().take(FEW).count();
        if scores.exact || total >= FEW {
            return Ok(plan);
        }
    }
    Ok(relaxed)
}

/// Whose documents are: the column is compared again for each document that matched, beside the set that it came from.
struct Owner(Option<(tantivy::columnar::Column<u64>, u64)>);

impl Owner {
    fn of(segment: &SegmentReader, tenant: &str) -> Result<Self, Error> {
        let Some(column) = segment.fast_fields().str("_tenant").map_err(unreadable)? else {
            return Ok(Self(None));
        };
        let ordinal = column.dictionary().term_ord(tenant).map_err(unreadable)?;
        Ok(Self(ordinal.map(|ordinal| (column.ords().clone(), ordinal))))
    }

    fn has(&self, document: u32) -> bool {
        self.0
            .as_ref()
            .is_some_and(|(column, ordinal)| column.first(document) == Some(*ordinal))
    }
}

/// Reads a hit's document; none, with an alarm, when its stored key is not the tenant's.
fn hit(
    searcher: &Searcher,
    layout: &Layout,
    tenant: &str,
    candidate: Candidate,
    highlighted: Option<&Plan>,
) -> Result<Option<Hit>, Error> {
    let document: TantivyDocument = searcher.doc(candidate.address).map_err(unreadable)?;
    let key = document
        .get_first(layout.key)
        .and_then(|value| value.as_str().map(str::to_owned));
    if key.as_deref() != Some(&key_term(tenant, &candidate.id)) {
        tracing::error!(tenant, "a stored document is not of the tenant that its columns say");
        return Ok(None);
    }
    let source = source(layout, &document)?.unwrap_or_default();
    let highlights = highlighted.map_or_else(BTreeMap::new, |plan| {
        highlight::highlights(layout.mapping, plan, &source)
    });
    Ok(Some(Hit {
        id: candidate.id,
        score: candidate.score,
        source,
        highlights,
    }))
}

/// The stored JSON of a document.
pub(super) fn source(layout: &Layout, document: &TantivyDocument) -> Result<Option<serde_json::Value>, Error> {
    let bytes = document.get_first(layout.source).and_then(|value| value.as_bytes());
    bytes
        .map(|bytes| serde_json::from_slice(bytes).map_err(unreadable))
        .transpose()
}
