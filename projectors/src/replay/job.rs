//! What everything that is done for one generation has in common: its stores, its budget, and whether this worker may still act.

use super::{ReplayError, ReplayOptions, bucket::Bucket, progress::ProgressStore, refold::Refold};
use crate::{
    ApplyError, Parked, Parking, SourceKey, follower::Chain, options::backoff, parking::without_quotes, stop::told,
};
use headwater_dynamo_repository::Bulk;
use headwater_event_log::{EventLog, SegmentPage};
use headwater_runtime::Runtime;
use headwater_tenancy::WorkerAuthority;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

use super::folding::Place;

/// Until when this worker may act, by its own clock.
#[derive(Debug, Clone)]
pub(crate) struct Until(Arc<AtomicU64>);

impl Until {
    pub(crate) fn new(until: Duration) -> Self {
        Self(Arc::new(AtomicU64::new(millis(until))))
    }

    /// Without an end: for what needs no lease.
    pub(crate) fn ever() -> Self {
        Self::new(Duration::from_secs(u64::MAX / 2_000))
    }

    pub(crate) fn set(&self, until: Duration) {
        self.0.store(millis(until), Ordering::Release);
    }

    /// How long that is from `now`.
    pub(crate) fn left(&self, now: Duration) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Acquire).saturating_sub(millis(now)))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) log: EventLog,
    pub(crate) authority: WorkerAuthority,
    pub(crate) parking: Parking,
    pub(crate) progress: ProgressStore,
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) options: ReplayOptions,
    pub(crate) runtime: Runtime,
    /// `<projection>.<generation>`.
    pub(crate) consumer: String,
    pub(crate) contexts: Vec<String>,
    pub(crate) bulk: Bulk,
    pub(crate) refolds: Vec<Arc<dyn Refold>>,
    pub(crate) segments: u32,
    pub(crate) fence: u64,
    pub(crate) until: Until,
    pub(crate) stop: watch::Receiver<bool>,
}

/// How often a store that does not answer is asked before the whole job is tried again later.
const TRIES: u32 = 12;

impl Job {
    /// Whether this worker may go on.
    pub(crate) fn check(&self) -> Result<(), ReplayError> {
        if *self.stop.borrow() || self.until.left(self.runtime.monotonic()).is_zero() {
            Err(ReplayError::Stopped)
        } else {
            Ok(())
        }
    }

    /// Waits until so many write units may be spent, unless this worker has to stop before.
    pub(crate) async fn spend(&self, units: f64) -> Result<(), ReplayError> {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            () = told(&mut stop) => Err(ReplayError::Stopped),
            () = self.bucket.take(units) => Ok(()),
        }
    }

    /// Tries again while a store does not answer.
    pub(crate) async fn patiently<T, F>(&self, mut call: impl FnMut() -> F + Send) -> Result<T, ReplayError>
    where
        F: Future<Output = Result<T, ApplyError>> + Send,
    {
        let mut tries = 0;
        loop {
            self.check()?;
            match call().await {
                Ok(result) => return Ok(result),
                Err(ApplyError::Retry(error)) if tries < TRIES => {
                    tries += 1;
                    tracing::debug!(consumer = self.consumer, error = ?error, "a store did not answer; trying again");
                    self.runtime.sleep(backoff(tries)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The next page of a segment.
    pub(crate) async fn page(
        &self,
        context: &str,
        segment: u32,
        after: Option<&Place>,
    ) -> Result<SegmentPage, ReplayError> {
        self.patiently(|| async {
            let page = self
                .log
                .segment_page(&self.authority, context, segment, self.segments, after.cloned());
            page.await.map_err(ApplyError::log)
        })
        .await
    }

    /// Parks an aggregate for this generation.
    pub(crate) async fn park(
        &self,
        context: &str,
        source: &SourceKey,
        first_sequence: u64,
        up_to: u64,
        error: &ApplyError,
    ) -> Result<(), ReplayError> {
        let parked = Parked {
            consumer: self.consumer.clone(),
            context: context.to_owned(),
            source: source.clone(),
            first_sequence,
            up_to: up_to.max(first_sequence),
            reason: without_quotes(&Chain(error).to_string()),
            since: self.runtime.now(),
        };
        tracing::error!(consumer = self.consumer, tenant = %source.tenant, aggregate = source.aggregate, first_sequence, reason = parked.reason, "parked; see `headwater parked list`");
        self.patiently(|| self.parking.park(&parked)).await
    }
}
