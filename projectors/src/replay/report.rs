//! What is told about replays, in plain serialisable structs.

use super::compare::DifferenceKind;
use headwater_dynamo_repository::GenerationState;
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
