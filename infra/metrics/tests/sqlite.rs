//! The contract on SQLite, and what only a file can be asked.
#![allow(clippy::unwrap_used, reason = "a test")]

mod contract;
mod file;

use contract::Store;
use headwater_metrics::{MetricStore, sqlite::SqliteStore};
use headwater_runtime::Runtime;
use std::sync::Arc;

/// A store in a folder of its own.
async fn store() -> Store {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("metrics.db");
    let open = move || -> Arc<dyn MetricStore> { Arc::new(SqliteStore::open(&file, Runtime::tokio()).unwrap()) };
    Store {
        store: open(),
        reopen: Box::new(open),
        _dir: dir,
    }
}

contract::suite!(store);
