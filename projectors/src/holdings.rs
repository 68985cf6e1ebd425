//! The shards that a worker reads, and the task that keeps their leases alive whatever else the worker waits for.

use crate::stop::told;
use futures::future::join_all;
use headwater_event_log::consumer::{Held, LeaseTable};
use headwater_runtime::{Runtime, Task};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// A shard that this worker reads. Its reader stops when this is dropped.
pub(crate) struct Running {
    pub(crate) held: Held,
    pub(crate) task: Option<Task>,
    pub(crate) stop: watch::Sender<bool>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

/// By the lease's key. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Holdings(Arc<Mutex<BTreeMap<String, Running>>>);

impl Holdings {
    pub(crate) fn map(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.map().contains_key(key)
    }

    /// Takes out the one that was taken under this fence: one that lost its lease and ends late must not be taken for its successor.
    pub(crate) fn remove(&self, key: &str, fence: u64) -> Option<Running> {
        let mut map = self.map();
        map.get(key).filter(|running| running.held.fence == fence)?;
        map.remove(key)
    }

    pub(crate) fn tell_all(&self) {
        for running in self.map().values() {
            let _ = running.stop.send(true);
        }
    }

    /// Shows life for all that is held, every now and then, until it is told to stop; lets go of what another worker has taken.
    pub(crate) async fn keep(
        self,
        leases: LeaseTable,
        every: Duration,
        runtime: Runtime,
        mut stop: watch::Receiver<bool>,
    ) {
        loop {
            tokio::select! {
                biased;
                () = told(&mut stop) => return,
                () = runtime.sleep(every) => {}
            }
            let all: Vec<Held> = self.map().values().map(|running| running.held.clone()).collect();
            let renewals = join_all(all.into_iter().map(|held| self.renew(&leases, held, every, &runtime)));
            tokio::select! {
                biased;
                () = told(&mut stop) => return,
                _ = renewals => {}
            }
        }
    }

    async fn renew(&self, leases: &LeaseTable, mut held: Held, longest: Duration, runtime: &Runtime) {
        let renewed = runtime.timeout(longest, leases.renew(&mut held)).await;
        match renewed {
            Ok(Ok(false)) => {
                if self.remove(&held.key, held.fence).is_some() {
                    tracing::info!(key = held.key, "another worker has this shard now");
                }
                return;
            }
            Ok(Ok(true)) => {}
            // Everything it writes is conditional, so a lease that may be gone does no harm.
            Ok(Err(error)) => tracing::warn!(key = held.key, error = ?error, "a lease was not renewed"),
            Err(_) => tracing::warn!(key = held.key, "a lease was not renewed in time"),
        }
        if let Some(running) = self.map().get_mut(&held.key)
            && running.held.fence == held.fence
        {
            running.held = held;
        }
    }
}
