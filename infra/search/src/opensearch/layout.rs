//! From a kind's mapping to an index's. Beside the document itself, what is searched of it is computed here and stored as it is compared, so that
//! a query means the same on every adapter.
//!
//! | field | holds |
//! |---|---|
//! | `tenant`, `id` | whose and which; live documents alone have them, so a tombstone cannot match |
//! | `version`, `deleted`, `source` | what was written, not indexed |
//! | `f_NAME` | exact values, numbers, times: filters, facets and sort |
//! | `c_NAME` | values without case and punctuation |
//! | `t_NAME` | the words of a text in their order, for phrases |
//! | `w_NAME` | the words of a field, for the weights of a tenant |
//! | `words` | how much each word counts in the document, see [`words`](super::words) |
//! | `vocabulary` | tenant and word: how frequent a tenant's words are, and which there are |
//! | `begun` | tenant and word: what is completed while it is typed |

use crate::{
    DocumentBody, DocumentWrite,
    text::{
        analysis::{self, code},
        completions::beginnings,
        phrases,
    },
    values::{SEPARATOR, attribute_value, canonical_number, number, scalar, sort_text, texts},
};
use headwater_read_models::search::{Field, FieldKind, Mapping};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::words;

/// Longest value that is compared as it is, in bytes; of a longer one a hash is.
const MAX_VALUE: usize = 8_000;

/// The alias that an index is written by. A write that names an index which is not there would make one without a mapping; one that has to
/// name an alias is refused.
pub(super) fn writes(name: &str) -> String {
    format!("{name}-writes")
}

/// The settings and the mapping of an index of this name.
pub(super) fn index(name: &str, mapping: &Mapping) -> Value {
    let keyword = json!({"type": "keyword"});
    let long = json!({"type": "long"});
    let mut properties = Map::new();
    properties.insert("tenant".into(), keyword.clone());
    properties.insert("id".into(), keyword.clone());
    properties.insert("words".into(), json!({"type": "rank_features"}));
    properties.insert("vocabulary".into(), keyword.clone());
    properties.insert("begun".into(), keyword.clone());
    for field in mapping.fields {
        let name = format!("f_{}", field.name);
        if field.weight() > 0.0 {
            let words = json!({"type": "keyword", "doc_values": false});
            properties.insert(format!("w_{}", field.name), words);
        }
        match field.kind {
            FieldKind::Text { sort, .. } => {
                let in_order = json!({"type": "text", "analyzer": "whitespace", "norms": false});
                properties.insert(format!("t_{}", field.name), in_order);
                if sort {
                    properties.insert(name, json!({"type": "keyword", "index": false}));
                }
            }
            FieldKind::Keyword { exact_boost, .. } => {
                properties.insert(name, keyword.clone());
                if exact_boost > 0.0 {
                    let code = json!({"type": "keyword", "doc_values": false});
                    properties.insert(format!("c_{}", field.name), code);
                }
            }
            FieldKind::Integer | FieldKind::Time => {
                properties.insert(name, long.clone());
            }
            FieldKind::Attributes { .. } => {
                properties.insert(name, json!({"type": "keyword", "doc_values": false}));
            }
        }
    }
    let mut aliases = Map::new();
    aliases.insert(writes(name), json!({}));
    json!({
        "aliases": aliases,
        "settings": {
            // Searches see what is committed, as everywhere.
            "refresh_interval": "-1",
            "auto_expand_replicas": "0-1",
        },
        "mappings": {
            "dynamic": false,
            "_meta": {"headwater": fingerprint(mapping)},
            "_source": {"includes": ["id", "version", "deleted", "source"]},
            "properties": properties,
        },
    })
}

/// What must be the same for an index to be used on.
pub(super) fn fingerprint(mapping: &Mapping) -> String {
    format!(
        "mapping {} analysis {} words {}",
        mapping.version,
        analysis::VERSION,
        words::VERSION
    )
}

