//! The log of one region's contexts: what appending, loading and reading back have in common.

use crate::{Error, clock::CommitClock, feed::FeedActivity, item::Item};
use aws_sdk_dynamodb::{error::SdkError, types::AttributeValue};
use headwater_dynamodb::{Database, TableDefinition, tables};
use headwater_kernel::{AggregateType, TenantId};
use headwater_runtime::Runtime;
use headwater_tenancy::SealingKey;
use std::{sync::Arc, time::Duration};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// What may be tuned.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes that the aggregates of one type may take in memory, about. 64 MiB.
    pub cache_bytes: usize,
    /// After how many events a new snapshot is taken. 100.
    pub snapshot_every: u64,
    /// How often a command is decided anew after losing a race. 8.
    pub max_attempts: u32,
    /// Most bytes of a commit's item. 300 KB, below DynamoDB's 400 KB so that claims and views fit beside it.
    pub max_commit_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 64 << 20,
            snapshot_every: 100,
            max_attempts: 8,
            max_commit_bytes: 300_000,
        }
    }
}

/// The event log of one region. Cheap to clone.
#[derive(Clone)]
pub struct EventLog(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) database: Database,
    pub(crate) runtime: Runtime,
    pub(crate) clock: CommitClock,
    /// Tags payloads, so that a command id that comes back with another one is found.
    pub(crate) key: SealingKey,
    pub(crate) options: Options,
    /// Wakes readers of the feed in this process.
    pub(crate) feed: FeedActivity,
}

impl std::fmt::Debug for EventLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventLog")
    }
}

impl EventLog {
    /// The log in `database`. All processes of an installation share `key`.
    pub fn new(database: Database, key: SealingKey, options: Options, runtime: Runtime) -> Self {
        let clock = CommitClock::new(runtime.clone());
        Self(Arc::new(Inner {
            database,
            runtime,
            clock,
            key,
            options,
            feed: FeedActivity::default(),
        }))
    }

    /// The clock it goes by.
    pub fn runtime(&self) -> &Runtime {
        &self.0.runtime
    }

    /// The tables of a context's log: events, claims, snapshots, the feed.
    pub fn tables(context: &str) -> [TableDefinition; 4] {
        [
            tables::event_table(context),
            tables::claims_table(context),
            tables::snapshots_table(context),
            tables::feed_table(context),
        ]
    }

    /// Makes the tables of a context's log where they are missing.
    ///
    /// # Errors
    /// When a table exists in another shape, or the store does not answer.
    pub async fn ensure_tables(&self, context: &str) -> Result<(), headwater_dynamodb::Error> {
        for table in Self::tables(context) {
            self.0.database.ensure_table(&table).await?;
        }
        Ok(())
    }

    /// The context whose event table has this name, prefix included; `None` for a table of another kind or installation.
    pub fn context_of<'a>(&self, table: &'a str) -> Option<&'a str> {
        let context = table
            .strip_prefix(&self.0.database.table(""))?
            .strip_suffix("-events")?;
        (!context.is_empty()).then_some(context)
    }

    pub(crate) fn events_table(&self, context: &str) -> String {
        self.0.database.table(&format!("{context}-events"))
    }

    pub(crate) fn claims_table(&self, context: &str) -> String {
        self.0.database.table(&format!("{context}-claims"))
    }

    pub(crate) fn snapshots_table(&self, context: &str) -> String {
        self.0.database.table(&format!("{context}-snapshots"))
    }

    pub(crate) fn feed_table(&self, context: &str) -> String {
        self.0.database.table(&format!("{context}-feed"))
    }

    /// Tells which tenants' feeds this process has added to.
    pub fn feed_activity(&self) -> &FeedActivity {
        &self.0.feed
    }

    /// A short wait before attempt `attempt` (from 1), random so that racers part.
    pub(crate) async fn back_off(&self, attempt: u32) {
        let most = 2u64 << attempt.min(7);
        self.0
            .runtime
            .sleep(Duration::from_millis(self.0.runtime.below(most)))
            .await;
    }

    /// The keyed tag of a command's name and payload, in hex.
    pub(crate) fn payload_tag(&self, tenant: &TenantId, command: &str, payload: &[u8]) -> String {
        let mut data = Vec::with_capacity(command.len() + 1 + payload.len());
        data.extend_from_slice(command.as_bytes());
        data.push(0);
        data.extend_from_slice(payload);
        self.0
            .key
            .tag("command-payload", tenant, &data)
            .iter()
            .flat_map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]].map(char::from))
            .collect()
    }
}

/// Whether `aggregate` and an id name the same items as a stored commit.
pub(crate) fn name_of(aggregate: &AggregateType, id: &str) -> String {
    format!("{}/{}/{id}", aggregate.context, aggregate.name)
}

/// Sorts an SDK error into ours.
pub(crate) fn failed<E>(error: SdkError<E>) -> Error
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if headwater_dynamodb::is_retryable(&error) {
        Error::Unavailable(error.into())
    } else {
        Error::Refused(error.into())
    }
}

/// The value of a text attribute.
pub(crate) fn text_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)
        .and_then(|value: &AttributeValue| value.as_s().ok())
        .map(String::as_str)
}
