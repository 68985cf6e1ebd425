//! Other forms of a word that no document of the tenant has: misspellings mended, and the ends of a word that is not yet typed out.

use super::{plan::Words, schema::tenant_term, terms::unreadable};
use crate::{Error, validate::distance};
use std::collections::HashMap;
use tantivy::schema::Field;

/// The most dictionary entries looked at for one word.
const MAX_LOOKED_AT: usize = 200_000;
/// The most forms that one word gets.
const MAX_FORMS: usize = 8;
/// How much a mended word counts, by its edits.
const MENDED: [f32; 3] = [1.0, 0.7, 0.5];
/// How much a completed word counts.
const COMPLETED: f32 = 0.6;

/// Forms, what each counts, and in how many documents it is. The nearest first, then the most frequent.
pub(super) fn forms(words: &Words<'_>, word: &str, last: bool) -> Result<Vec<(String, f32, u64)>, Error> {
    let length = word.chars().count();
    let number = word.bytes().any(|byte| byte.is_ascii_digit());
    // One letter's difference makes another model number, and another short word.
    let edits = match length {
        _ if number => 0,
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    };
    let completes = last && length >= 3;
    let Some(first) = word.chars().next().filter(|_| edits > 0 || completes) else {
        return Ok(Vec::new());
    };
    let mut found: HashMap<String, (usize, u64)> = HashMap::new();
    let mut left = MAX_LOOKED_AT;
    for field in words.layout.fields.iter().filter_map(|field| field.word) {
        each_word(words, field, first, &mut left, |candidate, frequency| {
            let apart = candidate.len().abs_diff(word.len());
            let edit = if edits > 0 && apart <= edits {
                distance(word, candidate)
            } else {
                usize::MAX
            };
            let rank = if edit <= edits {
                edit
            } else if completes && candidate.starts_with(word) {
                MENDED.len()
            } else {
                return;
            };
            let entry = found.entry(candidate.to_owned()).or_insert((rank, 0));
            entry.1 += frequency;
        })?;
    }
    let mut forms: Vec<(String, usize, u64)> = found.into_iter().map(|(form, (rank, n))| (form, rank, n)).collect();
    forms.sort_by(|a, b| (a.1, b.2, &a.0).cmp(&(b.1, a.2, &b.0)));
    // Forms of the least distance alone: a word one letter off is what was meant, not one two letters off.
    let nearest = forms.first().map_or(0, |form| form.1);
    forms.retain(|form| form.1 == nearest);
    forms.truncate(MAX_FORMS);
    let weight = |rank: usize| MENDED.get(rank).copied().unwrap_or(COMPLETED);
    Ok(forms
        .into_iter()
        .map(|(form, rank, n)| (form, weight(rank), n))
        .collect())
}

/// The tenant's words that begin with a letter. A misspelling rarely has its first letter wrong, and looking at no others is 26 times less.
fn each_word(
    words: &Words<'_>,
    field: Field,
    first: char,
    left: &mut usize,
    mut each: impl FnMut(&str, u64),
) -> Result<(), Error> {
    let prefix = tenant_term(words.tenant, "").len();
    let start = tenant_term(words.tenant, &first.to_string()).into_bytes();
    for segment in words.searcher.segment_readers() {
        let index = segment.inverted_index(field).map_err(unreadable)?;
        let mut stream = index.terms().range().ge(&start).into_stream().map_err(unreadable)?;
        while *left > 0 && stream.advance() && stream.key().starts_with(&start) {
            *left -= 1;
            if let Ok(word) = std::str::from_utf8(&stream.key()[prefix..]) {
                each(word, u64::from(stream.value().doc_freq));
            }
        }
    }
    Ok(())
}
