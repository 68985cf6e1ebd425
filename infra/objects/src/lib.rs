//! Objects by name: where the audit log and exports are kept.
//!
//! [`ObjectStore`] is the port, [`Folder`] the adapter for a file system. `tests/contract` says what every adapter does.

mod error;
mod folder;
mod store;

pub use error::Error;
pub use folder::Folder;
pub use store::{ObjectStore, Put};
