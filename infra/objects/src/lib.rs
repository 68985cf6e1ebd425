//! Objects by name: where the audit log and exports are kept.
//!
//! [`ObjectStore`] is the port, [`Folder`] the adapter for a file system, [`Bucket`] the one for S3. `tests/contract` says what every adapter does.

mod bucket;
mod error;
mod folder;
mod store;

pub use bucket::{Bucket, BucketConfig, Location, Lock, LockMode, NoLocation};
pub use error::Error;
pub use folder::Folder;
pub use store::{ObjectStore, Put};
