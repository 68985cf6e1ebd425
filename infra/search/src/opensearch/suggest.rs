//! Suggestions: plans what is typed by the tenant's words, and asks once for the best documents, the values and the completions.

use super::{OpenSearchIndex, clauses, layout, run, statistics};
use crate::{
    Error, Query, Sort, SuggestQuery, Suggestion,
    suggest::{check, suggests},
    text::{
        begun::begun,
        suggestions::{self, Found, SAMPLE, VALUES},
    },
};
use headwater_tenancy::TenantScope;
use serde_json::{Value, json};

/// The aggregation of completions; no field is called so.
const COMPLETED: &str = "_completed";

/// Suggests to the tenant of `scope`.
pub(super) async fn suggest(
    index: &OpenSearchIndex,
    scope: &TenantScope,
    query: &SuggestQuery,
) -> Result<Vec<Suggestion>, Error> {
    check(index.mapping, query)?;
    index.ready().await?;
    let tenant = scope.tenant().as_str();
    let Some(begun) = statistics::planned(index, tenant, |words| begun(words, &query.text)).await? else {
        return Ok(Vec::new());
    };
    let fields = index.mapping.fields.iter().filter(|field| suggests(field));
    let counted = Query {
        facets: fields.map(|field| field.name.to_owned()).collect(),
        facet_size: VALUES,
        ..Query::default()
    };
    let mut aggregations = clauses::facets(&counted);
    let term = |word: &str| json!({"term": {"words": layout::entry(tenant, word)}});
    let completed: Vec<Value> = begun.completions.iter().map(|one| term(&one.stem)).collect();
    if !completed.is_empty() {
        aggregations[COMPLETED] = json!({"filters": {"filters": completed}});
    }
    let body = json!({
        "size": SAMPLE,
        "track_total_hits": true,
        "query": {"bool": {
            "filter": clauses::filters(index.mapping, tenant, &[]), "must": [clauses::text(index.mapping, tenant, &begun.plan)],
        }},
        "sort": clauses::order(&Sort::Relevance),
        "_source": ["source"],
        "aggs": aggregations,
    });
    let mut answer = index.ask(tenant, &body).await?;
    let Value::Array(best) = answer["hits"]["hits"].take() else {
        return Err(Error::Unavailable("an answer without hits".into()));
    };
    let count = |at| answer["aggregations"][COMPLETED]["buckets"][at]["doc_count"].as_u64();
    let values = counted.facets.iter();
    let values = values.map(|field| (field.clone(), run::facet(&answer, field, VALUES)));
    let found = Found {
        completed: (0..begun.completions.len()).map(|at| count(at).unwrap_or(0)).collect(),
        total: answer["hits"]["total"]["value"].as_u64().unwrap_or(0),
        best: best
            .into_iter()
            .filter_map(|found| Some(run::hit(index, tenant, found, None)?.source))
            .collect(),
        values: values.collect(),
    };
    Ok(suggestions::suggestions(index.mapping, query, &begun, &found))
}
