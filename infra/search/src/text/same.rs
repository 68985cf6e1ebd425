//! What the words of a text find by a tenant's synonyms, of what its documents have.

use super::{
    analysis::stem,
    plan::{Exact, Words},
    synonyms::Synonyms,
};
use crate::Error;

/// How much a word counts that means the same: a little less than the one that was typed.
const SYNONYM: Exact = Exact(0.9);

/// Words that a text gets at most by synonyms, counted once for each word typed that they stand for. They are clauses of the engine's query and
/// travel in the cursor.
const MAX_WORDS: usize = 128;

/// For each word of a text, what means the same as it or as words that it is one of.
pub(crate) struct Same {
    pub(crate) found: Vec<Found>,
    words: usize,
}

/// What one word finds too.
#[derive(Default)]
pub(crate) struct Found {
    /// Single words.
    pub(crate) forms: Vec<(String, Exact)>,
    /// Several words that a document has to have together.
    pub(crate) together: Vec<(Vec<String>, Exact)>,
    /// In how many documents the most frequent of them is.
    pub(crate) frequency: u64,
}

impl Same {
    /// Looks up all neighbouring words of which one is `concerned`.
    pub(crate) fn find(
        words: &impl Words,
        synonyms: &Synonyms,
        known: &[String],
        concerned: impl Fn(usize) -> bool,
    ) -> Result<Self, Error> {
        let mut same = Self {
            found: known.iter().map(|_| Found::default()).collect(),
            words: 0,
        };
        if synonyms.is_empty() {
            return Ok(same);
        }
        for start in 0..known.len() {
            for end in start + 1..=known.len() {
                if (start..end).any(&concerned) {
                    for term in synonyms.of(&known[start..end]) {
                        same.add(words, start..end, term)?;
                    }
                }
            }
        }
        Ok(same)
    }

    fn add(&mut self, words: &impl Words, at: std::ops::Range<usize>, term: &[String]) -> Result<(), Error> {
        // A document may write several words as one, or with a hyphen.
        let joined = stem(&term.concat());
        let frequency = words.of(&joined)?;
        if frequency > 0 && self.takes(at.len()) {
            for found in &mut self.found[at.clone()] {
                found.forms.push((joined.clone(), SYNONYM));
                found.frequency = found.frequency.max(frequency);
            }
        }
        if term.len() > 1 {
            let mut rarest = u64::MAX;
            for word in term {
                rarest = rarest.min(words.of(word)?);
            }
            if rarest > 0 && self.takes(at.len() * term.len()) {
                for found in &mut self.found[at] {
                    found.together.push((term.to_vec(), SYNONYM));
                    found.frequency = found.frequency.max(rarest);
                }
            }
        }
        Ok(())
    }

    /// Whether there is room for so many words more; then it is taken.
    fn takes(&mut self, words: usize) -> bool {
        let fits = self.words + words <= MAX_WORDS;
        if fits {
            self.words += words;
        }
        fits
    }

    /// Whether anything means the same as a word.
    pub(crate) fn has(&self, at: usize) -> bool {
        self.found.get(at).is_some_and(|found| found.frequency > 0)
    }

    pub(crate) fn extend(&mut self, other: Self) {
        for (found, more) in self.found.iter_mut().zip(other.found) {
            found.forms.extend(more.forms);
            found.together.extend(more.together);
            found.frequency = found.frequency.max(more.frequency);
        }
    }
}
