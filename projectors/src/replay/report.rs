//! What is told about replays, in plain serialisable structs.

use super::{compare::DifferenceKind, progress::Segment};
use headwater_dynamo_repository::{Generation, GenerationState, Registered};
use headwater_kernel::{Id, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// A replay: the generation that it makes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReplayId {
    /// The projection.
    pub projection: String,
    /// The generation.
    pub generation: u32,
}

impl fmt::Display for ReplayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.projection, self.generation)
    }
}

/// What a replay may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Most write units a second; no limit without it.
    pub write_units_per_second: Option<f64>,
}

/// How far a replay has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Which replay.
    pub replay: ReplayId,
    /// The one tenant that it is for.
    pub tenant: Option<TenantId>,
    /// How far it is.
    pub state: GenerationState,
    /// Whether it is live for anybody.
    pub live: bool,
    /// When it was begun.
    pub made_at: Timestamp,
    /// What it may take.
    pub budget: Budget,
    /// Segments of the log that are done.
    pub segments_done: u32,
    /// All segments.
    pub segments: u32,
    /// Commits that were read.
    pub commits: u64,
    /// Commits there are, about.
    pub commits_about: u64,
    /// Rows or documents that were written.
    pub rows: u64,
    /// Write units that took.
    pub write_units: f64,
    /// Aggregates that were parked while filling.
    pub parked: u64,
    /// How long filling still takes, about.
    pub seconds_left: Option<u64>,
    /// The last comparison with the log.
    pub check: Option<CheckTotals>,
    /// What keeps it from going on.
    pub problem: Option<String>,
}

impl Progress {
    /// How far a generation has come by its segments. `counted` are the commits of each context as the store counts them.
    pub(super) fn of(
        registered: &Registered,
        generation: &Generation,
        counted: &BTreeMap<&str, u64>,
        segments: &[Segment],
        now: Timestamp,
    ) -> Self {
        let all = generation.segments * u32::try_from(counted.len()).unwrap_or(1);
        let of = |context| segments.iter().filter(move |one| one.context == context);
        let about: u64 = counted
            .iter()
            .map(|(context, counted)| commits_about(of(*context), generation.segments, *counted))
            .sum();
        let commits = segments.iter().map(|one| one.commits).sum::<u64>();
        let done = segments.iter().filter(|one| one.done).count();
        let seconds_left = generation.filling_since.filter(|_| commits > 0).map(|since| {
            let left = about.saturating_sub(commits);
            now.since(since).as_secs().saturating_mul(left) / commits
        });
        Self {
            replay: ReplayId {
                projection: registered.projection.clone(),
                generation: generation.number,
            },
            tenant: generation.only.clone(),
            state: generation.state,
            live: registered.is_live(generation.number),
            made_at: generation.made_at,
            budget: Budget {
                write_units_per_second: generation.write_units_per_second,
            },
            segments_done: u32::try_from(done).unwrap_or(u32::MAX),
            segments: all,
            commits,
            commits_about: about.max(commits),
            rows: segments.iter().map(|one| one.rows).sum(),
            // The sum of none is -0.
            write_units: segments.iter().map(|one| one.units).sum::<f64>() + 0.0,
            parked: segments.iter().map(|one| one.parked).sum(),
            seconds_left: seconds_left.filter(|_| generation.state == GenerationState::Filling),
            check: None,
            problem: generation.problem.clone(),
        }
    }
}

/// How many commits a context has. Its segments have about as many each, so a few that are done tell of all; before, the store's count is what
/// there is, which may be hours old.
fn commits_about<'a>(segments: impl Iterator<Item = &'a Segment>, all: u32, counted: u64) -> u64 {
    let (mut done, mut commits_done, mut commits) = (0, 0, 0);
    for segment in segments {
        commits += segment.commits;
        if segment.done {
            (done, commits_done) = (done + 1, commits_done + segment.commits);
        }
    }
    let estimate = match done {
        0 => counted,
        done => commits_done * u64::from(all) / done,
    };
    estimate.max(commits)
}

