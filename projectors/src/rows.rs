//! Followers whose fold is several rows: a head of its own keeps the state, and moves in one step with the rows that changed.

use crate::{
    ApplyError, Follower, SourceCommits,
    heads::{Head, Heads, source_of},
    race::{CONCURRENT, HeadStore, Written, failed, move_on, written},
};
use async_trait::async_trait;
use futures::{StreamExt, stream};
use headwater_dynamo_repository::{
    self as repository, MAX_TOGETHER, Repository, Step, StoredHead, Unfinished, sum_changes,
};
use headwater_dynamo_schema::{RowItem, RowItemError, RowKey};
use headwater_event_log::EventLog;
use headwater_kernel::{Aggregate, Id};
use headwater_read_models::RowsFold;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) struct RowsFollower<F> {
    pub(crate) log: EventLog,
    pub(crate) repository: Repository,
    pub(crate) heads: Heads<F>,
}

fn permanent(error: impl std::error::Error + Send + Sync + 'static) -> ApplyError {
    ApplyError::Permanent(error.into())
}

fn by_key<F: RowsFold>(state: &F) -> Result<BTreeMap<RowKey, RowItem>, RowItemError> {
    Ok(state.rows()?.into_iter().map(|row| (row.key.clone(), row)).collect())
}

/// What leads from one state's rows to another's. After a step that was not finished nothing is known of the rows: all are written.
fn step<F: RowsFold>(id: &Id, before: &Head<F>, after: &Head<F>) -> Result<Step, ApplyError> {
    let (mut old, new) = (
        by_key(&before.state).map_err(permanent)?,
        by_key(&after.state).map_err(permanent)?,
    );
    let mut left: BTreeSet<RowKey> = before.unfinished.iter().flat_map(Unfinished::keys).collect();
    let (mut puts, mut fresh) = (Vec::new(), Vec::new());
    for (key, row) in new {
        left.remove(&key);
        let old = old.remove(&key);
        if before.unfinished.is_some() || old.as_ref() != Some(&row) {
            puts.push(row);
        }
        if old.is_none() {
            fresh.push(key);
        }
    }
    left.extend(old.into_keys());
    let adds = sum_changes(
        before.state.shares().map_err(permanent)?,
        after.state.shares().map_err(permanent)?,
    );
    let adds = adds.map_err(failed)?;
    if !F::HAS_SUMS && !adds.is_empty() {
        return Err(ApplyError::Permanent("a fold with shares says so by HAS_SUMS".into()));
    }
    let state = serde_json::to_value(&after.state).map_err(permanent)?;
    Ok(Step {
        table: F::TABLE,
        aggregate: F::Source::NAME,
        id: id.clone(),
        before: before.version,
        unfinished: before.unfinished.clone(),
        after: repository::Head {
            version: after.version,
            state,
        },
        puts,
        fresh,
        deletes: left.into_iter().collect(),
        adds,
    })
}

impl<F: RowsFold> RowsFollower<F> {
    /// After a store has refused a part of a step: the rows are what the head says again, if that can be.
    async fn undo(&self, source: &SourceCommits) {
        let undone = async {
            if let Some(head) = self.stored(source).await?
                && head.unfinished.is_some()
            {
                let again = Head::new(head.state.clone(), head.version);
                let step = step(&source.id, &head, &again)?;
                self.repository.step(&source.scope, step).await.map_err(failed)?;
            }
            Ok::<_, ApplyError>(())
        };
        if let Err(error) = undone.await {
            tracing::warn!(error = ?error, "a step that was refused half way is not undone; the next one will");
        }
    }
}

impl<F: RowsFold> HeadStore<F> for RowsFollower<F> {
    async fn stored(&self, source: &SourceCommits) -> Result<Option<Head<F>>, ApplyError> {
        let stored = self
            .repository
            .stored_head(&source.scope, F::TABLE, F::Source::NAME, &source.id)
            .await
            .map_err(failed)?;
        let head = |StoredHead { head, unfinished }| {
            let state = match head.version {
                0 => F::empty(&source.id),
                _ => serde_json::from_value(head.state).map_err(permanent)?,
            };
            Ok(Head {
                unfinished,
                ..Head::new(state, head.version)
            })
        };
        stored.map(head).transpose()
    }

    async fn write(
        &self,
        source: &SourceCommits,
        before: &Head<F>,
        after: &Head<F>,
        whole: bool,
    ) -> Result<Written, ApplyError> {
        let step = step(&source.id, before, after)?;
        let writes = step.puts.len() + step.deletes.len() + step.adds.len() + 1;
        if writes > MAX_TOGETHER && !whole {
            return Ok(Written::TooMuch);
        }
        let result = written(self.repository.step(&source.scope, step).await);
        if writes > MAX_TOGETHER && matches!(result, Err(ApplyError::Refused(_) | ApplyError::Permanent(_))) {
            self.undo(source).await;
        }
        result
    }
}

#[async_trait]
impl<F: RowsFold> Follower for RowsFollower<F> {
    fn source(&self) -> (&'static str, &'static str) {
        source_of::<F>()
    }

    async fn apply(&self, sources: Vec<SourceCommits>) -> Vec<Result<(), ApplyError>> {
        stream::iter(sources)
            .map(|source| async move { move_on(&self.log, &self.heads, self, &source).await })
            .buffered(CONCURRENT)
            .collect()
            .await
    }
}
