//! The runner: reads the streams of all contexts and keeps every projection that `headwater-read-models` registers.
//!
//! A **projection** is a name with one or more **followers**, one per source aggregate. Followers that share a position are a
//! [`Consumer`]. One reader per shard serves all consumers; each has a queue and a position of its own. What a projection holds and how
//! it folds stands in `domain/read-models`; here is how it is kept: heads, gaps, duplicates, positions, catch-up from the log.

mod catch_up;
mod checkpoint;
mod consumer;
mod consumer_task;
mod document;
mod follower;
mod heads;
mod projections;
mod row;
mod rows;
mod runner;

pub use consumer::{Consumer, PositionStore, Positions};
pub use follower::{ApplyError, Follower, SourceCommits};
pub use projections::{Projections, Stores};
pub use runner::{Runner, RunnerOptions};
