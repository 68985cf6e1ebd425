//! Followers whose fold is several rows: a head of its own keeps the state, and moves in one transaction with the rows that changed.

use crate::{
    ApplyError, Follower, SourceCommits,
    heads::{Head, Heads, source_of},
    race::{CONCURRENT, HeadStore, Written, failed, move_on, written},
};
use async_trait::async_trait;
use futures::{StreamExt, stream};
use headwater_dynamo_repository::{self as repository, Expect, MAX_TOGETHER, Repository, Write};
use headwater_dynamo_schema::{RowItem, RowItemError, RowKey};
use headwater_event_log::EventLog;
use headwater_kernel::{Aggregate, Id};
use headwater_read_models::RowsFold;
use std::collections::BTreeMap;

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

/// What leads from one state's rows to another's, the head last.
fn writes<F: RowsFold>(id: &Id, before: &Head<F>, after: &Head<F>) -> Result<Vec<Write>, ApplyError> {
    let (mut old, new) = (
        by_key(&before.state).map_err(permanent)?,
        by_key(&after.state).map_err(permanent)?,
    );
    let version = after.version;
    let mut writes = Vec::new();
    for (key, row) in new {
        if old.remove(&key).is_none_or(|old| old != row) {
            writes.push(Write::Put {
                row,
                version,
                expect: Expect::UpTo(version),
            });
        }
    }
    writes.extend(old.into_keys().map(|key| Write::Delete {
        table: F::TABLE,
        key,
        version,
    }));
    let expect = if before.version == 0 {
        Expect::New
    } else {
        Expect::Version(before.version)
    };
    let state = serde_json::to_value(&after.state).map_err(permanent)?;
    let head = repository::Head { version, state };
    writes.push(Write::Head {
        table: F::TABLE,
        aggregate: F::Source::NAME,
        id: id.clone(),
        head,
        expect,
    });
    Ok(writes)
}

impl<F: RowsFold> HeadStore<F> for RowsFollower<F> {
    async fn stored(&self, source: &SourceCommits) -> Result<Option<Head<F>>, ApplyError> {
        let head = self
            .repository
            .head(&source.scope, F::TABLE, F::Source::NAME, &source.id)
            .await
            .map_err(failed)?;
        head.map(|head| {
            Ok(Head {
                state: serde_json::from_value(head.state).map_err(permanent)?,
                version: head.version,
            })
        })
        .transpose()
    }

    async fn write(
        &self,
        source: &SourceCommits,
        before: &Head<F>,
        after: &Head<F>,
        whole: bool,
    ) -> Result<Written, ApplyError> {
        let writes = writes(&source.id, before, after)?;
        if writes.len() > MAX_TOGETHER && !whole {
            return Ok(Written::TooMuch);
        }
        written(self.repository.write_together(&source.scope, writes).await)
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
