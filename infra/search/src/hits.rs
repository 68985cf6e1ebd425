//! What is answered.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A page of hits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hits {
    /// The hits of this page, in order.
    pub hits: Vec<Hit>,
    /// How many documents match on all pages, now.
    pub total: u64,
    /// By facet, the values of all matching documents, the most frequent first and equals by value. A count is the total that the same
    /// query has with that value as a filter.
    pub facets: BTreeMap<String, Vec<FacetCount>>,
    /// The words of the text, in lower case, with those mended that no document of the tenant has as they were typed: the hits are of these. Also
    /// with those mended that one or two documents have, when ten times as many have a word that is a letter or two off: the hits are of what was
    /// typed then.
    pub did_you_mean: Option<String>,
    /// Where the next page starts; none at the end.
    pub next_cursor: Option<String>,
}

/// One hit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// The document's id.
    pub id: String,
    /// Its relevance: higher is better, comparable within one query alone, 0 without a text.
    pub score: f32,
    /// The document as it was written.
    pub source: Value,
    /// By field, fragments with the found words in `<em>`; everything else is escaped for HTML.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub highlights: BTreeMap<String, Vec<String>>,
}

/// A value of a facet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FacetCount {
    /// The value.
    pub value: String,
    /// How many matching documents have it.
    pub count: u64,
}
