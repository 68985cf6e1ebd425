//! The port. What an adapter has to do is said here; `tests/contract` checks it on each.

use crate::{Answer, Error, Query};
use async_trait::async_trait;
use headwater_read_models::metrics::Point;
use headwater_tenancy::TenantScope;
use serde_json::Value;
use std::collections::BTreeSet;

/// Points of one tenant.
#[derive(Debug, Clone)]
pub struct PointWrite {
    /// Whose.
    pub scope: TenantScope,
    /// The points.
    pub points: Vec<Point>,
}

/// What became of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// How many are as they were written, also when they were before.
    pub kept: u64,
    /// How many stay at a higher version that was there.
    pub superseded: u64,
    /// How many are older than what the store still takes for their series: dropped, so that rollups made of points that are gone stay as they
    /// are.
    pub too_late: u64,
    /// How many the store can never take, as they pass a limit of its own: dropped.
    pub refused: u64,
}

/// A series that has points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesInfo {
    /// Its name.
    pub name: String,
    /// The dimensions that its points have.
    pub dimensions: BTreeSet<String>,
}

/// A store of metric points, of one projection and generation.
///
/// Every adapter holds to this:
/// - A tenant's points are seen with that tenant's scope alone, whatever stands in names, dimensions and values.
/// - A point that is written again, in whatever order and number, leaves every answer as it was; a higher version replaces it in all of them,
///   rollups included.
/// - Answers do not depend on the order or the batches in which points came.
/// - Every answer is exact: a percentile is taken of the points themselves, never of rollups.
/// - A write that was answered is kept, also after a crash.
/// - No call blocks the async runtime.
#[async_trait]
pub trait MetricStore: Send + Sync {
    /// Writes points. After an error none, some or all may be written; writing them again is right.
    ///
    /// # Errors
    /// [`Error::NotFinite`] before anything is written; else as classified.
    async fn write(&self, writes: Vec<PointWrite>) -> Result<Written, Error>;

    /// Answers a query. A series without points is answered as one that has them elsewhere.
    ///
    /// # Errors
    /// What [`Error::is_callers`] names, and as classified.
    async fn query(&self, scope: &TenantScope, query: &Query) -> Result<Answer, Error>;

    /// The series of a tenant that have points, by name.
    ///
    /// # Errors
    /// As classified.
    async fn series(&self, scope: &TenantScope) -> Result<Vec<SeriesInfo>, Error>;

    /// Whether positions are kept with the points, so that a store that was lost or restored is filled again from where it is. Such a store
    /// is open in one process.
    fn keeps_positions(&self) -> bool;

    /// Keeps positions; the points that were written before are kept already. Nothing where positions are kept elsewhere.
    ///
    /// # Errors
    /// As classified.
    async fn commit(&self, positions: Value) -> Result<(), Error>;

    /// What the last commit was given.
    ///
    /// # Errors
    /// As classified.
    async fn positions(&self) -> Result<Option<Value>, Error>;
}

/// Refuses values that are no finite numbers.
pub(crate) fn check_finite(writes: &[PointWrite]) -> Result<(), Error> {
    let mut points = writes.iter().flat_map(|write| &write.points);
    match points.find(|point| !point.value.is_finite()) {
        None => Ok(()),
        Some(point) => Err(Error::NotFinite {
            series: point.series.clone(),
            time: point.time,
        }),
    }
}
