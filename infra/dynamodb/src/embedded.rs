//! The embedded engine: DynamoDB on a file of this process, behind the same SDK.
//!
//! The SDK's HTTP client ends in [`connector`], which hands requests to the one thread that owns the engine ([`engine`]). That thread runs
//! all requests that wait in one transaction ([`group`]), syncs the file once if any of them wrote ([`wal`]), and only then answers them.
//! Between groups it trims streams ([`trim`]) and expires items ([`expiry`]). Nothing outside this module knows the engine; there is no socket.

mod connector;
mod engine;
mod expiry;
mod group;
mod operations;
mod schema;
mod statements;
mod streams;
mod trim;
mod wal;

pub(crate) use connector::{EngineHandle, operation};
#[cfg(feature = "simulation")]
pub(crate) use operations::complete;
pub(crate) use operations::respond;

use crate::{
    Accounting, Database, Databases, Error,
    client::{Target, clients},
    faults::Faults,
};
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_types::timeout::TimeoutConfig;
use engine::Engine;
use headwater_runtime::Runtime;
use std::{fmt, path::Path, path::PathBuf, sync::Arc, time::Duration};

/// Limits of the embedded engine. The default is what the program runs with.
#[derive(Clone)]
pub struct EngineOptions {
    /// Requests that share one sync at most. More of them make each sync worth more and each answer later.
    pub group: usize,
    /// Bytes of write-ahead log after which it is copied into the database file.
    pub checkpoint: u64,
    /// How old a stream record may become. DynamoDB keeps them 24 hours.
    pub stream_retention: Duration,
    /// How often streams are trimmed and items expired.
    pub housekeeping: Duration,
    /// How often the file of what can be rebuilt is synced.
    pub lazy_sync: Duration,
    /// Told of every sync, on the engine's thread: lets a test cut the file to what a power cut would leave.
    pub on_sync: Option<OnSync>,
}

/// Called with each sync.
pub type OnSync = Arc<dyn Fn(&Synced) + Send + Sync>;

/// What a sync made safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synced {
    /// The database file.
    pub path: PathBuf,
    /// How much of its write-ahead log is safe, in bytes.
    pub wal_bytes: u64,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            group: 128,
            checkpoint: 16 << 20,
            stream_retention: Duration::from_secs(24 * 60 * 60),
            housekeeping: Duration::from_secs(30),
            lazy_sync: Duration::from_secs(1),
            on_sync: None,
        }
    }
}

impl fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineOptions")
            .field("group", &self.group)
            .field("checkpoint", &self.checkpoint)
            .field("stream_retention", &self.stream_retention)
            .field("housekeeping", &self.housekeeping)
            .field("lazy_sync", &self.lazy_sync)
            .finish_non_exhaustive()
    }
}

/// When what a group wrote is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// Before the group is answered.
    Acknowledged,
    /// Later, at intervals.
    Lazy,
}

/// Opens both files under `dir` and starts their engines.
pub(crate) fn databases(
    dir: &Path,
    runtime: &Runtime,
    faults: Option<Faults>,
    options: &EngineOptions,
) -> Result<Databases, Error> {
    wal::make_private_folder(dir)?;
    let accounting = Accounting::default();
    let mut engines = Vec::new();
    let mut database = |file: &str, durability| {
        let engine = Engine::open(&dir.join(file), durability, runtime.clone(), options.clone())?;
        let handle = EngineHandle::start(engine)?;
        let activity = handle.activity();
        let http = SharedHttpClient::new(handle.clone());
        let http = match &faults {
            Some(faults) => SharedHttpClient::new(faults.around(http, runtime.clone())),
            None => http,
        };
        let target = Target {
            http,
            region: "local".to_owned(),
            endpoint: Some("http://embedded.invalid".to_owned()),
            credentials: None,
            // A queue, not a network: a request is answered or the process is gone.
            timeouts: TimeoutConfig::disabled(),
            retries: None,
        };
        let (client, streams) = clients(&target, runtime, &accounting);
        engines.push(handle);
        Ok::<_, Error>(Database::new(
            client,
            streams,
            String::new(),
            accounting.clone(),
            Some(activity),
            runtime.clone(),
        ))
    };
    let durable = database("log.db", Durability::Acknowledged)?;
    let rebuildable = database("views.db", Durability::Lazy)?;
    Ok(Databases {
        durable,
        rebuildable,
        engines,
    })
}
