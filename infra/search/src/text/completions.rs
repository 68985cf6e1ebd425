//! Words that someone has begun to type: which words of a document can be completed, and which complete what is typed so far.

use super::analysis::{chunks, stem};
use crate::{
    suggest::suggests,
    validate::distance_to_beginning,
    values::{lead, texts},
};
use headwater_read_models::search::Mapping;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// The most completions of a word.
const MAX_COMPLETIONS: usize = 16;
/// From how many letters on one of them may be wrong.
const TOLERANT: usize = 3;

/// The words of a document that are completed, as they are written: those of its name and of the values that are suggested.
pub(crate) fn beginnings(mapping: &Mapping, body: &Value) -> BTreeSet<String> {
    let lead = lead(mapping);
    let fields = mapping.fields.iter();
    let fields = fields.filter(|field| lead == Some(field.name) || suggests(field));
    let texts = fields.filter_map(|field| body.get(field.name)).flat_map(texts);
    texts
        .flat_map(chunks)
        .flat_map(|chunk| chunk.written().collect::<Vec<_>>())
        .collect()
}

/// A word that what is typed may become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Completion {
    /// As most documents write it.
    pub(crate) written: String,
    /// The form that documents are found by.
    pub(crate) stem: String,
    /// In how many documents it is, about.
    pub(crate) frequency: u64,
    /// Whether a letter that was typed is wrong.
    pub(crate) mended: bool,
}

/// What completes a word is looked for.
pub(crate) struct Wanted<'a> {
    typed: &'a str,
    tolerant: bool,
    /// The letter that words begin with, also when something typed is wrong.
    pub(crate) first: char,
    begun: Stems,
    near: Stems,
}

/// By stem, each way it is written and how frequent that is.
type Stems = HashMap<String, Vec<(String, u64)>>;

impl<'a> Wanted<'a> {
    /// None when nothing is typed.
    pub(crate) fn new(typed: &'a str) -> Option<Self> {
        let number = typed.bytes().any(|byte| byte.is_ascii_digit());
        Some(Self {
            typed,
            // Another digit makes another model, not a typing error.
            tolerant: !number && typed.chars().count() >= TOLERANT,
            first: typed.chars().next()?,
            begun: Stems::new(),
            near: Stems::new(),
        })
    }

    /// Takes a word of the tenant's into account.
    pub(crate) fn see(&mut self, word: &str, frequency: u64) {
        let stems = if word.starts_with(self.typed) {
            &mut self.begun
        } else if self.needs_near() && distance_to_beginning(self.typed, word) <= 1 {
            &mut self.near
        } else {
            return;
        };
        let written = stems.entry(stem(word)).or_default();
        match written.iter_mut().find(|(known, _)| known == word) {
            Some((_, sum)) => *sum += frequency,
            None => written.push((word.to_owned(), frequency)),
        }
    }

    /// Whether words count that do not begin as typed: while none that does was seen.
    pub(crate) fn needs_near(&self) -> bool {
        self.tolerant && self.begun.is_empty()
    }

    /// The most frequent.
    pub(crate) fn completions(self) -> Vec<Completion> {
        let mended = self.begun.is_empty();
        let stems = if mended { self.near } else { self.begun };
        let completion = |(stem, mut written): (String, Vec<(String, u64)>)| {
            written.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
            let frequency = written.iter().map(|(_, n)| n).sum();
            written.into_iter().next().map(|(written, _)| Completion {
                written,
                stem,
                frequency,
                mended,
            })
        };
        let mut completions: Vec<Completion> = stems.into_iter().filter_map(completion).collect();
        completions.sort_by(|a, b| (b.frequency, &a.stem).cmp(&(a.frequency, &b.stem)));
        completions.truncate(MAX_COMPLETIONS);
        completions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(typed: &str) -> Vec<(String, u64)> {
        let mut wanted = Wanted::new(typed).unwrap();
        for (word, frequency) in [("cables", 5), ("cable", 2), ("camera", 6), ("lens", 1), ("headset", 1)] {
            wanted.see(word, frequency);
        }
        let completions = wanted.completions().into_iter();
        completions.map(|one| (one.written, one.frequency)).collect()
    }

    #[test]
    fn one_word_is_one_completion_however_it_ends() {
        let of = |pairs: &[(&str, u64)]| {
            pairs
                .iter()
                .map(|(word, n)| ((*word).to_owned(), *n))
                .collect::<Vec<_>>()
        };
        assert_eq!(completed("ca"), of(&[("cables", 7), ("camera", 6)]));
        assert_eq!(completed("lens"), of(&[("lens", 1)]));
        assert_eq!(completed("haed"), of(&[("headset", 1)]));
        assert_eq!(completed("xa"), []);
        assert_eq!(completed("c4b"), []);
    }
}
