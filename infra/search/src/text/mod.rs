//! What a text means, whichever engine finds it: the words of a document and of a query, how a query's words are planned by a tenant's own,
//! what else a word may be, how much each counts, and where they are in a hit.

pub(crate) mod analysis;
pub(crate) mod forms;
pub(crate) mod highlight;
pub(crate) mod phrases;
pub(crate) mod plan;
pub(crate) mod weights;
