//! Collapsing. The engine's own `collapse` takes all documents without a value for one group, fails on a document with several, and cannot go on
//! after a hit; so hits are taken in order, and the engine is asked for the best of each of their values.

use super::{OpenSearchIndex, clauses, layout};
use crate::{Error, Query};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};

/// How many documents are looked at for each hit that is wanted, at once. With more documents of one value it takes more requests.
const DOCUMENTS_A_HIT: usize = 4;

/// The first `wanted` hits after a place in the order that are the best of a value, or have none.
pub(super) async fn page(
    index: &OpenSearchIndex,
    tenant: &str,
    query: &Query,
    field: &str,
    matching: &Value,
    mut after: Option<Value>,
) -> Result<Vec<Value>, Error> {
    let wanted = query.limit + 1;
    let size = wanted * DOCUMENTS_A_HIT;
    let column = format!("f_{field}");
    let mut page = Vec::new();
    loop {
        let mut body = json!({
            "size": size,
            "track_total_hits": false,
            "track_scores": true,
            "query": matching,
            "sort": clauses::order(&query.sort),
            "docvalue_fields": [column],
            "_source": ["source"],
        });
        if let Some(after) = after.take() {
            body["search_after"] = after;
        }
        let mut answer = index.ask(tenant, &body).await?;
        let Value::Array(found) = answer["hits"]["hits"].take() else {
            return Err(Error::Unavailable("an answer without hits".into()));
        };
        let all = found.len();
        let last = found.last().map(|last| last["sort"].clone());
        let named: BTreeSet<&str> = found.iter().flat_map(|hit| values(hit, &column)).collect();
        let best = best(index, tenant, query, field, matching, &named).await?;
        let stands = |hit: &Value| {
            values(hit, &column).next().is_none() || hit["_id"].as_str().is_some_and(|id| best.contains(id))
        };
        page.extend(
            found
                .iter()
                .filter(|hit| stands(hit))
                .take(wanted - page.len())
                .cloned(),
        );
        if page.len() == wanted || all < size {
            return Ok(page);
        }
        after = last;
    }
}

fn values<'a>(hit: &'a Value, column: &str) -> impl Iterator<Item = &'a str> {
    hit["fields"][column]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// The keys of the documents that are the best of one of the values.
async fn best(
    index: &OpenSearchIndex,
    tenant: &str,
    query: &Query,
    field: &str,
    matching: &Value,
    values: &BTreeSet<&str>,
) -> Result<HashSet<String>, Error> {
    if values.is_empty() {
        return Ok(HashSet::new());
    }
    let tokens: Vec<String> = values
        .iter()
        .map(|value| layout::token_of_counted(field, value))
        .collect();
    let body = json!({
        "size": 0,
        "track_total_hits": false,
        "query": {"bool": {"must": [matching], "filter": [{"terms": {"values": tokens}}]}},
        "aggs": {"values": {
            "terms": {"field": format!("f_{field}"), "include": values, "size": values.len()},
            "aggs": {"best": {"top_hits": {"size": 1, "sort": clauses::order(&query.sort), "_source": false}}},
        }},
    });
    let answer = index.ask(tenant, &body).await?;
    let values = answer["aggregations"]["values"]["buckets"].as_array();
    let best = values
        .into_iter()
        .flatten()
        .filter_map(|value| value["best"]["hits"]["hits"][0]["_id"].as_str());
    Ok(best.map(str::to_owned).collect())
}
