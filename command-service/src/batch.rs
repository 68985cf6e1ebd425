//! Batches: many commands in one stream, answered in order, those to one aggregate one after the other.

mod lines;
mod ndjson;
mod pipeline;

pub(crate) use ndjson::ndjson;
pub(crate) use pipeline::{Entry, Outcome, Work, pipeline};
