//! From a kind's mapping to an index's. Beside the document itself, what is searched of it is computed here and stored as it is compared, so that
//! a query means the same on every adapter.
//!
//! | field | holds |
//! |---|---|
//! | `tenant`, `id` | whose and which; live documents alone have them, so a tombstone cannot match |
//! | `version`, `deleted`, `source` | what was written, not indexed |
//! | `values` | fields and their exact values, and codes without case and punctuation: filters; fields and their words: weights of a tenant; see [`token`] |
//! | `f_NAME` | values that are counted, numbers, times: facets, ranges and sort |
//! | `t_NAME` | the words of a text in their order, for phrases |
//! | `words` | the tenant's words and how much each counts in the document, see [`words`](super::words) |
//! | `begun` | tenant and word: what is completed while it is typed |
//!
//! The engine keeps what it is sent as it is (`_source`): leaving parts out would have it read, write and for a while keep each document twice,
//! which costs more than what is searched takes there.

use super::{places, words};
use crate::{text::analysis, values::SEPARATOR};
use headwater_kernel::TenantId;
use headwater_read_models::search::{FieldKind, Mapping};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Longest value that is counted as it is, in bytes; of a longer one a hash is.
const MAX_VALUE: usize = 8_000;
/// Longest value that is compared as it is, in bytes.
const MAX_TOKEN: usize = 500;

/// The alias that an index is written by. A write that names an index which is not there would make one without a mapping; one that has to
/// name an alias is refused.
pub(super) fn writes(name: &str) -> String {
    format!("{name}-writes")
}

/// The settings and the mapping of an index of this name; beside it these tenants have indexes of their own.
pub(super) fn index(name: &str, mapping: &Mapping, apart: &BTreeSet<TenantId>) -> Value {
    let long = json!({"type": "long"});
    let mut properties = Map::new();
    properties.insert("tenant".into(), json!({"type": "keyword", "doc_values": false}));
    properties.insert("id".into(), json!({"type": "keyword", "index": false}));
    properties.insert("words".into(), words::field());
    let tokens = json!({"type": "text", "analyzer": "tokens", "norms": false, "index_options": "docs"});
    properties.insert("values".into(), tokens);
    properties.insert("begun".into(), json!({"type": "keyword"}));
    for field in mapping.fields {
        let name = format!("f_{}", field.name);
        match field.kind {
            FieldKind::Text { sort, .. } => {
                let in_order = json!({"type": "text", "analyzer": "whitespace", "norms": false});
                properties.insert(format!("t_{}", field.name), in_order);
                if sort {
                    properties.insert(name, json!({"type": "keyword", "index": false}));
                }
            }
            FieldKind::Keyword { .. } if field.countable() => {
                properties.insert(name, json!({"type": "keyword", "index": false}));
            }
            FieldKind::Integer | FieldKind::Time => {
                properties.insert(name, long.clone());
            }
            FieldKind::Keyword { .. } | FieldKind::Attributes { .. } => {}
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
            "analysis": words::analysis(),
            "similarity": words::similarity(),
        },
        "mappings": {
            "dynamic": false,
            "_meta": {"headwater": fingerprint(mapping), "apart": places::meta(apart)},
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
    [tenant, ":", id].concat()
}

/// A tenant's word. No tenant id has a colon.
pub(super) fn entry(tenant: &str, word: &str) -> String {
    [tenant, ":", word].concat()
}

/// The word of an entry, if it is this tenant's.
pub(super) fn word<'a>(tenant: &str, entry: &'a str) -> Option<&'a str> {
    let (owner, word) = entry.split_once(':')?;
    (owner == tenant).then_some(word)
}

/// A value of a field as filters compare it: without spaces, as tokens stand between them, and of bounded length.
pub(super) fn token(field: &str, value: &str) -> String {
    if value.len() > MAX_TOKEN || value.starts_with(SEPARATOR) {
        return hashed_token(field, &hash(value));
    }
    let mut token = String::with_capacity(field.len() + 1 + value.len());
    token.push_str(field);
    token.push(':');
    for c in value.chars() {
        if c.is_whitespace() || c.is_control() || c == '%' {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                token.push_str(&format!("%{byte:02x}"));
            }
        } else {
            token.push(c);
        }
    }
    token
}

/// No value reads so: a percent sign that is one is written as %25.
fn hashed_token(field: &str, hash: &str) -> String {
    format!("{field}:%hash:{hash}")
}

/// A value as filters compare it, from how it is counted.
pub(super) fn token_of_counted(field: &str, counted: &str) -> String {
    match counted.strip_prefix(SEPARATOR) {
        Some(hash) => hashed_token(field, hash),
        None => token(field, counted),
    }
}

/// A code as filters compare it, apart from the values of its field.
pub(super) fn code_token(field: &str, code: &str) -> String {
    token(&format!("code.{field}"), code)
}

/// A value as it is counted. No value that a person types begins with the mark of a hash.
pub(super) fn counted(value: &str) -> String {
    if value.len() <= MAX_VALUE && !value.starts_with(SEPARATOR) {
        return value.to_owned();
    }
    format!("{SEPARATOR}{}", hash(value))
}

/// A word of a field, apart from its values. Words have nothing in them that would have to be written otherwise. Words of which a document has no
/// such token are of its attributes alone, where most words are.
pub(super) fn word_token(field: &str, word: &str) -> String {
    ["word.", field, ":", word].concat()
}

fn hash(value: &str) -> String {
    Sha256::digest(value).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_value_and_one_token() {
        let long = "long ".repeat(200);
        let values = [
            "",
            "a",
            "a b",
            "a%20b",
            "a%2520b",
            "%",
            "a\tb",
            "a\u{a0}b",
            "a\u{2028}b",
            "\0",
            "\u{1f}",
            "%hash:",
            &long,
            &format!("{long}!"),
            &hash(&long),
        ];
        let tokens: Vec<String> = values.iter().map(|value| token("sku", value)).collect();
        for (at, one) in tokens.iter().enumerate() {
            assert!(one.starts_with("sku:") && one.len() < 4 * MAX_TOKEN, "{one}");
            assert!(!one.contains(|c: char| c.is_whitespace() || c.is_control()), "{one}");
            assert!(!tokens[..at].contains(one), "{one}");
        }
        assert_ne!(token("sku", "1"), code_token("sku", "1"));
    }
}