/// A difference between a generation and the log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Difference {
    /// The projection.
    pub projection: String,
    /// The generation.
    pub generation: u32,
    /// Whose row or document.
    pub tenant: TenantId,
    /// The source aggregate's plural name.
    pub aggregate: String,
    /// Its id.
    pub id: Id,
    /// In which way.
    pub kind: DifferenceKind,
    /// The sort key of the row, if it is about one row.
    pub row: Option<String>,
    /// The version that is stored; 0 for none.
    pub stored_version: u64,
    /// The version that the log has.
    pub log_version: u64,
}

/// The sums of one tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantCheck {
    /// Aggregates compared.
    pub aggregates: u64,
    /// Rows, heads and documents that should be there.
    pub rows: u64,
    /// Those that are.
    pub stored_rows: u64,
    /// The sum of the checksums of what should be there.
    pub checksum: u64,
    /// The sum of the checksums of what is.
    pub stored_checksum: u64,
    /// Aggregates that cannot be folded to their end.
    pub parked: u64,
    /// Differences.
    pub differences: u64,
}

/// What a comparison found in sums.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckTotals {
    /// The generation.
    pub generation: u32,
    /// When it ended.
    pub at: Timestamp,
    /// Tenants compared.
    pub tenants: u64,
    /// Over all tenants.
    pub total: TenantCheck,
    /// By tenant, as far as there are no more than a thousand, or they differ.
    pub by_tenant: BTreeMap<TenantId, TenantCheck>,
}

/// Tenants whose sums are kept.
const LISTED: usize = 1_000;

impl CheckTotals {
    pub(crate) fn of(generation: u32, at: Timestamp, tenants: BTreeMap<TenantId, TenantCheck>) -> Self {
        let mut total = TenantCheck::default();
        for one in tenants.values() {
            total.aggregates += one.aggregates;
            total.rows += one.rows;
            total.stored_rows += one.stored_rows;
            total.checksum = total.checksum.wrapping_add(one.checksum);
            total.stored_checksum = total.stored_checksum.wrapping_add(one.stored_checksum);
            total.parked += one.parked;
            total.differences += one.differences;
        }
        let count = tenants.len();
        let by_tenant = tenants
            .into_iter()
            .filter(|(_, one)| count <= LISTED || one.differences > 0)
            .take(LISTED)
            .collect();
        Self {
            generation,
            at,
            tenants: count as u64,
            total,
            by_tenant,
        }
    }

    /// Adds the sums of another generation: each tenant's rows are in one of them.
    pub(crate) fn add(self, other: Self) -> Self {
        let tenants = self.tenants + other.tenants;
        let mut by_tenant = self.by_tenant;
        by_tenant.extend(other.by_tenant);
        let (mut total, more) = (self.total, other.total);
        total.aggregates += more.aggregates;
        total.rows += more.rows;
        total.stored_rows += more.stored_rows;
        total.checksum = total.checksum.wrapping_add(more.checksum);
        total.stored_checksum = total.stored_checksum.wrapping_add(more.stored_checksum);
        total.parked += more.parked;
        total.differences += more.differences;
        Self {
            tenants,
            total,
            by_tenant,
            ..self
        }
    }

    /// Whether the generation is what the log says.
    pub fn is_right(&self) -> bool {
        let TenantCheck {
            differences,
            rows,
            stored_rows,
            checksum,
            stored_checksum,
            ..
        } = &self.total;
        *differences == 0 && rows == stored_rows && checksum == stored_checksum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(commits: u64, done: bool) -> Segment {
        Segment {
            commits,
            done,
            ..Segment::default()
        }
    }

    #[test]
    fn what_is_done_tells_of_what_is_not() {
        let about = |segments: &[Segment], counted| commits_about(segments.iter(), 4, counted);
        assert_eq!(about(&[], 70), 70);
        // The store's count is old.
        assert_eq!(about(&[segment(90, false)], 70), 90);
        assert_eq!(about(&[segment(90, true), segment(20, false)], 70), 360);
        let all = [90, 110, 100, 95].map(|commits| segment(commits, true));
        assert_eq!(about(&all, 70), 395);
    }
}
