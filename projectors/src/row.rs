//! Followers whose fold is one row: the row's version is the head, and one conditional put moves both.

use crate::{
    ApplyError, Follower, SourceCommits,
    heads::{Before, Head, Heads, advance, source_of},
};
use async_trait::async_trait;
use futures::{StreamExt, stream};
use headwater_dynamo_repository::{Error, Expect, Repository};
use headwater_event_log::EventLog;
use headwater_read_models::RowFold;

/// How many aggregates are written at a time.
pub(crate) const CONCURRENT: usize = 64;

/// How often a lost race is run again before the batch is tried later.
const RACES: u32 = 5;

pub(crate) struct RowFollower<F> {
    pub(crate) projection: &'static str,
    pub(crate) log: EventLog,
    pub(crate) repository: Repository,
    pub(crate) heads: Heads<F>,
}

pub(crate) fn failed(error: Error) -> ApplyError {
    // A conflict is another worker's write; what it wrote is read before the next try.
    if error.is_retryable() || matches!(error, Error::Conflict) {
        ApplyError::Retry(error.into())
    } else {
        ApplyError::Permanent(error.into())
    }
}

impl<F: RowFold> RowFollower<F> {
    async fn apply_one(&self, source: &SourceCommits) -> Result<(), ApplyError> {
        let mut before = self.heads.before(source);
        for _ in 0..RACES {
            let head = match before {
                Before::Known(head) => head,
                Before::Nothing => Head {
                    state: F::empty(&source.id),
                    version: 0,
                },
                Before::Unknown => {
                    let row = self
                        .repository
                        .find::<F>(&source.scope, &F::key_of(&source.id))
                        .await
                        .map_err(failed)?;
                    row.map_or_else(
                        || Head {
                            state: F::empty(&source.id),
                            version: 0,
                        },
                        |row| Head {
                            state: row.entity,
                            version: row.version,
                        },
                    )
                }
            };
            let Some(after) = advance(&self.log, source, &head).await? else {
                self.heads.remember(source, head);
                return Ok(());
            };
            let expect = if head.version == 0 {
                Expect::New
            } else {
                Expect::Version(head.version)
            };
            match self
                .repository
                .save(&source.scope, &after.state, after.version, expect)
                .await
            {
                Ok(()) => {
                    self.heads.remember(source, after);
                    return Ok(());
                }
                Err(Error::Conflict) => {
                    self.heads.forget(source);
                    before = Before::Unknown;
                }
                Err(error) => {
                    self.heads.forget(source);
                    return Err(failed(error));
                }
            }
        }
        Err(ApplyError::Retry("another worker keeps writing the same row".into()))
    }
}

#[async_trait]
impl<F: RowFold> Follower for RowFollower<F> {
    fn projection(&self) -> &'static str {
        self.projection
    }

    fn source(&self) -> (&'static str, &'static str) {
        source_of::<F>()
    }

    async fn apply(&self, sources: Vec<SourceCommits>) -> Vec<Result<(), ApplyError>> {
        stream::iter(sources)
            .map(|source| async move { self.apply_one(&source).await })
            .buffered(CONCURRENT)
            .collect()
            .await
    }
}
