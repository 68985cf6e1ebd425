//! Followers whose fold measures. A point is the same whenever it is made, so no head is kept: what is written again changes nothing. The
//! state of a fold that needs what came before is remembered, and folded from the log when it is not; one that does not need it folds each commit
//! by itself, in whatever order they come.

use crate::{
    ApplyError, Follower, SourceCommits,
    heads::{Before, Head, Heads, advance, source_of},
    replay::DroppedCount,
};
use async_trait::async_trait;
use headwater_event_log::EventLog;
use headwater_kernel::Aggregate;
use headwater_metrics::{Error, MetricStore, PointWrite};
use headwater_read_models::metrics::{MetricFold, Point};
use std::sync::Arc;

/// How many events of one aggregate are folded before their points are written: a meter may have recorded very many.
const EVENTS: u64 = 1_000;

pub(crate) struct MetricFollower<F> {
    pub(crate) log: EventLog,
    pub(crate) store: Arc<dyn MetricStore>,
    pub(crate) dropped: DroppedCount,
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
    /// Folds the news. Points of all but the last events of a long history are written on the way.
    async fn measure(&self, source: &SourceCommits) -> Result<News<F>, ApplyError> {
        if !F::NEEDS_HISTORY {
            return self.measure_each(source).await;
        }
        let head = match self.heads.before(source) {
            Before::Known(head) => head,
            Before::Nothing | Before::Unknown => Head::new(F::empty(&source.id), 0),
        };
        self.measure_from(source, head).await
    }

    /// Folds commits whose points depend on nothing before them, each as it comes: no head is kept, as one that comes late would be taken for one
    /// that was measured.
    async fn measure_each(&self, source: &SourceCommits) -> Result<News<F>, ApplyError> {
        let before = |sequence: u64| Head::new(F::empty(&source.id), sequence.saturating_sub(1));
        let mut news = News {
            head: before(0),
            points: Vec::new(),
            stopped: Ok(()),
        };
        let mut last = 0;
        for run in source.commits.chunk_by(|a, b| b.first_sequence == a.version() + 1) {
            let of_run = SourceCommits {
                commits: run.to_vec(),
                up_to: 0,
                ..source.clone()
            };
            let more = self.measure_from(&of_run, before(run[0].first_sequence)).await?;
            last = last.max(more.head.version);
            news.points.extend(more.points);
            if more.stopped.is_err() {
                news.stopped = more.stopped;
                return Ok(news);
            }
        }
        if last < source.up_to {
            let of_log = SourceCommits {
                commits: Vec::new(),
                ..source.clone()
            };
            let more = self.measure_from(&of_log, before(source.from)).await?;
            news.points.extend(more.points);
            news.stopped = more.stopped;
        }
        Ok(news)
    }

    async fn measure_from(&self, source: &SourceCommits, mut head: Head<F>) -> Result<News<F>, ApplyError> {
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
                if F::NEEDS_HISTORY {
                    // Whoever begins again goes on from here.
                    self.heads.remember(source, head.clone());
                }
            }
        }
    }

    async fn write(&self, source: &SourceCommits, points: Vec<Point>) -> Result<(), ApplyError> {
        let scope = source.scope.clone();
        self.write_all(vec![PointWrite { scope, points }]).await
    }

    /// Points that come too late for their series are dropped, which is said.
    async fn write_all(&self, writes: Vec<PointWrite>) -> Result<(), ApplyError> {
        let written = self.store.write(writes).await.map_err(failed)?;
        self.dropped.add(&written);
        if written.too_late > 0 {
            let (source, points) = (F::Source::NAME, written.too_late);
            tracing::warn!(
                source,
                points,
                "points came after what is kept of their series, and were dropped"
            );
        }
        if written.refused > 0 {
            let (source, points) = (F::Source::NAME, written.refused);
            tracing::warn!(
                source,
                points,
                "points pass a limit of the metric store, and were dropped"
            );
        }
        Ok(())
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
        match self.write_all(writes.clone()).await {
            Ok(()) => {}
            // What no patience mends is of one of them.
            Err(ApplyError::Permanent(_)) if writes.len() > 1 => {
                let mut written = Vec::new();
                for ((n, head), write) in heads.into_iter().zip(writes) {
                    match self.write_all(vec![write]).await {
                        Ok(()) => written.push((n, head)),
                        Err(error) => results[n] = Err(error),
                    }
                }
                heads = written;
            }
            Err(error) => {
                for (n, _) in heads {
                    results[n] = Err(error.again());
                }
                return results;
            }
        }
        for (n, head) in heads.into_iter().filter(|_| F::NEEDS_HISTORY) {
            self.heads.remember(&sources[n], head);
        }
        results
    }
}
