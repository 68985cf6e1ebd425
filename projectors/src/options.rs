//! What may be tuned about reading streams and applying commits.

use headwater_event_log::FeedOptions;
use std::time::Duration;

/// The longest pause between two reads of a shard whose reader is woken when something happens. It says since when the shard is known to be
/// empty.
pub const WOKEN_PACE: Duration = Duration::from_secs(5);

/// What may be tuned.
#[derive(Debug, Clone)]
pub struct RunnerOptions {
    /// How often a shard is read while nothing wakes the reader. 250 ms: 4 reads a second, below the service's limit of 5.
    pub pace: Duration,
    /// The longest pause between two reads of a shard in which nothing happens.
    pub idle_pace: Duration,
    /// Records of one read, 1 to 1,000.
    pub records: i32,
    /// Commits that may wait for one consumer of one shard; further ones are remembered by aggregate and read from the log.
    pub waiting_commits: usize,
    /// The same, of one tenant.
    pub waiting_commits_per_tenant: usize,
    /// Bytes that these commits may take in memory, about; further ones are remembered by aggregate.
    pub waiting_bytes: usize,
    /// The same, of one tenant.
    pub waiting_bytes_per_tenant: usize,
    /// Aggregates that may be remembered; beyond, the tenant with most of them is caught up from the log.
    pub waiting_aggregates: usize,
    /// The same, of one tenant; beyond, that tenant is caught up from the log.
    pub waiting_aggregates_per_tenant: usize,
    /// Records of one round of applying, and aggregates of one part of what is read from the log. A tenant that floods delays the others
    /// by one of each at most.
    pub round: usize,
    /// Commits that a process reads from the log in a second for all that it catches up; as many as it can when `None`. Pages are read
    /// whole, so it is kept on average.
    pub catch_up_commits_per_second: Option<f64>,
    /// A position older than this is not believed: its records may be gone. 20 hours, below the stream's 24.
    pub believe_for: Duration,
    /// How often the list of shards is read again.
    pub discover_every: Duration,
    /// How long a worker's leases outlive it.
    pub lease: Duration,
    /// How often a worker looks at the leases.
    pub look_every: Duration,
    /// How long a position may lag behind its effect.
    pub save_every: Duration,
    /// How often a commit that cannot be applied is tried before its aggregate is parked.
    pub attempts: u32,
    /// The same, when a store refuses.
    pub attempts_refused: u32,
    /// No other worker can exist: leases that are found are of a process that is gone. For the embedded engine.
    pub alone: bool,
    /// How the feed is written and repaired.
    pub feed: FeedOptions,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        Self {
            pace: Duration::from_millis(250),
            idle_pace: Duration::from_secs(1),
            records: 1_000,
            waiting_commits: 8_192,
            waiting_commits_per_tenant: 4_096,
            waiting_bytes: 32 << 20,
            waiting_bytes_per_tenant: 16 << 20,
            waiting_aggregates: 50_000,
            waiting_aggregates_per_tenant: 25_000,
            round: 512,
            catch_up_commits_per_second: None,
            believe_for: Duration::from_secs(20 * 3_600),
            discover_every: Duration::from_secs(30),
            lease: Duration::from_secs(10),
            look_every: Duration::from_millis(500),
            save_every: Duration::from_secs(2),
            attempts: 4,
            attempts_refused: 10,
            alone: false,
            feed: FeedOptions::default(),
        }
    }
}

impl RunnerOptions {
    /// For the embedded engine: one process, writes that cost nothing.
    pub fn embedded() -> Self {
        Self {
            save_every: Duration::from_millis(200),
            alone: true,
            feed: FeedOptions {
                repair_rest: Duration::ZERO,
                ..FeedOptions::default()
            },
            ..Self::default()
        }
    }
}

/// The wait before try `attempt` (from 1).
pub(crate) fn backoff(attempt: u32) -> Duration {
    Duration::from_millis(20 << attempt.min(9)).min(Duration::from_secs(10))
}
