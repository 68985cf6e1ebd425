//! Which shards the streams have. Each context is asked by itself and in its own time, so that one whose stream does not answer holds up
//! neither the others nor the leases. An account may describe streams 10 times a second; a process does so 2 times, after a first burst.

use crate::options::backoff;
use headwater_event_log::{Shard, StreamReader};
use headwater_runtime::Runtime;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// Between two calls, in the long run.
const APART: Duration = Duration::from_millis(500);
/// Calls that need not wait when there were none for a while: a process that starts.
const AT_ONCE: u32 = 16;

/// What was found of a context.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) shards: Vec<Shard>,
    /// Grows with every look.
    pub(crate) looks: u64,
}

/// By context.
pub(crate) type Map = Arc<BTreeMap<String, Found>>;

/// See the module.
pub(crate) struct Discovery {
    every: Duration,
    runtime: Runtime,
    found: watch::Sender<Map>,
    again: BTreeMap<String, Notify>,
    /// Up to when the calls so far have used up what they may.
    used: Mutex<Duration>,
}

impl Discovery {
    pub(crate) fn new<'a>(contexts: impl Iterator<Item = &'a str>, every: Duration, runtime: &Runtime) -> Self {
        Self {
            every,
            runtime: runtime.clone(),
            found: watch::channel(Map::default()).0,
            again: contexts.map(|context| (context.to_owned(), Notify::new())).collect(),
            used: Mutex::default(),
        }
    }

    /// What is known, and when it changes.
    pub(crate) fn found(&self) -> watch::Receiver<Map> {
        self.found.subscribe()
    }

    /// A context is to be looked at now.
    pub(crate) fn again(&self, context: &str) {
        if let Some(again) = self.again.get(context) {
            again.notify_one();
        }
    }

    /// Looks at one context for ever.
    pub(crate) async fn follow(&self, reader: &StreamReader) {
        let mut failures = 0;
        loop {
            self.wait_for_a_turn().await;
            let pause = match reader.shards().await {
                Ok(shards) => {
                    failures = 0;
                    self.found.send_modify(|found| {
                        let looks = found.get(reader.context()).map_or(1, |known| known.looks + 1);
                        let found = Arc::make_mut(found);
                        found.insert(reader.context().to_owned(), Found { shards, looks });
                    });
                    self.every
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(context = reader.context(), error = ?error, "the shards of a stream are not known; trying again");
                    // Not all workers at once.
                    backoff(failures + 2) + Duration::from_millis(self.runtime.below(200))
                }
            };
            if let Some(again) = self.again.get(reader.context()) {
                let _ = self.runtime.timeout(pause, again.notified()).await;
            }
        }
    }

    async fn wait_for_a_turn(&self) {
        let now = self.runtime.monotonic();
        let wait = {
            let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            *used = (*used).max(now) + APART;
            used.saturating_sub(now).saturating_sub(APART * AT_ONCE)
        };
        if !wait.is_zero() {
            self.runtime.sleep(wait).await;
        }
    }
}
