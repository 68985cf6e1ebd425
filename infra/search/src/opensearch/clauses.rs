//! From a query to the engine's clauses. Nothing of a text is ever parsed by the engine: it gets single words and exact values.

use super::layout;
use crate::{
    Filter, Query, Sort,
    attributes::wanted,
    text::{
        plan::{Exact, Group, Plan},
        weights::{MAX_BOOST, PAIR, SATURATION, SHARE, field_weights},
    },
    validate::attributes,
};
use headwater_read_models::search::{FieldKind, Mapping};
use serde_json::{Value, json};

/// What a hit has to be, without scoring.
pub(super) fn filters(mapping: &Mapping, tenant: &str, filters: &[Filter]) -> Vec<Value> {
    let tenant = json!({"term": {"tenant": tenant}});
    let others = filters
        .iter()
        .filter(|filter| !matches!(filter, Filter::Attribute { .. }));
    let others = others.map(|filter| fits(mapping, filter));
    [tenant]
        .into_iter()
        .chain(others)
        .chain(have_attributes(mapping, filters))
        .collect()
}

/// What has the attributes that filters want, itself or with one of its parts: a clause for each set of values.
fn have_attributes<'a>(mapping: &Mapping, filters: impl IntoIterator<Item = &'a Filter>) -> Vec<Value> {
    let name = attributes(mapping).map_or("", |field| field.name);
    let sets = wanted(mapping, filters).into_iter();
    sets.map(|values| any_value(name, values.iter())).collect()
}

/// What fits a filter.
fn fits(mapping: &Mapping, filter: &Filter) -> Value {
    match filter {
        Filter::Equals { field, any_of } => any_value(field, any_of.iter()),
        Filter::Range { field, min, max } => {
            let mut bounds = json!({});
            if let Some(min) = min {
                bounds["gte"] = json!(min);
            }
            if let Some(max) = max {
                bounds["lte"] = json!(max);
            }
            match (min, max) {
                (None, None) => json!({"exists": {"field": format!("f_{field}")}}),
                (Some(min), Some(max)) if min > max => json!({"match_none": {}}),
                _ => {
                    let mut range = json!({});
                    range[format!("f_{field}")] = bounds;
                    json!({ "range": range })
                }
            }
        }
        Filter::Attribute { .. } => json!({"bool": {"filter": have_attributes(mapping, [filter])}}),
    }
}

/// A field has one of these values.
fn any_value<'a>(field: &str, values: impl Iterator<Item = &'a String>) -> Value {
    let tokens: Vec<String> = values.map(|value| layout::token(field, value)).collect();
    json!({"terms": {"values": tokens}})
}

/// The words of a plan, scored as `tantivy::score` does it.
pub(super) fn text(mapping: &Mapping, tenant: &str, plan: &Plan) -> Value {
    let weights = field_weights(mapping, plan);
    let group = |words: &Group, counts| group((mapping, tenant), words, counts, &weights);
    let groups: Vec<Value> = plan.groups.iter().map(|words| group(words, 1.0)).collect();
    let pairs: Vec<Value> = plan.pairs.iter().map(|words| group(words, PAIR)).collect();
    let all = plan.groups.len() as f64;
    // A document with `n` of the words keeps (n / all)^SHARE of its score: as a product of steps, one for each word more.
    let mut functions =
        vec![json!({"filter": {"match_all": {}}, "weight": (f64::from(plan.required) / all).powi(SHARE)})];
    for shared in plan.required + 1..=plan.groups.len() as u32 {
        let step = (f64::from(shared) / f64::from(shared - 1)).powi(SHARE);
        functions.push(json!({
            "filter": {"bool": {"should": groups, "minimum_should_match": shared}}, "weight": step,
        }));
    }
    let words = json!({"function_score": {
        "query": {"bool": {
            "must": [{"bool": {"should": groups, "minimum_should_match": plan.required}}], "should": pairs,
            "filter": plan.phrases.iter().map(|words| phrase(mapping, words)).collect::<Vec<_>>(),
        }},
        "functions": functions, "score_mode": "multiply", "boost_mode": "multiply",
    }});
    let mut either = vec![boosted(mapping, plan, words)];
    either.extend(exact(mapping, plan));
    json!({"bool": {"should": either, "minimum_should_match": 1}})
}

/// These words next to each other in one of the texts.
fn phrase(mapping: &Mapping, words: &[String]) -> Value {
    let texts = mapping
        .fields
        .iter()
        .filter(|field| matches!(field.kind, FieldKind::Text { .. }));
    let in_one = texts.map(|field| {
        let mut one = json!({});
        one[format!("t_{}", field.name)] = json!(words.join(" "));
        json!({ "match_phrase": one })
    });
    json!({"bool": {"should": in_one.collect::<Vec<_>>(), "minimum_should_match": 1}})
}

