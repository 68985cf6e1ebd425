//! From records to news of aggregates, each with the record at which it has to begin again when it is not done.

use super::{
    HandlerError,
    event::{Record, SequenceNumber, StreamEvent},
};
use crate::{Consumer, SourceCommits, SourceKey};
use headwater_event_log::{EventLog, LoggedCommit, Unreadable, commit_of_item};
use headwater_kernel::Commit;
use headwater_tenancy::{TenantScope, WorkerAuthority};
use std::collections::BTreeMap;

/// What a batch says, by context and aggregate.
pub(super) type Batch = BTreeMap<String, BTreeMap<SourceKey, News>>;

/// News of one aggregate.
#[derive(Debug, Clone)]
pub(super) struct News {
    pub(super) key: SourceKey,
    /// Its commits, as far as they can be read, in order of sequence.
    pub(super) commits: SourceCommits,
    /// The lowest of the records that told of it.
    pub(super) first: SequenceNumber,
}

impl News {
    /// How far the history goes with this.
    pub(super) fn up_to(&self) -> u64 {
        let last = self.commits.commits.last().map_or(0, Commit::version);
        last.max(self.commits.up_to)
    }

    fn tell(&mut self, sequence: SequenceNumber) {
        if sequence < self.first {
            self.first = sequence;
        }
    }
}

/// Reads all records of an event.
pub(super) fn read(
    log: &EventLog,
    authority: &WorkerAuthority,
    contexts: &[String],
    event: StreamEvent,
) -> Result<Batch, HandlerError> {
    let mut batch = Batch::new();
    for record in event.records {
        let context = context_of(log, contexts, &record)?;
        let Some((sequence, item)) = record.into_item() else {
            continue;
        };
        let of_context = batch.entry(context.clone()).or_default();
        match commit_of_item(authority, &context, &item) {
            Ok(LoggedCommit { scope, commit }) => {
                let key = SourceKey {
                    tenant: commit.tenant.clone(),
                    aggregate: commit.aggregate.clone(),
                    id: commit.id.clone(),
                };
                let news = news_of(of_context, key, scope, sequence);
                news.commits.commits.push(commit);
            }
            Err(unreadable) => {
                let Unreadable { of, error } = *unreadable;
                let Some((scope, aggregate, id, first)) = of else {
                    tracing::error!(context, %error, "a record of the stream is no commit, and of no aggregate; it is left out");
                    continue;
                };
                // The log may have more than the record; what it has not either will be parked.
                tracing::warn!(context, %error, "a record of the stream is no commit that this build can read; reading the log");
                let key = SourceKey {
                    tenant: scope.tenant().clone(),
                    aggregate,
                    id,
                };
                let news = news_of(of_context, key, scope, sequence);
                news.commits.up_to = news.commits.up_to.max(first);
            }
        }
    }
    for news in batch.values_mut().flat_map(BTreeMap::values_mut) {
        news.commits.commits.sort_by_key(|commit| commit.first_sequence);
    }
    Ok(batch)
}

/// What of it is for a consumer.
pub(super) fn wanted(consumer: &Consumer, context: &str, of_context: &BTreeMap<SourceKey, News>) -> Vec<News> {
    let wants = |news: &&News| consumer.wants(&news.key.tenant, context, &news.key.aggregate);
    of_context.values().filter(wants).cloned().collect()
}

fn context_of(log: &EventLog, contexts: &[String], record: &Record) -> Result<String, HandlerError> {
    let context = record.table().and_then(|table| log.context_of(table));
    let known = context.and_then(|context| contexts.iter().find(|known| *known == context));
    known.cloned().ok_or_else(|| HandlerError::OtherStream {
        arn: record.source.clone(),
        contexts: contexts.join(", "),
    })
}

fn news_of(
    of_context: &mut BTreeMap<SourceKey, News>,
    key: SourceKey,
    scope: TenantScope,
    sequence: SequenceNumber,
) -> &mut News {
    let news = of_context.entry(key.clone()).or_insert_with(|| News {
        commits: SourceCommits {
            scope,
            id: key.id.clone(),
            commits: Vec::new(),
            up_to: 0,
            from: 0,
            discard: None,
        },
        key,
        first: sequence.clone(),
    });
    news.tell(sequence);
    news
}
