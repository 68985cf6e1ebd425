//! What is read: the views and the search documents, each with the fold that makes it of one aggregate's events.
//!
//! One file per view. [`register`] lists the projections; the projectors keep them and the query service reads them. Nothing here knows
//! a client, a table's engine or a search engine.

pub mod account_tree;
pub mod brands;
pub mod categories;
mod fold;
pub mod leads;
pub mod product_search;
pub mod product_view;
mod registry;
pub mod search;

pub use fold::{DocumentFold, EventContext, Fold, RowFold, RowsFold};
pub use registry::{ProjectionRegistry, register};
