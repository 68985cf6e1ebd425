//! What a seed stands for: how many take part, how the stores behave, what goes wrong and how often.

use super::{weather::LATE_BULK, world::World};
use headwater_dynamodb::simulated::{Place, StreamRules};
use headwater_projectors::{ReplayOptions, RunnerOptions};
use std::time::Duration;

/// See the module.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// One process with everything in it, or several over a network.
    pub place: Place,
    /// Processes that keep projections.
    pub workers: usize,
    /// Processes that send commands.
    pub writers: usize,
    /// How the streams behave.
    pub stream: StreamRules,
    /// The runners' options.
    pub runner: RunnerOptions,
    /// How rebuilds go.
    pub replays: ReplayOptions,
    /// For how long things go wrong.
    pub trouble: Duration,
    /// Of 100 calls, how many meet a fault.
    pub faults: u64,
    /// How long a request is under way at most, mostly.
    pub latency: Duration,
    /// The longest pause between two commands of a writer.
    pub command_every: Duration,
    /// The longest pause between two events.
    pub event_every: Duration,
    /// Accounts of a tenant.
    pub accounts: u64,
    /// Amounts of which the fold panics.
    pub poison: i64,
    /// How far clocks are off at most.
    pub clocks: Duration,
}

/// The tenants.
pub const TENANTS: [&str; 3] = ["acme", "bolt", "cog"];

impl Plan {
    /// Of a seed.
    pub fn of(seed: u64, world: &World) -> Self {
        let pick = |of: &[u64]| of[usize::try_from(world.below(of.len() as u64)).unwrap_or(0)];
        let millis = |of: &[u64]| Duration::from_millis(pick(of));
        let count = |of: &[u64]| usize::try_from(pick(of)).unwrap_or(1);
        let embedded = world.chance(25);
        // Order of the feed is checked where the stream gives one.
        let by_item = world.chance(25);
        let lease = millis(&[2_000, 4_000, 8_000]);
        Self {
            seed,
            place: if embedded { Place::Embedded } else { Place::Remote },
            workers: if embedded { 1 } else { count(&[2, 2, 3, 4]) },
            writers: if embedded { 1 } else { count(&[2, 2, 3]) },
            stream: StreamRules {
                seed: world.below(u64::MAX),
                delay: millis(&[0, 50, 300, 1_500]),
                retention: Duration::from_secs(24 * 3_600),
                // A reader that rests uses its iterator once a second.
                iterator: millis(&[900_000, 900_000, 900_000, 1_500]),
                page: count(&[1, 2, 100]),
                shows_after: millis(&[0, 0, 3_000]),
                duplicates: pick(&[0, 10, 40]),
                empty: pick(&[0, 10, 40]),
                by_item,
                keeps_partitions: !by_item && world.chance(70),
                first: if world.chance(50) {
                    99_999_999_999_999_999_900
                } else {
                    100_000_000_000_000_000_000
                },
            },
            runner: RunnerOptions {
                pace: millis(&[100, 250]),
                idle_pace: millis(&[500, 1_000]),
                records: i32::try_from(pick(&[1, 3, 10, 1_000])).unwrap_or(10),
                waiting_commits: count(&[8_192, 8_192, 6]),
                waiting_commits_per_tenant: count(&[4_096, 4_096, 2]),
                waiting_aggregates: count(&[50_000, 50_000, 3]),
                round: count(&[512, 512, 2]),
                believe_for: Duration::from_secs(20 * 3_600),
                discover_every: millis(&[1_000, 5_000]),
                lease,
                look_every: millis(&[300, 700]),
                save_every: millis(&[100, 500, 2_000]),
                attempts: 3,
                attempts_refused: 4,
                alone: embedded,
                ..RunnerOptions::default()
            },
            replays: ReplayOptions {
                poll: Duration::from_millis(500),
                segments: 4,
                save_every: Duration::from_millis(300),
                outlive: Duration::from_secs(8),
                settle: Duration::from_secs(3),
                late: LATE_BULK + Duration::from_secs(1),
                ..ReplayOptions::default()
            },
            trouble: millis(&[10_000, 20_000, 40_000]),
            faults: if embedded { pick(&[0, 1]) } else { pick(&[0, 1, 4, 12]) },
            latency: if embedded {
                Duration::from_micros(400)
            } else {
                millis(&[5, 15, 60])
            },
            command_every: millis(&[150, 400, 1_200]),
            event_every: millis(&[1_500, 4_000]),
            accounts: pick(&[1, 3, 8]),
            poison: 1_000_000 + i64::try_from(seed % 1_000_000).unwrap_or(0),
            clocks: if embedded {
                Duration::ZERO
            } else {
                millis(&[0, 2_000, 600_000])
            },
        }
    }
}