/// What the tenant's boosts make of the scores of words.
fn boosted(mapping: &Mapping, plan: &Plan, words: Value) -> Value {
    if plan.boosts.is_empty() {
        return words;
    }
    let boost = |(documents, factor): &(Filter, Exact)| json!({"filter": fits(mapping, documents), "weight": factor.0});
    json!({"function_score": {
        "query": words, "functions": plan.boosts.iter().map(boost).collect::<Vec<_>>(),
        "score_mode": "multiply", "boost_mode": "multiply", "max_boost": MAX_BOOST,
    }})
}

/// What becomes of a word's score, saturated to less than 1, when its weight counts less.
const LESS: &str = "double less = params.counts * _score; return params.boost * less / (1 - _score + less);";

/// A word in any of its forms: the one that counts most, by the weights of the fields where it is.
fn group((mapping, tenant): (&Mapping, &str), group: &Group, counts: f32, weights: &[(&str, f32)]) -> Value {
    let boost = counts * group.idf.0 * (SATURATION + 1.0);
    let scored = |form: &String, weight: f32, boost: f32| {
        let entry = layout::entry(tenant, form);
        if weight == 1.0 {
            return json!({"term": {"words": {"value": entry, "boost": boost}}});
        }
        json!({"function_score": {
            "query": {"term": {"words": entry}}, "boost_mode": "replace",
            "script_score": {"script": {"source": LESS, "params": {"counts": weight, "boost": boost}}},
        }})
    };
    let forms = group.forms.iter().map(|(form, weight)| scored(form, weight.0, boost));
    let together = group.together.iter().map(|(words, weight)| {
        let each = words
            .iter()
            .map(|word| scored(word, weight.0, boost / words.len() as f32));
        json!({"bool": {"must": each.collect::<Vec<_>>()}})
    });
    let any = json!({"dis_max": {"queries": forms.chain(together).collect::<Vec<_>>()}});
    if weights.is_empty() {
        return any;
    }
    let in_field = |(field, weight): &(&str, f32)| {
        let tokens: Vec<String> = group.words().map(|word| layout::word_token(field, word)).collect();
        let mut either = vec![json!({"terms": {"values": tokens}})];
        if attributes(mapping).is_some_and(|attributes| attributes.name == *field) {
            either.extend(group.words().map(|word| nowhere_else(tenant, word, weights)));
        }
        json!({"filter": {"bool": {"should": either, "minimum_should_match": 1}}, "weight": weight})
    };
    json!({"function_score": {
        "query": any, "functions": weights.iter().map(in_field).collect::<Vec<_>>(),
        "score_mode": "max", "boost_mode": "multiply",
    }})
}

/// Documents that have a word in their attributes alone: they have it, and no token says where.
fn nowhere_else(tenant: &str, word: &str, weights: &[(&str, f32)]) -> Value {
    let tokens: Vec<String> = weights
        .iter()
        .map(|(field, _)| layout::word_token(field, word))
        .collect();
    json!({"bool": {
        "filter": {"term": {"words": layout::entry(tenant, word)}}, "must_not": {"terms": {"values": tokens}},
    }})
}

/// Documents of which a code is the whole text.
pub(super) fn exact(mapping: &Mapping, plan: &Plan) -> Vec<Value> {
    let mut clauses = Vec::new();
    for field in mapping.fields {
        if let FieldKind::Keyword { exact_boost, .. } = field.kind
            && exact_boost > 0.0
            && !plan.code.is_empty()
        {
            let term = json!({"term": {"values": layout::code_token(field.name, &plan.code)}});
            clauses.push(json!({"constant_score": {"filter": term, "boost": exact_boost}}));
        }
    }
    clauses
}

/// The order, down to the id.
pub(super) fn order(sort: &Sort) -> Value {
    let id = json!({"id": {"order": "asc"}});
    match sort {
        Sort::Relevance => json!([{"_score": {"order": "desc"}}, id]),
        Sort::Field { name, descending } => {
            let mut by = json!({});
            by[format!("f_{name}")] = json!({"order": if *descending { "desc" } else { "asc" }, "missing": "_last"});
            json!([by, id])
        }
    }
}

/// Counts of values, the most frequent first and equals by value.
pub(super) fn facets(query: &Query) -> Value {
    let mut counts = json!({});
    for field in &query.facets {
        counts[field] = json!({"terms": {
            "field": format!("f_{field}"), "size": query.facet_size.max(1), "order": [{"_count": "desc"}, {"_key": "asc"}],
        }});
    }
    counts
}
