//! What the tests across crates share: a small aggregate with a claim and an old event version, and a log on the embedded engine.

pub mod account;
pub mod built;
pub mod invariants;
pub mod levels;
pub mod projections;
pub mod simulation;
pub mod stores;
pub mod totals;

use headwater_dynamodb::{Databases, faults::Faults};
use headwater_event_log::{AggregateStore, EventLog, Options, Request};
use headwater_runtime::Runtime;
use headwater_tenancy::{SealingKey, TenantScope};
use serde_json::Value;

/// A log of the test context in a folder of its own, which goes with it.
pub struct LogFixture {
    /// Where the files are.
    pub dir: tempfile::TempDir,
    /// Both engines.
    pub databases: Databases,
    /// What goes wrong between the SDK and the engines; nothing yet.
    pub faults: Faults,
    /// The log.
    pub log: EventLog,
    /// The tenant `acme`.
    pub scope: TenantScope,
    /// Real clock.
    pub runtime: Runtime,
}

/// The same key for every opening of a folder.
pub fn sealing_key() -> SealingKey {
    SealingKey::new([9; 32])
}

impl LogFixture {
    /// A new folder.
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    /// A new folder, other options.
    pub async fn with(options: Options) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        Self::open(dir, options).await
    }

    /// Opens a folder, new or not.
    pub async fn open(dir: tempfile::TempDir, options: Options) -> Self {
        let runtime = Runtime::tokio();
        let stores::TestStores { dir, databases, faults } = stores::TestStores::of(dir, &runtime, 0).await;
        let log = EventLog::new(databases.durable.clone(), sealing_key(), options, runtime.clone());
        log.ensure_tables(account::CONTEXT).await.expect("the tables are made");
        let scope = headwater_tenancy::testing::scope("acme").await;
        Self {
            dir,
            databases,
            faults,
            log,
            scope,
            runtime,
        }
    }

    /// The accounts of the log, with a cold cache.
    pub fn accounts(&self) -> AggregateStore<account::Account> {
        AggregateStore::new(self.log.clone())
    }
}

/// A request as an edge would make it.
pub fn request<'a>(command_id: &str, name: &'a str, payload: &'a [u8]) -> Request<'a> {
    Request {
        command_id: command_id.to_owned(),
        name,
        payload,
        expected_version: None,
        correlation_id: None,
        causation_id: None,
    }
}

/// Canonical bytes of a payload.
pub fn bytes(payload: &Value) -> Vec<u8> {
    serde_json::to_vec(payload).expect("a payload serialises")
}
