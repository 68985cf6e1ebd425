//! Other forms of a word that no document of the tenant has, or hardly any: misspellings mended, and the ends of a word that is not yet typed out.

use crate::validate::distance;
use std::collections::HashMap;

/// The most forms that one word gets.
const MAX_FORMS: usize = 8;
/// How much a mended word counts, by its edits.
const MENDED: [f32; 3] = [1.0, 0.7, 0.5];
/// How much a completed word counts.
const COMPLETED: f32 = 0.6;

/// Whether a form of this weight is a word mended, not one completed.
pub(crate) fn is_mended(weight: f32) -> bool {
    MENDED.contains(&weight)
}

/// What is looked for in place of a word that no document has, or hardly any.
pub(crate) struct Wanted<'a> {
    word: &'a str,
    /// The letter that its forms begin with.
    pub(crate) first: char,
    /// The most edits.
    pub(crate) edits: usize,
    /// Whether longer words that begin with it count.
    pub(crate) completes: bool,
    found: HashMap<String, (usize, u64)>,
}

impl<'a> Wanted<'a> {
    /// None when the word is too short, or a number, and not one to complete.
    pub(crate) fn new(word: &'a str, last: bool) -> Option<Self> {
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
        let first = word.chars().next().filter(|_| edits > 0 || completes)?;
        Some(Self {
            word,
            first,
            edits,
            completes,
            found: HashMap::new(),
        })
    }

    /// Takes a word of the tenant's into account, if it is near.
    pub(crate) fn see(&mut self, candidate: &str, frequency: u64) {
        if candidate == self.word {
            return;
        }
        let apart = candidate.len().abs_diff(self.word.len());
        let edit = if self.edits > 0 && apart <= self.edits {
            distance(self.word, candidate)
        } else {
            usize::MAX
        };
        let rank = if edit <= self.edits {
            edit
        } else if self.completes && candidate.starts_with(self.word) {
            MENDED.len()
        } else {
            return;
        };
        let entry = self.found.entry(candidate.to_owned()).or_insert((rank, 0));
        entry.1 += frequency;
    }

    /// Whether nothing was seen that it may be.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Forms, what each counts, and in how many documents it is. The nearest first, then the most frequent.
    pub(crate) fn forms(self) -> Vec<(String, f32, u64)> {
        let mut forms: Vec<(String, usize, u64)> = self
            .found
            .into_iter()
            .map(|(form, (rank, n))| (form, rank, n))
            .collect();
        forms.sort_by(|a, b| (a.1, b.2, &a.0).cmp(&(b.1, a.2, &b.0)));
        // Forms of the least distance alone: a word one letter off is what was meant, not one two letters off.
        let nearest = forms.first().map_or(0, |form| form.1);
        forms.retain(|form| form.1 == nearest);
        forms.truncate(MAX_FORMS);
        let weight = |rank: usize| MENDED.get(rank).copied().unwrap_or(COMPLETED);
        forms
            .into_iter()
            .map(|(form, rank, n)| (form, weight(rank), n))
            .collect()
    }
}
