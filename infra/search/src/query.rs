//! What can be asked: one typed query for every kind. The tenant is not part of it.

use crate::Relevance;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most hits of a page.
pub const MAX_LIMIT: usize = 100;

/// A question. [`Query::default`] asks for the first 20 of everything by relevance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Query {
    /// Words as a person types them. What stands between two double quotes has to be these words next to each other in a text field, plurals
    /// aside; no other character has a meaning of its own, so no text is wrong. One without a word finds nothing, unless it is
    /// blank, which is no text.
    pub text: Option<String>,
    /// What a hit must be. All of them hold.
    pub filters: Vec<Filter>,
    /// Keyword fields whose values are counted over all hits.
    pub facets: Vec<String>,
    /// How many values of each facet, the most frequent first.
    pub facet_size: usize,
    /// The order.
    pub sort: Sort,
    /// A field that facets can count: of all documents with one value only the best by the order is a hit. A document with several values is
    /// one when it is the best of any; one without stands for itself. Totals and facets go on counting documents.
    pub collapse: Option<String>,
    /// Hits of a page, 1 to [`MAX_LIMIT`].
    pub limit: usize,
    /// Where the page starts: [`crate::Hits::next_cursor`] of the one before, with the same query.
    pub cursor: Option<String>,
    /// Whether hits say where the words were found.
    pub highlight: bool,
    /// What the tenant has set. It counts on the first page; the pages after it go on by what counted there.
    #[serde(skip)]
    pub relevance: Arc<Relevance>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            text: None,
            filters: Vec::new(),
            facets: Vec::new(),
            facet_size: 20,
            sort: Sort::Relevance,
            collapse: None,
            limit: 20,
            cursor: None,
            highlight: false,
            relevance: Arc::default(),
        }
    }
}

impl Query {
    /// A question with words.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::default()
        }
    }
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Filter {
    /// A keyword field has one of these values exactly. With no value nothing matches.
    Equals {
        /// The field.
        field: String,
        /// The values.
        any_of: Vec<String>,
    },
    /// A number or a time (nanoseconds since 1970) lies between the bounds, both included. A document without the field does not match.
    Range {
        /// The field.
        field: String,
        /// The least, if any.
        min: Option<i64>,
        /// The greatest, if any.
        max: Option<i64>,
    },
    /// An attribute has one of these values exactly. Numbers compare as numbers (`2` and `2.0`), booleans as `true` and `false`.
    Attribute {
        /// The attribute's name, any text.
        name: String,
        /// The values.
        any_of: Vec<String>,
    },
}

/// The order of hits. Those that are equal come by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Sort {
    /// The best first. Without a text all are equal.
    Relevance,
    /// By a sortable field; documents without it come last either way.
    Field {
        /// The field.
        name: String,
        /// Greatest first.
        descending: bool,
    },
}
