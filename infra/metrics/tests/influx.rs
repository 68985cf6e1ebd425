//! The contract on a real InfluxDB, and what only a server can be asked.
#![allow(clippy::unwrap_used, reason = "a test")]

mod contract;
mod server;

use contract::Store;
use headwater_metrics::MetricStore;
use std::sync::Arc;

/// A store in a database of its own.
async fn store() -> Store {
    let store = server::database(None).await;
    let again = store.clone();
    Store {
        store: Arc::new(store),
        reopen: Box::new(move || -> Arc<dyn MetricStore> { Arc::new(again.clone()) }),
        _dir: tempfile::tempdir().unwrap(),
    }
}

contract::suite!(store);
