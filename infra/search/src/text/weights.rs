//! How much what counts: BM25F's constants, and what a query's words share.

/// How soon more of a word stops to count, in weighted occurrences.
pub(crate) const SATURATION: f32 = 5.0;
/// How much a field's length takes from its words: 0 not at all, 1 in proportion.
pub(crate) const LENGTH: f32 = 0.7;
/// How much neighbouring words count that are neighbours in the title too.
pub(crate) const PAIR: f32 = 0.3;
/// How much less a word counts that is two neighbouring ones.
pub(crate) const SPLIT: f32 = 0.5;
/// How much a document loses for words that it does not have: its share of them to this power.
pub(crate) const SHARE: i32 = 2;
