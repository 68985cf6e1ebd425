//! The handles everything else holds, and the factory that makes them.

use crate::{
    Accounting, AwsConfig, Error, Store, TableDefinition, aws,
    embedded::{self, EngineHandle, EngineOptions},
    ensure,
    faults::Faults,
};
use headwater_runtime::Runtime;
use std::{fmt, path::Path, sync::Arc};
use tokio::sync::watch;

/// One set of tables behind one endpoint: a DynamoDB client and a streams client. Cheap to clone.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    client: aws_sdk_dynamodb::Client,
    streams: aws_sdk_dynamodbstreams::Client,
    prefix: String,
    accounting: Accounting,
    activity: Option<watch::Receiver<u64>>,
    runtime: Runtime,
}

impl Database {
    pub(crate) fn new(
        client: aws_sdk_dynamodb::Client,
        streams: aws_sdk_dynamodbstreams::Client,
        prefix: String,
        accounting: Accounting,
        activity: Option<watch::Receiver<u64>>,
        runtime: Runtime,
    ) -> Self {
        Self(Arc::new(Inner {
            client,
            streams,
            prefix,
            accounting,
            activity,
            runtime,
        }))
    }

    /// The DynamoDB client.
    pub fn client(&self) -> &aws_sdk_dynamodb::Client {
        &self.0.client
    }

    /// The DynamoDB Streams client.
    pub fn streams(&self) -> &aws_sdk_dynamodbstreams::Client {
        &self.0.streams
    }

    /// The table called `name` in the definitions, as it is called here.
    pub fn table(&self, name: &str) -> String {
        format!("{}{name}", self.0.prefix)
    }

    /// What calls of this endpoint consumed. Shared by both stores of one [`Databases`].
    pub fn accounting(&self) -> &Accounting {
        &self.0.accounting
    }

    /// On the embedded engine, a number that changes whenever records were added to any stream and may be read: a reader waits for it
    /// instead of polling. What was written before this call counts as not yet seen. `None` on AWS, where nothing tells.
    pub fn activity(&self) -> Option<watch::Receiver<u64>> {
        self.0.activity.clone()
    }

    /// Creates the table if it is missing and waits until it can be used. Several processes may do this at once.
    ///
    /// # Errors
    /// [`Error::TableDiffers`] when a table of that name has other keys, indexes or stream; [`Error::TableNotReady`] after two minutes.
    pub async fn ensure_table(&self, definition: &TableDefinition) -> Result<(), Error> {
        ensure::ensure_table(self, &self.0.runtime, definition).await
    }

    /// Verifies a table that somebody else makes, such as a deployment's template. Writes nothing.
    ///
    /// # Errors
    /// [`Error::TableMissing`], [`Error::TableNotReady`], [`Error::TableDiffers`].
    pub async fn verify_table(&self, definition: &TableDefinition) -> Result<(), Error> {
        ensure::verify_table(self, definition).await
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("prefix", &self.0.prefix)
            .finish_non_exhaustive()
    }
}

/// Both stores of one region. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Databases {
    /// The log with its claims, snapshots, the feed, tenants.
    pub durable: Database,
    /// Views, leases, checkpoints. On AWS the same endpoint as `durable`.
    pub rebuildable: Database,
    pub(crate) engines: Vec<EngineHandle>,
}

impl Databases {
    /// The embedded engine on two files under `dir`: `log.db`, synced before any write is acknowledged, and `views.db`, synced about once
    /// a second. Makes the folder if it is missing, for the owner only. Opening takes milliseconds; it blocks the caller for them.
    ///
    /// # Errors
    /// When the folder or a file cannot be used, or was written by an unknown engine.
    pub fn embedded(dir: &Path, runtime: Runtime) -> Result<Self, Error> {
        embedded::databases(dir, &runtime, None, &EngineOptions::default())
    }

    /// [`embedded`](Self::embedded) with failures injected between the SDK and the engine.
    ///
    /// # Errors
    /// See [`embedded`](Self::embedded).
    pub fn embedded_with_faults(dir: &Path, runtime: Runtime, faults: Faults) -> Result<Self, Error> {
        embedded::databases(dir, &runtime, Some(faults), &EngineOptions::default())
    }

    /// [`embedded`](Self::embedded) with other limits than the usual ones, for tests of the engine itself.
    ///
    /// # Errors
    /// See [`embedded`](Self::embedded).
    pub fn embedded_with_options(dir: &Path, runtime: Runtime, options: &EngineOptions) -> Result<Self, Error> {
        embedded::databases(dir, &runtime, None, options)
    }

    /// AWS or another endpoint, with credentials from the usual places (environment, profile, container, instance).
    pub async fn aws(config: &AwsConfig, runtime: Runtime) -> Self {
        aws::databases(config, runtime, None).await
    }

    /// [`aws`](Self::aws) with failures injected between the SDK and the endpoint.
    pub async fn aws_with_faults(config: &AwsConfig, runtime: Runtime, faults: Faults) -> Self {
        aws::databases(config, runtime, Some(faults)).await
    }

    /// The one that holds tables of `store`.
    pub fn of(&self, store: Store) -> &Database {
        match store {
            Store::Durable => &self.durable,
            Store::Rebuildable => &self.rebuildable,
        }
    }

    /// [`Database::ensure_table`] where the definition says it lives.
    ///
    /// # Errors
    /// See [`Database::ensure_table`].
    pub async fn ensure_table(&self, definition: &TableDefinition) -> Result<(), Error> {
        self.of(definition.store).ensure_table(definition).await
    }

    /// Answers what was asked so far, syncs both files and stops the engines. Later calls fail. Does nothing on AWS.
    pub async fn shutdown(self) {
        for engine in &self.engines {
            engine.stop().await;
        }
    }
}
