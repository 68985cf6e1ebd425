//! Followers whose fold measures. A point is the same whenever it is made, so no head is kept: what is written again changes nothing. The
//! state of a fold that needs one is remembered, and folded from the log when it is not.

use crate::{
    ApplyError, Follower, SourceCommits,
    heads::{Before, Head, Heads, advance, source_of},
};
use async_trait::async_trait;
use headwater_event_log::EventLog;
use headwater_metrics::{Error, MetricStore, PointWrite};
use headwater_read_models::metrics::{MetricFold, Point};
use std::sync::Arc;

/// How many events of one aggregate are folded before their points are written: a meter may have recorded very many.
const EVENTS: u64 = 1_000;

pub(crate) struct MetricFollower<F> {
    pub(crate) log: EventLog,
    pub(crate) store: Arc<dyn MetricStore>,
    pub(crate) heads: Heads<F>,
}

pub(crate) fn failed(error: Error) -> ApplyError {
    match error {
        Error::NotFinite { .. } => ApplyError::Permanent(error.into()),
        error if error.is_retryable() => ApplyError::Retry(error.into()),
        error => ApplyError::Refused(error.into()),
    }
}

/// What one aggregate's news came to.
struct News<F> {
    head: Head<F>,
    points: Vec<Point>,
    stopped: Result<(), ApplyError>,
}

impl<F: MetricFold> MetricFollower<F> {
    /// Where to begin: at what is known, or where the commits do when nothing depends on what came before.
    fn before(&self, source: &SourceCommits) -> Head<F> {
        let beginning = |version| Head::new(F::empty(&source.id), version);
        if let Before::Known(head) = self.heads.before(source) {
            return head;
        }
        let (first, last) = (source.commits.first(), source.commits.last());
        match (first, last) {
            (Some(first), Some(last)) if !F::NEEDS_HISTORY && source.up_to <= last.version() => {
                beginning(first.first_sequence - 1)
            }
            _ => beginning(0),
        }
    }

    /// Folds the news. Points of all but the last events of a long history are written on the way.
    async fn measure(&self, source: &SourceCommits) -> Result<News<F>, ApplyError> {
        let mut head = self.before(source);
        let mut points = Vec::new();
        loop {
            let advanced = advance(&self.log, source, &head, head.version + EVENTS).await?;
            let Some(mut after) = advanced.head else {
                let stopped = advanced.stopped;
                return Ok(News { head, points, stopped });
            };
            points.append(&mut after.state.measured().take());
            head = after;
            if advanced.stopped.is_err() {
                let stopped = advanced.stopped;
                return Ok(News { head, points, stopped });
            }
            if points.len() as u64 > EVENTS {
                self.write(source, std::mem::take(&mut points)).await?;
            }
        }
    }

    async fn write(&self, source: &SourceCommits, points: Vec<Point>) -> Result<(), ApplyError> {
        let scope = source.scope.clone();
        let written = self.store.write(vec![PointWrite { scope, points }]).await;
        written.map(drop).map_err(failed)
    }
}

#[async_trait]
impl<F: MetricFold> Follower for MetricFollower<F> {
    fn source(&self) -> (&'static str, &'static str) {
        source_of::<F>()
    }

    async fn apply(&self, sources: Vec<SourceCommits>) -> Vec<Result<(), ApplyError>> {
        let mut results = Vec::with_capacity(sources.len());
        let mut heads = Vec::new();
        let mut writes = Vec::new();
        for (n, source) in sources.iter().enumerate() {
            // The log is read for gaps and for histories that are not remembered, so there is seldom anything to wait for.
            results.push(match self.measure(source).await {
                Ok(News { head, points, stopped }) => {
                    heads.push((n, head));
                    writes.push(PointWrite {
                        scope: source.scope.clone(),
                        points,
                    });
                    stopped
                }
                Err(error) => Err(error),
            });
        }
        if let Err(error) = self.store.write(writes).await.map_err(failed) {
            for (n, _) in heads {
                results[n] = Err(error.again());
            }
            return results;
        }
        for (n, head) in heads {
            self.heads.remember(&sources[n], head);
        }
        results
    }
}
