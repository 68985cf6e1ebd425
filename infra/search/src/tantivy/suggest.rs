//! Suggestions from one snapshot.

use super::{
    bits::Bits,
    dictionary::Dictionary,
    filter, run,
    schema::{Layout, tenant_term},
    score, terms,
};
use crate::{
    Error, Query, SuggestQuery, Suggestion,
    suggest::{check, suggests},
    text::{
        begun::{Begun, begun},
        suggestions::{self, Found, SAMPLE, VALUES},
    },
};
use headwater_tenancy::{SealingKey, TenantScope};
use tantivy::Searcher;

/// Suggests to the tenant of `scope`.
pub(super) fn suggest(
    searcher: &Searcher,
    layout: &Layout,
    key: &SealingKey,
    scope: &TenantScope,
    query: &SuggestQuery,
) -> Result<Vec<Suggestion>, Error> {
    check(layout.mapping, query)?;
    let tenant = scope.tenant().as_str();
    let words = Dictionary::new(searcher, layout, tenant)?;
    let Some(begun) = begun(&words, &query.text)? else {
        return Ok(Vec::new());
    };
    let fields = layout.mapping.fields.iter().filter(|field| suggests(field));
    let sample = Query {
        facets: fields.map(|field| field.name.to_owned()).collect(),
        facet_size: VALUES,
        limit: SAMPLE,
        ..Query::default()
    };
    let hits = run::page(searcher, layout, key, scope, &sample, (Some(begun.plan.clone()), None))?;
    let found = Found {
        completed: completed(searcher, layout, tenant, &begun)?,
        total: hits.total,
        best: hits.hits.into_iter().map(|hit| hit.source).collect(),
        values: hits.facets,
    };
    Ok(suggestions::suggestions(layout.mapping, query, &begun, &found))
}

/// In how many of the documents that match each completion is.
fn completed(searcher: &Searcher, layout: &Layout, tenant: &str, begun: &Begun) -> Result<Vec<u64>, Error> {
    let mut counts = vec![0; begun.completions.len()];
    for segment in searcher.segment_readers() {
        let live = filter::live(segment, layout, tenant, &[])?;
        let scores = score::score(segment, layout, tenant, &begun.plan, live)?;
        for (completion, count) in begun.completions.iter().zip(&mut counts) {
            let mut having = Bits::none(segment.max_doc());
            let term = tenant_term(tenant, &completion.stem);
            let fields = layout.fields.iter().flat_map(|field| [field.word, field.pair]);
            for field in fields.flatten() {
                terms::collect(segment, field, &term, &mut having)?;
            }
            having.intersect(&scores.matching);
            *count += having.iter().count() as u64;
        }
    }
    Ok(counts)
}
