//! The runner: reads the streams of all contexts and keeps every projection that `headwater-read-models` registers.
//!
//! A **projection** is a name with one or more **followers**, one per source aggregate. The followers of one generation of it share a
//! position: they are a [`Consumer`]. A **worker** per process takes its share of the shards by leases; one reader per shard serves all
//! consumers, each with a mailbox and a position of its own. What a projection holds and how it folds stands in `domain/read-models`;
//! here is how it is kept: heads, gaps, duplicates, positions, parking, catching up from the log. README.md says what is guaranteed.

mod applying;
mod attached;
mod attachment;
mod catch_up;
mod checkpoint;
mod consumer;
mod consumer_task;
mod discovery;
mod document;
mod feed_queue;
mod feed_repair;
mod feed_task;
mod follower;
mod heads;
mod holdings;
pub mod lambda;
mod mailbox;
mod metric;
mod opening;
mod options;
mod parked;
mod parking;
mod projections;
mod race;
mod replay;
mod row;
mod rows;
mod runner;
mod shard_reader;
mod stop;
mod stored_positions;
mod supervised;
mod watched;
mod worker;

pub use attachment::ShardStatus;
pub use consumer::{Consumer, PositionStore};
pub use follower::{ApplyError, Follower, SourceCommits, SourceKey};
pub use heads::apply_commit;
pub use options::{RunnerOptions, WOKEN_PACE};
pub use parked::Retried;
pub use parking::{COUNTED, Parked, Parking};
pub use projections::{Catalogue, Projections, Stores};
pub use replay::{
    Budget, CheckTotals, ClusterIndexes, Difference, DifferenceKind, DroppedPoints, DryRun, FolderIndexes,
    FolderMetrics, IndexStore, Indexes, InfluxMetrics, Keeper, LiveIndex, LiveMetrics, MetricStores, Metrics, Progress,
    ReplayError, ReplayId, ReplayOptions, Replays, Reported, Rewritten, TenantCheck, TimestreamMetrics,
};
pub use runner::{Runner, Sources, Watcher};
