//! Search: one port, its adapters as modules.
//!
//! [`SearchIndex`] is the port: versioned documents go in, typed queries are answered, and every call takes a
//! [`TenantScope`](headwater_tenancy::TenantScope), which a query can therefore neither leave out nor name. What is searched of a document
//! is declared beside the document, in `headwater_read_models::search`; an adapter derives its schema from that.
//!
//! - [`query`](Query) what can be asked, `attributes` which of it has to hold of one part of a document, [`matched_parts`] of which it did, [`Relevance`] what a tenant has set for it, [`hits`](Hits) what is answered, [`validate`] what both adapters refuse, [`cursor`] how pages
//!   are sealed, [`suggest`](SuggestQuery) what is asked and answered while a text is typed: shared by all adapters.
//! - `text` is what a text means and `values` what fields are compared as, whichever engine finds them.
//! - [`tantivy`] the embedded adapter, [`opensearch`] the one for a cluster, [`Retrying`] and [`Breaker`] around either.

mod attributes;
mod breaker;
pub mod cursor;
mod error;
mod hits;
mod index;
pub mod opensearch;
mod parts;
mod query;
mod relevance;
mod retrying;
mod suggest;
pub mod tantivy;
mod text;
pub mod validate;
mod values;

pub use breaker::{Answering, Breaker};
pub use error::Error;
pub use hits::{FacetCount, Hit, Hits};
pub use index::{DocumentBody, DocumentWrite, IndexName, SearchIndex, StoredDocument, WriteOutcome};
pub use parts::matched_parts;
pub use query::{Filter, MAX_LIMIT, Query, Sort};
pub use relevance::Relevance;
pub use retrying::Retrying;
pub use suggest::{MAX_SUGGESTIONS, SuggestQuery, Suggestion, SuggestionKind};
