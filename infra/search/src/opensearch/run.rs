//! Answers one query: plans its text, asks the engine, and reads the page.
//!
//! A page goes on after the last hit's place in the order (`search_after`) on what is visible then. As a document's score depends on the
//! document and the plan alone, and the plan travels in the cursor, what did not change keeps its place; so no snapshot has to be kept open in the
//! cluster, and a cursor never expires.

use super::{OpenSearchIndex, clauses, collapse, statistics};
use crate::{
    Error, FacetCount, Hit, Hits, Query, Relevance, cursor,
    text::{
        highlight,
        plan::{FEW, Plan, plan},
    },
    validate::validate,
};
use headwater_tenancy::TenantScope;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where a page ends, as its cursor holds it.
#[derive(Serialize, Deserialize)]
struct Position {
    /// What the last hit is sorted by, as the engine says it.
    after: Value,
    /// The text as it was planned for the first page.
    plan: Option<Plan>,
}

/// Answers `query` for the tenant of `scope`.
pub(super) async fn run(index: &OpenSearchIndex, scope: &TenantScope, query: &Query) -> Result<Hits, Error> {
    let mapping = index.mapping;
    validate(mapping, query)?;
    let position: Option<Position> = cursor::open(&index.key, scope, mapping.kind, query)?;
    index.ready().await?;
    let tenant = scope.tenant().as_str();
    let text = query.text.as_deref().filter(|text| !text.trim().is_empty());
    let (after, plan) = match position {
        Some(position) => (Some(position.after), position.plan),
        None => (None, first_plan(index, tenant, text, &query.relevance).await?),
    };
    if text.is_some() && plan.is_none() {
        // Signs alone: there is no word that a document could have.
        return Ok(Hits {
            hits: Vec::new(),
            total: 0,
            facets: query.facets.iter().map(|field| (field.clone(), Vec::new())).collect(),
            did_you_mean: None,
            next_cursor: None,
        });
    }
    let mut matching = json!({"bool": {"filter": clauses::filters(mapping, tenant, &query.filters)}});
    if let Some(plan) = &plan {
        matching["bool"]["must"] = json!([clauses::text(mapping, tenant, plan)]);
    }
    let mut body = json!({
        "size": 0,
        "track_total_hits": true,
        "query": matching,
        "aggs": clauses::facets(query),
    });
    if query.collapse.is_none() {
        // One more than the page, to know whether there is a next one.
        body["size"] = json!(query.limit + 1);
        body["track_scores"] = json!(true);
        body["sort"] = clauses::order(&query.sort);
        body["_source"] = json!(["source"]);
        if let Some(after) = &after {
            body["search_after"] = after.clone();
        }
    }
    let mut answer = index.ask(tenant, &body).await?;
    let facets = query
        .facets
        .iter()
        .map(|field| (field.clone(), facet(&answer, field, query.facet_size)))
        .collect();
    let total = answer["hits"]["total"]["value"].as_u64().unwrap_or(0);
    let mut found = match (&query.collapse, answer["hits"]["hits"].take()) {
        (Some(field), _) => collapse::page(index, tenant, query, field, &matching, after).await?,
        (None, Value::Array(found)) => found,
        _ => return Err(Error::Unavailable("an answer without hits".into())),
    };
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    let next_cursor = match found.last_mut().filter(|_| more) {
        Some(last) => {
            let position = Position {
                after: last["sort"].take(),
                plan: plan.clone(),
            };
            Some(cursor::seal(&index.key, scope, mapping.kind, query, &position)?)
        }
        None => None,
    };
    let highlighted = plan.as_ref().filter(|_| query.highlight);
    let hits = found
        .into_iter()
        .filter_map(|found| hit(index, tenant, found, highlighted))
        .collect();
    Ok(Hits {
        hits,
        total,
        facets,
        did_you_mean: plan.and_then(|plan| plan.mended),
        next_cursor,
    })
}

pub(super) fn facet(answer: &Value, field: &str, size: usize) -> Vec<FacetCount> {
    let buckets = answer["aggregations"][field]["buckets"].as_array();
    let count = |bucket: &Value| {
        Some(FacetCount {
            value: bucket["key"].as_str()?.to_owned(),
            count: bucket["doc_count"].as_u64()?,
        })
    };
    buckets.into_iter().flatten().filter_map(count).take(size).collect()
}

/// Reads a hit; none, with an alarm, when its key is not the tenant's.
pub(super) fn hit(index: &OpenSearchIndex, tenant: &str, mut found: Value, highlighted: Option<&Plan>) -> Option<Hit> {
    let key = found["_id"].as_str().and_then(|key| key.split_once(':'));
    let Some((_, id)) = key.filter(|(owner, _)| *owner == tenant) else {
        tracing::error!(tenant, "a document of another tenant was among the hits");
        return None;
    };
    let id = id.to_owned();
    let score = found["_score"].as_f64().unwrap_or(0.0) as f32;
    let source = found["_source"]["source"].take();
    let highlights = highlighted.map_or_else(BTreeMap::new, |plan| {
        highlight::highlights(index.mapping, plan, &source)
    });
    Some(Hit {
        id,
        score,
        source,
        highlights,
    })
}

/// The plan of a first page: with half of the words enough when hardly any document has them all. Filters have no say in it, so that a facet's
/// count stays what the filtered query finds.
async fn first_plan(
    index: &OpenSearchIndex,
    tenant: &str,
    text: Option<&str>,
    relevance: &Relevance,
) -> Result<Option<Plan>, Error> {
    let Some(text) = text else { return Ok(None) };
    let Some(plan) = statistics::planned(index, tenant, |words| plan(words, text, relevance)).await? else {
        return Ok(None);
    };
    let Some(relaxed) = plan.relaxed() else {
        return Ok(Some(plan));
    };
    let body = json!({
        "size": 0, "track_total_hits": FEW,
        "query": {"bool": {
            "filter": clauses::filters(index.mapping, tenant, &[]), "must": [clauses::text(index.mapping, tenant, &plan)],
        }},
        "aggs": {"exact": {"filter": {"bool": {"should": clauses::exact(index.mapping, &plan), "minimum_should_match": 1}}}},
    });
    let answer = index.ask(tenant, &body).await?;
    let enough = answer["hits"]["total"]["value"]
        .as_u64()
        .is_some_and(|total| total >= FEW as u64);
    let exact = answer["aggregations"]["exact"]["doc_count"]
        .as_u64()
        .is_some_and(|exact| exact > 0);
    Ok(Some(if enough || exact { plan } else { relaxed }))
}
