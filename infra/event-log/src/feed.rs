//! The feed: per tenant and context one sequence of batches, numbered from 1 without gaps, of references to commits in the order in which
//! they arrived. It gives subscribers and tenant replays a cursor that holds far beyond the 24 hours of a stream.
//!
//! What lives here: its layout, the writer that a shard's reader calls, repair from the log, and reading. Who may subscribe, and how
//! thousands share one reader, is the query service's.
//!
//! - A batch and the position of the shard that it came from are written in one transaction, conditional on the previous position and on
//!   no higher fence: whatever is redelivered lies at or below the position and is dropped.
//! - Shards of one tenant compete for its next number by condition. Whoever loses reads what was written in between, and tries the next.
//! - After a lost position, [`FeedWriter::repair`] appends what the log has and the feed has not. Its batches are marked, and every later
//!   batch says where they are, so that a writer drops what the stream delivers again.

mod activity;
mod cursor;
mod layout;
mod position;
mod read;
mod repair;
mod tails;
mod transaction;
mod trust;
mod writer;

pub use activity::FeedActivity;
pub use cursor::{FeedCursor, FeedPlace};
pub use layout::{FeedBatch, Reference};
pub use position::FeedPosition;
pub use read::{FeedPage, upcast_commit};
pub use repair::Repaired;
pub use writer::{Appended, FeedError, FeedOptions, FeedWriter};
