#![doc = include_str!("../README.md")]
//!
//! # This crate
//!
//! What runs the repositories that `#[derive(DynamoRepository)]` describes: saving, finding, querying, batches and transactions, for the
//! tenant of a `TenantScope` and in the live generation of a projection.
//!
//! Keys are made here and nowhere else: `TENANT#<tenant><what the entity adds>#~<projection>.<generation>`.

mod allowance;
mod attributes;
mod bulk;
mod bulk_item;
mod canonical;
mod cursor;
mod error;
mod find_many;
mod generations;
mod head;
mod query;
mod registry;
mod repository;
mod step;
mod sums;
mod transact;

pub use bulk::{BULK_WRITES, Bulk, BulkLeft, BulkWrite, BulkWritten};
pub use bulk_item::{BulkItem, ItemKey};
pub use error::Error;
pub use generations::Generations;
pub use head::Head;
pub use query::{Page, PageRequest};
pub use registry::{Generation, GenerationRegister, GenerationState, Registered, Switched};
pub use repository::{Expect, Repository, Row};
pub use step::{Step, StoredHead, Unfinished};
pub use sums::sum_changes;
pub use transact::{MAX_TOGETHER, Write};
