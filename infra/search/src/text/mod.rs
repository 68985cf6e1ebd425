//! What a text means, whichever engine finds it: the words of a document and of a query, how a query's words are planned by a tenant's own,
//! what else a word may be, how much each counts, and where they are in a hit; and what a text may become that is not typed out.

pub(crate) mod analysis;
pub(crate) mod begun;
pub(crate) mod completions;
pub(crate) mod forms;
pub(crate) mod highlight;
pub(crate) mod phrases;
pub(crate) mod plan;
pub(crate) mod same;
pub(crate) mod suggestions;
pub(crate) mod synonyms;
pub(crate) mod typed;
pub(crate) mod weights;
