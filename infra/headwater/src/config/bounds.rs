//! `[limits]` and `[projector]`: numbers with their bounds and defaults.

use super::reader::Reader;
use headwater_edge::Limits;
use std::time::Duration;

/// What is passed to the projections' runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Projector {
    /// How often a shard is read while nothing wakes its reader.
    pub(crate) pace: Duration,
    /// Records of one read.
    pub(crate) records: i32,
    /// How long a position may lag behind its effect.
    pub(crate) save: Duration,
    /// How long a lease lasts without renewal.
    pub(crate) lease: Duration,
    /// How often the list of shards is read.
    pub(crate) discover: Duration,
    /// A position older than this is repaired from the log.
    pub(crate) believe: Duration,
    /// Read units a second that repairing a feed may take, about.
    pub(crate) repair_read_units: u32,
    /// Commits a second that a consumer which fell behind takes from the log.
    pub(crate) catch_up_commits: u32,
    /// Whether a projection whose fold is newer in this build than in what is live is rebuilt without being asked.
    pub(crate) rebuild_on_change: bool,
    /// Most write units a second that this may take; no limit without it.
    pub(crate) rebuild_write_units: Option<u32>,
}

pub(super) fn limits(reader: &mut Reader) -> Limits {
    let usual = Limits::default();
    Limits {
        max_body: reader
            .number("limits.max_body_bytes", 1_024..=1 << 26)
            .unwrap_or(usual.max_body),
        max_in_flight: reader
            .number("limits.max_in_flight", 1..=1_000_000)
            .unwrap_or(usual.max_in_flight),
        max_in_flight_per_tenant: reader
            .number("limits.max_in_flight_per_tenant", 1..=1_000_000)
            .unwrap_or(usual.max_in_flight_per_tenant),
        max_searches: reader
            .number("limits.max_searches", 1..=1_000_000)
            .unwrap_or(usual.max_searches),
        max_searches_per_tenant: reader
            .number("limits.max_searches_per_tenant", 1..=1_000_000)
            .unwrap_or(usual.max_searches_per_tenant),
        max_batches_per_tenant: reader
            .number("limits.max_batches_per_tenant", 1..=100_000)
            .unwrap_or(usual.max_batches_per_tenant),
        max_batches: reader
            .number("limits.max_batches", 1..=100_000)
            .unwrap_or(usual.max_batches),
        max_connections: reader
            .number("limits.max_connections", 1..=1_000_000)
            .unwrap_or(usual.max_connections),
        deadline: reader
            .millis("limits.deadline_ms", 100..=600_000)
            .unwrap_or(usual.deadline),
        header_timeout: reader
            .millis("limits.header_timeout_ms", 100..=600_000)
            .unwrap_or(usual.header_timeout),
        body_timeout: reader
            .millis("limits.body_timeout_ms", 100..=3_600_000)
            .unwrap_or(usual.body_timeout),
        idle_timeout: reader
            .millis("limits.idle_timeout_ms", 100..=3_600_000)
            .unwrap_or(usual.idle_timeout),
        drain: reader.millis("limits.drain_ms", 0..=600_000).unwrap_or(usual.drain),
    }
}

impl Default for Projector {
    fn default() -> Self {
        Self {
            pace: Duration::from_millis(250),
            records: 1_000,
            save: Duration::from_secs(2),
            lease: Duration::from_secs(10),
            discover: Duration::from_secs(30),
            believe: Duration::from_secs(20 * 3_600),
            repair_read_units: 5_120,
            catch_up_commits: 5_000,
            rebuild_on_change: false,
            rebuild_write_units: Some(500),
        }
    }
}

pub(super) fn projector(reader: &mut Reader) -> Projector {
    let usual = Projector::default();
    Projector {
        pace: reader.millis("projector.pace_ms", 1..=60_000).unwrap_or(usual.pace),
        records: reader.number("projector.records", 1..=1_000).unwrap_or(usual.records),
        save: reader.millis("projector.save_ms", 10..=60_000).unwrap_or(usual.save),
        lease: reader
            .seconds("projector.lease_seconds", 2..=300)
            .unwrap_or(usual.lease),
        discover: reader
            .seconds("projector.discover_seconds", 1..=3_600)
            .unwrap_or(usual.discover),
        believe: reader
            .number("projector.believe_hours", 1..=23)
            .map_or(usual.believe, |hours: u64| Duration::from_secs(hours * 3_600)),
        repair_read_units: reader
            .number("projector.repair_read_units", 1..=1_000_000)
            .unwrap_or(usual.repair_read_units),
        catch_up_commits: reader
            .number("projector.catch_up_commits_per_second", 1..=1_000_000)
            .unwrap_or(usual.catch_up_commits),
        rebuild_on_change: reader
            .flag("projector.rebuild_on_change")
            .unwrap_or(usual.rebuild_on_change),
        rebuild_write_units: reader
            .number("projector.rebuild_write_units", 1..=1_000_000)
            .or(usual.rebuild_write_units),
    }
}
