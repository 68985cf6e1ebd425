//! The event log: one table per bounded context, one item per commit, appended by one conditional put.
//!
//! What lives here: appending with claims, loading with snapshots and a cache, idempotency, upcasting, reading back, and the consumer of
//! the tables' streams. What a command means is decided in `domain`; who may call is decided in `tenancy`.

mod append;
mod cache;
mod claims;
mod clock;
mod codec;
pub mod consumer;
pub mod cqrs;
mod error;
mod execute;
mod feed;
#[cfg(test)]
mod golden;
mod item;
mod load;
mod log;
mod read_back;
mod snapshot;
mod stream;
mod window;

pub use append::NewCommit;
pub use codec::{decode_commit, decode_event};
pub use error::Error;
pub use execute::{AggregateStore, Executed, Refusal, Request};
pub use feed::{
    Appended, FeedActivity, FeedBatch, FeedCursor, FeedError, FeedOptions, FeedPage, FeedPlace, FeedPosition,
    FeedWriter, Reference, Repaired, upcast_commit,
};
pub use load::{CommitsUntil, UnreadableCommit};
pub use log::{EventLog, Options};
pub use read_back::{LoggedCommit, SegmentPage, Unreadable, commit_of_item, place_of};
pub use stream::{Cursor, Opened, Position, Shard, Start, StreamBatch, StreamReader};
