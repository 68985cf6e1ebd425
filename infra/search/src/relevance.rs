//! What a tenant has set for its searches: words that mean the same, and what counts more or less. Part of the query, not of the index, so that
//! a change needs no document written anew.

use crate::{Filter, text::synonyms::Synonyms};

/// How the words of a query find and count. [`Relevance::default`] changes nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Relevance {
    pub(crate) synonyms: Synonyms,
    /// By field, what a word counts that is found there.
    pub(crate) weights: Vec<(String, f32)>,
    /// What documents count that fit.
    pub(crate) boosts: Vec<(Filter, f32)>,
}

impl Relevance {
    /// A text with one of `terms`, each a word or several, finds also what has one of `finds`. Nothing follows from two such rules together,
    /// and of a text that has more than 128 synonyms the first count.
    #[must_use]
    pub fn synonyms<'a>(mut self, terms: &[impl AsRef<str>], finds: impl IntoIterator<Item = &'a str>) -> Self {
        self.synonyms.add(terms, finds);
        self
    }

    /// A word that is found in `field` counts `weight` of what it counts otherwise, one that is found in several fields the greatest of theirs;
    /// that of a field without a weight is 1. A field that is not searched by words has no effect.
    #[must_use]
    pub fn weight(mut self, field: impl Into<String>, weight: f32) -> Self {
        self.weights.push((field.into(), weight));
        self
    }

    /// The words of documents that fit count `factor` of what they count otherwise. Several factors are multiplied, up to 100. What a code
    /// earns that is the whole text is not changed by any, so it stays first.
    ///
    /// # Errors
    /// Not here: a field that cannot be filtered by fails the query, as [`crate::Error::UnknownField`].
    #[must_use]
    pub fn boost(mut self, documents: Filter, factor: f32) -> Self {
        self.boosts.push((documents, factor));
        self
    }

    /// How much it is to keep: its terms, weights and boosts.
    pub fn size(&self) -> usize {
        self.synonyms.terms() + self.weights.len() + self.boosts.len()
    }
}
