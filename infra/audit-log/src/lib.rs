//! The audit log: every event of every context as a line of JSON, in objects that can be shown to be complete and unchanged.
//!
//! - Objects are put in an [`ObjectStore`](headwater_objects::ObjectStore).
//! - [`AuditLog`] writes them: the `ledger` says which batches of the feeds an object holds before it is written, so that it is the same object
//!   however often it is written, and each event is one line of one object.
//! - [`digest`] is what an hour's digest says and how it is signed, [`verify()`] finds what does not agree with the digests, and [`search()`] reads
//!   lines. [`athena`] has the table for Athena.

pub mod athena;
mod chain;
pub mod digest;
mod error;
mod hour;
mod ledger;
mod line;
mod object;
mod page;
mod search;
mod verify;
mod writer;

pub use digest::{AuditKey, AuditPublicKey};
pub use error::Error;
pub use hour::Hour;
pub use ledger::audit_log_table;
pub use line::Line;
pub use page::{Page, Place, page};
pub use search::{Wanted, search};
pub use verify::{Finding, Report, verify};
pub use writer::{AuditLog, Sources};
