//! What several workers need to share the streams: which shards there are and in which order they may be read, who reads which of them,
//! and how far each consumer has read. What is done with the records stands in `projectors`.
//!
//! - [`tree`](ready) parents before children.
//! - [`LeaseTable`] one holder per shard, told apart by a fence that only grows.
//! - [`plan`] which leases a worker should take, so that all have their share and nobody steals in circles.
//! - [`Checkpoints`] how far a consumer has read a shard.

mod balance;
mod checkpoint;
mod lease;
mod observe;
mod sequence;
mod tree;

pub use balance::{Claim, plan};
pub use checkpoint::{Checkpoint, Checkpoints, Saved};
pub use lease::{Held, Lease, LeaseTable};
pub use observe::Observations;
pub use sequence::sequence_order;
pub use tree::ready;
