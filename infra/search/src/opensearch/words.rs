//! How much each word counts in a document: BM25F's weighted frequency, computed when the document is written and stored as a feature of it.
//!
//! The engine's own scoring takes a word's rarity and a field's mean length from all documents of a shard, those of other tenants too, and
//! adds fields up after each is saturated. With features, a document's score depends on the document and the plan of the query alone: other
//! tenants do not move it, and it is the same on every page. The engine saturates and adds up.

use crate::{
    text::{
        analysis::{chunks, pair},
        weights::{LENGTH, SPLIT},
    },
    values::{lead, texts},
};
use headwater_read_models::search::{Field, FieldKind, Mapping};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Raised when weights or what is stored beside them change; an index of another version is filled anew.
pub(super) const VERSION: u32 = 2;

/// The feature of a word. A point would be read as a path; no word has an underscore.
pub(super) fn feature(word: &str) -> String {
    word.replace('.', "_")
}

/// The words of each field.
type OfFields = BTreeMap<&'static str, BTreeSet<String>>;

/// The words of a document and what each counts, before saturation; and the words by field.
pub(super) fn weights(mapping: &Mapping, body: &Value) -> (BTreeMap<String, f32>, OfFields) {
    let mut weights = BTreeMap::new();
    let mut of_fields = OfFields::new();
    let lead = lead(mapping);
    for field in mapping.fields.iter().filter(|field| field.weight() > 0.0) {
        let Some(value) = body.get(field.name) else { continue };
        let is_lead = lead == Some(field.name);
        let (mut words, mut pairs) = (Vec::new(), Vec::new());
        for text in field_texts(field, value) {
            let chunks = chunks(text);
            words.extend(chunks.iter().flat_map(|chunk| chunk.words()));
            if is_lead {
                let parts: Vec<&String> = chunks.iter().flat_map(|chunk| &chunk.parts).collect();
                pairs.extend(parts.windows(2).map(|two| pair(two[0], two[1])));
            }
        }
        let both = words.iter().chain(&pairs).cloned();
        of_fields.insert(field.name, both.collect());
        add(&mut weights, words, field.weight(), usual_length(field, is_lead));
        add(
            &mut weights,
            pairs,
            SPLIT * field.weight(),
            usual_length(field, is_lead),
        );
    }
    (weights, of_fields)
}

fn field_texts<'a>(field: &Field, value: &'a Value) -> Vec<&'a str> {
    match field.kind {
        FieldKind::Attributes { .. } => value
            .as_object()
            .into_iter()
            .flat_map(serde_json::Map::values)
            .flat_map(texts)
            .collect(),
        _ => texts(value),
    }
}

fn add(weights: &mut BTreeMap<String, f32>, words: Vec<String>, weight: f32, usual: f32) {
    let each = weight / (1.0 - LENGTH + LENGTH * words.len() as f32 / usual);
    for word in words {
        *weights.entry(word).or_default() += each;
    }
}

/// What counts as the mean length of a field, in words. Fixed, so that no document's score depends on others; from the products that relevance
/// is measured on.
fn usual_length(field: &Field, lead: bool) -> f32 {
    match field.kind {
        FieldKind::Text { .. } if lead => 15.0,
        FieldKind::Text { .. } => 80.0,
        FieldKind::Attributes { .. } => 20.0,
        _ => 2.0,
    }
}