/// The id of a document: no tenant id has a colon.
pub(super) fn key(tenant: &str, id: &str) -> String {
    format!("{tenant}:{id}")
}

/// A tenant's word in the vocabulary.
pub(super) fn entry(tenant: &str, word: &str) -> String {
    format!("{tenant}{SEPARATOR}{word}")
}

/// A value as it is compared. No value that a person types begins with the mark of a hash.
pub(super) fn value(value: &str) -> String {
    if value.len() <= MAX_VALUE && !value.starts_with(SEPARATOR) {
        return value.to_owned();
    }
    let hash: String = Sha256::digest(value).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{SEPARATOR}{hash}")
}

/// What is stored of a write.
pub(super) fn document(mapping: &Mapping, write: &DocumentWrite) -> Value {
    let mut stored = Map::new();
    stored.insert("version".into(), json!(write.version));
    match &write.body {
        DocumentBody::Tombstone { state } => {
            stored.insert("deleted".into(), json!(true));
            if let Some(state) = state {
                stored.insert("source".into(), state.clone());
            }
        }
        DocumentBody::Put(body) => {
            let tenant = write.scope.tenant().as_str();
            stored.insert("tenant".into(), json!(tenant));
            stored.insert("id".into(), json!(write.id.as_str()));
            stored.insert("source".into(), body.clone());
            for field in mapping.fields {
                if let Some(value) = body.get(field.name).filter(|value| !value.is_null()) {
                    add_field(&mut stored, field, value);
                }
            }
            let (weights, of_fields) = words::weights(mapping, body);
            for (field, words) in of_fields {
                stored.insert(format!("w_{field}"), json!(words));
            }
            let vocabulary: Vec<String> = weights.keys().map(|word| entry(tenant, word)).collect();
            let features: Map<String, Value> = weights
                .into_iter()
                .map(|(word, weight)| (words::feature(&word), json!(weight)))
                .collect();
            stored.insert("words".into(), Value::Object(features));
            stored.insert("vocabulary".into(), json!(vocabulary));
            let begun = beginnings(mapping, body);
            let begun: Vec<String> = begun.iter().map(|word| entry(tenant, word)).collect();
            stored.insert("begun".into(), json!(begun));
        }
    }
    Value::Object(stored)
}

fn add_field(stored: &mut Map<String, Value>, field: &Field, given: &Value) {
    let name = format!("f_{}", field.name);
    match field.kind {
        FieldKind::Text { sort, .. } => {
            let texts = texts(given);
            let in_order: Vec<String> = texts.iter().map(|text| phrases::words(text).join(" ")).collect();
            stored.insert(format!("t_{}", field.name), json!(in_order));
            if let Some(first) = texts.first().filter(|_| sort) {
                stored.insert(name, json!(sort_text(first)));
            }
        }
        FieldKind::Keyword { exact_boost, .. } => {
            let values = texts(given);
            if exact_boost > 0.0 {
                let codes: Vec<String> = values.iter().map(|value| code(value)).collect();
                stored.insert(format!("c_{}", field.name), json!(codes));
            }
            let values: Vec<String> = values.iter().map(|text| value(text)).collect();
            stored.insert(name, json!(values));
        }
        FieldKind::Integer | FieldKind::Time => {
            stored.insert(name, json!(number(field, given)));
        }
        FieldKind::Attributes { .. } => {
            let mut values = Vec::new();
            for (name, given) in given.as_object().into_iter().flatten() {
                let given = given.as_array().map_or(std::slice::from_ref(given), Vec::as_slice);
                values.extend(given.iter().filter_map(scalar).map(|scalar| attribute(name, &scalar)));
            }
            stored.insert(name, json!(values));
        }
    }
}

/// The value of an attribute as it is compared.
pub(super) fn attribute(name: &str, scalar: &str) -> String {
    value(&attribute_value(name, &canonical_number(scalar)))
}
