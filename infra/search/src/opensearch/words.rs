//! How much each word counts in a document: BM25F's weighted frequency, computed when the document is written, and kept as what the engine takes
//! for the number of times that the word is in it.
//!
//! The engine's own scoring takes a word's rarity and a field's mean length from all documents of a shard, those of other tenants too, and
//! adds fields up after each is saturated. Here a document's score depends on the document and the plan of the query alone: other tenants do not
//! move it, and it is the same on every page. The engine saturates and adds up.

use super::{document::Read, layout};
use crate::{
    text::{
        analysis::{Chunk, pair},
        weights::{LENGTH, SATURATION, SPLIT},
    },
    values::lead,
};
use headwater_read_models::search::{Field, FieldKind, Mapping};
use serde_json::{Value, json};
use std::fmt::Write;

/// Raised when weights, their saturation or what is stored beside them change; an index of another version is filled anew.
pub(super) const VERSION: u32 = 3;

/// What stands between a word and its weight.
const DELIMITER: char = '|';
/// Bits of a 32-bit float that a weight is kept without: 8 of the fraction stay.
const DROPPED: u32 = 15;
/// The float next below 2^-8 in so few bits. Weights count from here, so that none of those that occur takes more than 12 bits.
const BELOW: u32 = ((127 - 8) << (23 - DROPPED)) - 1;

/// The field of the words.
pub(super) fn field() -> Value {
    json!({"type": "text", "analyzer": "weighted", "norms": false, "index_options": "freqs", "similarity": "weight"})
}

/// How the engine reads them: words between spaces, each with its weight.
pub(super) fn analysis() -> Value {
    json!({
        "tokenizer": {"spaces": {"type": "whitespace", "max_token_length": 4_000}},
        "filter": {"weight": {"type": "delimited_term_freq", "delimiter": DELIMITER}},
        "analyzer": {"weighted": {"tokenizer": "spaces", "filter": ["weight"]}, "tokens": {"tokenizer": "spaces"}},
    })
}

/// How the engine scores them: a word's saturated weight times what the query says it counts. Nothing of other documents is in it.
pub(super) fn similarity() -> Value {
    let script = format!(
        "float kept = Float.intBitsToFloat(((int) doc.freq + {BELOW}) << {DROPPED}); \
         return query.boost * kept / (kept + {SATURATION:?});"
    );
    json!({"weight": {"type": "scripted", "script": {"source": script}}})
}

/// A weight as a number of times, from 1 on and greater for a greater one; 9 significant bits of it.
fn times(weight: f32) -> u32 {
    (weight.max(0.0).to_bits() >> DROPPED).saturating_sub(BELOW).max(1)
}

/// The words of a document as the engine reads them: each an [entry](layout::entry) with its weight.
pub(super) fn text(tenant: &str, occurrences: &[Occurrence]) -> String {
    let mut text = String::new();
    for of_word in occurrences.chunk_by(|a, b| a.word == b.word) {
        let weight: f32 = of_word.iter().map(|one| one.counts).sum();
        text.push_str(tenant);
        text.push(':');
        text.push_str(&of_word[0].word);
        // Writing to a string does not fail.
        let _ = write!(text, "{DELIMITER}{} ", times(weight));
    }
    text
}

/// The words in such a text of this tenant.
pub(super) fn words<'a>(tenant: &'a str, text: &'a str) -> impl Iterator<Item = &'a str> {
    let entries = text.split(' ').filter_map(|entry| entry.split_once(DELIMITER));
    entries.filter_map(move |(entry, _)| layout::word(tenant, entry))
}

/// A word of a field.
pub(super) struct Occurrence {
    pub(super) word: String,
    pub(super) field: &'static str,
    /// What it counts there, before saturation.
    counts: f32,
}

/// The words of a document, each as often as it occurs: by word, then by field, so that what is added up is added in one order.
pub(super) fn occurrences(mapping: &Mapping, read: &[Read<'_>]) -> Vec<Occurrence> {
    let mut occurrences = Vec::new();
    let lead = lead(mapping);
    for Read { field, texts } in read.iter().filter(|read| read.field.weight() > 0.0) {
        let is_lead = lead == Some(field.name);
        let (mut words, mut pairs) = (Vec::new(), Vec::new());
        for chunks in texts {
            words.extend(chunks.iter().flat_map(Chunk::words));
            if is_lead {
                let parts: Vec<&String> = chunks.iter().flat_map(|chunk| &chunk.parts).collect();
                pairs.extend(parts.windows(2).map(|two| pair(two[0], two[1])));
            }
        }
        let usual = usual_length(field, is_lead);
        add(&mut occurrences, words, field.name, field.weight(), usual);
        add(&mut occurrences, pairs, field.name, SPLIT * field.weight(), usual);
    }
    occurrences.sort_by(|a, b| a.word.cmp(&b.word));
    occurrences
}

fn add(occurrences: &mut Vec<Occurrence>, words: Vec<String>, field: &'static str, weight: f32, usual: f32) {
    let counts = weight / (1.0 - LENGTH + LENGTH * words.len() as f32 / usual);
    occurrences.extend(words.into_iter().map(|word| Occurrence { word, field, counts }));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(times: u32) -> f32 {
        f32::from_bits((times + BELOW) << DROPPED)
    }

    #[test]
    fn a_weight_keeps_nine_bits() {
        let mut last = 0;
        for step in 0..4_000 {
            let weight = 0.004 * 1.003_f32.powi(step);
            let kept = read_back(times(weight));
            assert!(kept <= weight && kept > weight * (1.0 - 1.0 / 256.0), "{weight} {kept}");
            assert!(times(weight) >= last);
            last = times(weight);
        }
        for weight in [0.0, -1.0, f32::MIN_POSITIVE] {
            assert_eq!(times(weight), 1);
        }
        assert!(times(255.0) < 1 << 12);
    }
}
