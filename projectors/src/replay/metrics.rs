//! Metric stores by generation, each opened once in a process, and the one that is live for whoever asks.

use super::opened::Opened;
use async_trait::async_trait;
use headwater_dynamo_repository::Generations;
use headwater_metrics::{Answer, Error, MetricStore, PointWrite, Query, SeriesInfo, Written};
use headwater_read_models::metrics::{PROJECTION, TABLE};
use headwater_runtime::Runtime;
use headwater_tenancy::TenantScope;
use serde_json::Value;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Opens and removes the metric stores of one adapter.
#[async_trait]
pub trait MetricStores: Send + Sync {
    /// Opens the store of a generation, or makes it.
    ///
    /// # Errors
    /// As the adapter classifies.
    fn open(&self, generation: u32) -> Result<Arc<dyn MetricStore>, Error>;

    /// Removes the store of a generation that is not open in this process; one that is not there is removed.
    ///
    /// # Errors
    /// As the adapter classifies.
    async fn remove(&self, generation: u32) -> Result<(), Error>;
}

/// The metric stores of a process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Option<Arc<Inner>>);

/// How many points this process's metric stores have dropped for good since it began. A point that is written again counts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DroppedPoints {
    /// They came after what is kept of their series.
    pub too_late: u64,
    /// They pass a limit of the store.
    pub refused: u64,
}

/// Counts them. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct DroppedCount(Arc<(AtomicU64, AtomicU64)>);

impl DroppedCount {
    pub(crate) fn add(&self, written: &Written) {
        self.0.0.fetch_add(written.too_late, Ordering::Relaxed);
        self.0.1.fetch_add(written.refused, Ordering::Relaxed);
    }
}

struct Inner {
    stores: Box<dyn MetricStores>,
    open: Opened<u32, dyn MetricStore>,
    dropped: DroppedCount,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Those of an adapter.
    pub fn new(stores: impl MetricStores + 'static) -> Self {
        Self(Some(Arc::new(Inner {
            stores: Box::new(stores),
            open: Opened::default(),
            dropped: DroppedCount::default(),
        })))
    }

    /// A process that keeps none.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Whether this process keeps any.
    pub const fn are_kept(&self) -> bool {
        self.0.is_some()
    }

    /// What was dropped; `None` when this process keeps no metrics.
    pub fn dropped(&self) -> Option<DroppedPoints> {
        let DroppedCount(counts) = &self.0.as_ref()?.dropped;
        Some(DroppedPoints {
            too_late: counts.0.load(Ordering::Relaxed),
            refused: counts.1.load(Ordering::Relaxed),
        })
    }

    /// Where what is dropped is counted.
    pub(crate) fn dropped_count(&self) -> DroppedCount {
        self.0.as_ref().map(|inner| inner.dropped.clone()).unwrap_or_default()
    }

    /// The store of a generation; `None` when this process keeps none.
    ///
    /// # Errors
    /// As the adapter classifies.
    pub fn get(&self, generation: u32) -> Result<Option<Arc<dyn MetricStore>>, Error> {
        let Some(inner) = &self.0 else { return Ok(None) };
        inner.open.get(&generation, || inner.stores.open(generation)).map(Some)
    }

    /// Removes the store of a generation once nobody in this process uses it any more.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while somebody does; else as the adapter classifies.
    pub async fn remove(&self, generation: u32, runtime: &Runtime) -> Result<(), Error> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let closed = inner.open.close(&generation, runtime).await;
        closed.map_err(|why| Error::Unavailable(format!("generation {why}")))?;
        inner.stores.remove(generation).await
    }
}

/// Asks, for each tenant, the store of the generation that is live for it. It is read only.
pub struct LiveMetrics {
    /// All stores of the process.
    pub stores: Metrics,
    /// Which generation is live.
    pub generations: Generations,
}

impl std::fmt::Debug for LiveMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LiveMetrics")
    }
}

fn read_only<T>() -> Result<T, Error> {
    Err(Error::Unavailable("the live store is for reading".into()))
}

impl LiveMetrics {
    async fn of(&self, scope: &TenantScope) -> Result<Arc<dyn MetricStore>, Error> {
        let live = self.generations.live(scope, TABLE, PROJECTION).await;
        let generation = live.map_err(|error| Error::Unavailable(error.to_string()))?;
        let none = || Error::Unavailable("this process has no metric store".into());
        self.stores.get(generation)?.ok_or_else(none)
    }
}

#[async_trait]
impl MetricStore for LiveMetrics {
    async fn write(&self, _: Vec<PointWrite>) -> Result<Written, Error> {
        read_only()
    }

    async fn query(&self, scope: &TenantScope, query: &Query) -> Result<Answer, Error> {
        self.of(scope).await?.query(scope, query).await
    }

    async fn series(&self, scope: &TenantScope) -> Result<Vec<SeriesInfo>, Error> {
        self.of(scope).await?.series(scope).await
    }

    fn keeps_positions(&self) -> bool {
        false
    }

    async fn commit(&self, _: Value) -> Result<(), Error> {
        read_only()
    }

    async fn positions(&self) -> Result<Option<Value>, Error> {
        read_only()
    }
}
