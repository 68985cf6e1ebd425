//! Filling what adds to sums: by the follower itself, conditional on each head, because a sum that was added to twice would be wrong for
//! ever. It reads the head and the log once more and writes one transaction for each aggregate.

use super::{ReplayError, job::Job, writer::Tally};
use crate::{ApplyError, Follower, SourceCommits};
use std::sync::Arc;

/// Aggregates that are applied together.
const TOGETHER: usize = 64;

/// See the module.
pub(crate) struct Sums {
    job: Arc<Job>,
    waiting: Vec<(Arc<dyn Follower>, SourceCommits, f64)>,
    tally: Tally,
}

impl Sums {
    pub(crate) fn new(job: Arc<Job>) -> Self {
        Self {
            job,
            waiting: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// An aggregate, soon; `units` are the write units that it takes, about.
    pub(crate) async fn add(
        &mut self,
        follower: &Arc<dyn Follower>,
        source: SourceCommits,
        units: f64,
    ) -> Result<(), ReplayError> {
        let other = |(known, ..): &(Arc<dyn Follower>, SourceCommits, f64)| !Arc::ptr_eq(known, follower);
        if self.waiting.len() == TOGETHER || self.waiting.first().is_some_and(other) {
            self.apply().await?;
        }
        self.waiting.push((Arc::clone(follower), source, units));
        Ok(())
    }

    /// Everything is written; what that was.
    pub(crate) async fn flush(&mut self) -> Result<Tally, ReplayError> {
        self.apply().await?;
        Ok(std::mem::take(&mut self.tally))
    }

    async fn apply(&mut self) -> Result<(), ReplayError> {
        let waiting = std::mem::take(&mut self.waiting);
        let Some((follower, ..)) = waiting.first() else {
            return Ok(());
        };
        let units: f64 = waiting.iter().map(|(.., units)| units).sum();
        self.job.spend(units).await?;
        let sources: Vec<SourceCommits> = waiting.iter().map(|(_, source, _)| source.clone()).collect();
        let applied = self.job.patiently(|| async {
            for result in follower.apply(sources.clone()).await {
                match result {
                    // What lies before it has its effect; the filling has parked the rest.
                    Ok(()) | Err(ApplyError::Commit { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        });
        applied.await?;
        self.tally += Tally {
            rows: waiting.len() as u64,
            parked: 0,
            units,
        };
        Ok(())
    }
}
