//! Followers whose fold is one row: the row's version is the head, and one conditional put moves both.

use crate::{
    ApplyError, Follower, SourceCommits,
    heads::{Head, Heads, source_of},
    race::{CONCURRENT, HeadStore, Written, failed, move_on, written},
};
use async_trait::async_trait;
use futures::{StreamExt, stream};
use headwater_dynamo_repository::{Expect, Repository};
use headwater_event_log::EventLog;
use headwater_read_models::RowFold;

pub(crate) struct RowFollower<F> {
    pub(crate) log: EventLog,
    pub(crate) repository: Repository,
    pub(crate) heads: Heads<F>,
}

impl<F: RowFold> HeadStore<F> for RowFollower<F> {
    async fn stored(&self, source: &SourceCommits) -> Result<Option<Head<F>>, ApplyError> {
        let row = self
            .repository
            .find::<F>(&source.scope, &F::key_of(&source.id))
            .await
            .map_err(failed)?;
        Ok(row.map(|row| Head::new(row.entity, row.version)))
    }

    async fn write(
        &self,
        source: &SourceCommits,
        before: &Head<F>,
        after: &Head<F>,
        _whole: bool,
    ) -> Result<Written, ApplyError> {
        let expect = match before.version {
            0 => Expect::New,
            version => Expect::Version(version),
        };
        let saved = self
            .repository
            .save(&source.scope, &after.state, after.version, expect)
            .await;
        written(saved)
    }
}

#[async_trait]
impl<F: RowFold> Follower for RowFollower<F> {
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
