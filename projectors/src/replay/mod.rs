//! Rebuilding projections while everything goes on: a new generation beside the live one is filled from the log, catches up with the
//! stream, is compared with the log, and takes over; the old one is kept until it is dropped.
//!
//! - [`Keeper`] keeps all generations of a process, and does the work of replays that nobody else does.
//! - [`Replays`] is what an operator calls: start, progress, cancel, switch, drop, dry run, one aggregate.
//! - [`Indexes`], [`LiveIndex`]: search indexes by generation.
//!
//! | state | what happens | who sees the generation |
//! |---|---|---|
//! | `attaching` | every reader of every shard begins to collect for it | nobody |
//! | `filling` | the log is read by segments, each aggregate folded, each row written once | nobody |
//! | `catching-up` | what was collected is applied | nobody |
//! | `checking` | everything is compared with the log | nobody |
//! | `switching` | it takes over, tenant by tenant where they have their own | those it has taken over |
//! | `kept` | it follows the stream | all for whom it is live |
//! | `check-failed` | it follows the stream; the problem is told | nobody |
//! | `dropping` | its rows, positions and parked items are deleted | nobody |
//!
//! Writes of the filling have no condition, so they must have ended before anything else writes to the generation: one worker fills, under
//! a lease that it lets run out rather than write without it. Two thirds of the lease after it was renewed, no attempt of a write is sent
//! any more, also none that the SDK makes of itself, and none is waited for; whoever takes over waits as long as a lease and one attempt
//! last. What remains is a process that is stopped in the microseconds between looking at its lease and handing the bytes to the socket,
//! for longer than that and until the generation is live: `headwater replay PROJECTION --dry-run` finds such a row.

mod aggregate;
mod attaching;
mod bucket;
mod build;
mod cluster_indexes;
mod compare;
mod driver;
mod dry_run;
mod error;
mod fill;
mod folder_indexes;
mod folder_metrics;
mod folding;
mod indexes;
mod job;
mod keeper;
mod live_index;
mod metrics;
mod opened;
mod progress;
pub(crate) mod refold;
mod replays;
mod report;
mod server_metrics;
mod sums;
mod switching;
mod verify;
mod waiting;
mod writer;

pub use aggregate::Rewritten;
pub(crate) use build::is_newer;
pub use cluster_indexes::ClusterIndexes;
pub use compare::DifferenceKind;
pub use dry_run::{DryRun, Reported};
pub use error::ReplayError;
pub use folder_indexes::FolderIndexes;
pub use folder_metrics::FolderMetrics;
pub use indexes::{IndexStore, Indexes};
pub use keeper::Keeper;
pub use live_index::LiveIndex;
pub(crate) use metrics::DroppedCount;
pub use metrics::{DroppedPoints, LiveMetrics, MetricStores, Metrics};
pub use replays::Replays;
pub use report::{Budget, CheckTotals, Difference, Progress, ReplayId, TenantCheck};
pub use server_metrics::{InfluxMetrics, TimestreamMetrics};

use std::time::Duration;

/// What may be tuned about replays.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// How often the register of generations is read.
    pub poll: Duration,
    /// Into how many segments each context is read, 1 to 1,000.
    pub segments: u32,
    /// Segments that are read at a time.
    pub concurrency: usize,
    /// Requests of 25 writes that are under way at a time.
    pub in_flight: usize,
    /// How often progress is written down.
    pub save_every: Duration,
    /// The first pause before a difference is looked at again.
    pub look_again: Duration,
    /// How long a generation stays after it was live, so that nobody believes in it any more.
    pub outlive: Duration,
    /// How long all processes take to let go of a generation.
    pub settle: Duration,
    /// How long a write that nobody waits for any more may still take to reach the store. A rebuild's writes have no condition, so its
    /// check begins that long after the last of them; not where one process has the store to itself.
    pub late: Duration,
    /// Whether a projection whose folds are newer in this build than in its live generation is rebuilt without being asked.
    pub rebuild_on_change: bool,
    /// What a rebuild that nobody asked for may take.
    pub budget: Budget,
}

impl ReplayOptions {
    /// How long a process believes what it read of the register where that matters: a filling begins that long after it was told.
    pub(crate) fn sure_for(&self) -> Duration {
        self.poll * 2 + Duration::from_millis(500)
    }
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(2),
            segments: 16,
            concurrency: 2,
            in_flight: 4,
            save_every: Duration::from_secs(1),
            look_again: Duration::from_millis(100),
            outlive: Duration::from_secs(60),
            settle: Duration::from_secs(10),
            late: Duration::from_secs(15),
            rebuild_on_change: false,
            budget: Budget::default(),
        }
    }
}
