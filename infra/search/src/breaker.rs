//! Not asking an engine that hangs: a decorator for any adapter, around its retries.
//!
//! A hanging engine is worse than one that is gone, as each search holds its caller, and its place among the requests, until its time is over.
//! Once five searches in a row have hung, all others are refused at once, but for one at a time that asks whether it answers again.
//! What fails at once is not counted: it holds nobody up, and may concern one tenant's shard alone.

use crate::{DocumentWrite, Error, Hits, Query, SearchIndex, StoredDocument, SuggestQuery, Suggestion, WriteOutcome};
use async_trait::async_trait;
use headwater_kernel::Id;
use headwater_runtime::Runtime;
use headwater_tenancy::TenantScope;
use serde_json::Value;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// So many searches have to hang, and none to be answered in between.
const IN_A_ROW: u32 = 5;
/// A search that ends without an answer hung if it took as long as this.
const HUNG: Duration = Duration::from_secs(1);
/// How long nothing is asked after a search that hung.
const PAUSE: Duration = Duration::from_secs(1);

/// How an engine has answered lately. Its indexes share one; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Answering(Arc<Mutex<Lately>>);

#[derive(Debug, Default)]
struct Lately {
    hung: u32,
    ask_again: Duration,
    probing: bool,
}

impl Lately {
    /// Whether a search may be asked now, and if so whether it is the one that finds out if the engine answers again.
    fn begin(&mut self, now: Duration) -> Option<bool> {
        let probe = self.hung >= IN_A_ROW;
        if probe && (self.probing || now < self.ask_again) {
            return None;
        }
        self.probing |= probe;
        Some(probe)
    }

    fn end(&mut self, asked: &Asking, now: Duration) {
        if asked.probe {
            self.probing = false;
        }
        if asked.answered {
            if self.hung >= IN_A_ROW {
                tracing::info!("the search engine answers again");
            }
            self.hung = 0;
        } else if now.saturating_sub(asked.since) >= HUNG {
            self.hung = self.hung.saturating_add(1);
            self.ask_again = now + PAUSE;
            if self.hung == IN_A_ROW {
                tracing::error!("the search engine hangs; searches are refused until it answers");
            }
        }
    }
}

impl Answering {
    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A search under way.
struct Asking {
    since: Duration,
    probe: bool,
    answered: bool,
}

/// Ends with it; one that is dropped before its end was not answered.
struct Asked<'a> {
    index: &'a Breaker,
    asking: Asking,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let now = self.index.runtime.monotonic();
        self.index.answering.lately().end(&self.asking, now);
    }
}

/// An index whose searches are refused at once while the engine hangs. Writes and what belongs to them are not: they wait for it.
pub struct Breaker {
    inner: Arc<dyn SearchIndex>,
    answering: Answering,
    runtime: Runtime,
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Breaker")
    }
}

impl Breaker {
    /// Of `inner`, by how its engine answers.
    pub fn new(inner: Arc<dyn SearchIndex>, answering: Answering, runtime: Runtime) -> Self {
        Self {
            inner,
            answering,
            runtime,
        }
    }

    async fn asked<T>(&self, asking: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Error> {
        let now = self.runtime.monotonic();
        let begun = self.answering.lately().begin(now);
        let probe = begun.ok_or_else(|| Error::Unavailable("it hangs, and is asked by few until it answers".into()))?;
        let mut asked = Asked {
            index: self,
            asking: Asking {
                since: now,
                probe,
                answered: false,
            },
        };
        let answer = asking.await;
        asked.asking.answered = !matches!(answer, Err(Error::Unavailable(_)));
        answer
    }
}

#[async_trait]
impl SearchIndex for Breaker {
    async fn write(&self, writes: Vec<DocumentWrite>) -> Result<Vec<WriteOutcome>, Error> {
        self.inner.write(writes).await
    }

    async fn stored(&self, scope: &TenantScope, ids: &[Id]) -> Result<Vec<Option<StoredDocument>>, Error> {
        self.inner.stored(scope, ids).await
    }

    fn keeps_positions(&self) -> bool {
        self.inner.keeps_positions()
    }

    async fn commit(&self, positions: Value) -> Result<(), Error> {
        self.inner.commit(positions).await
    }

    async fn positions(&self) -> Result<Option<Value>, Error> {
        self.inner.positions().await
    }

    async fn incarnation(&self) -> Result<Option<String>, Error> {
        self.inner.incarnation().await
    }

    async fn search(&self, scope: &TenantScope, query: &Query) -> Result<Hits, Error> {
        self.asked(self.inner.search(scope, query)).await
    }

    async fn suggest(&self, scope: &TenantScope, query: &SuggestQuery) -> Result<Vec<Suggestion>, Error> {
        self.asked(self.inner.suggest(scope, query)).await
    }

    async fn visible_version(&self, scope: &TenantScope, id: &Id) -> Result<Option<u64>, Error> {
        self.asked(self.inner.visible_version(scope, id)).await
    }

    async fn await_visible(&self, scope: &TenantScope, id: &Id, version: u64, limit: Duration) -> Result<bool, Error> {
        self.asked(self.inner.await_visible(scope, id, version, limit)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    fn asked(lately: &mut Lately, since: Duration, took: Duration, answered: bool) {
        let probe = lately.begin(since).unwrap();
        let asking = Asking { since, probe, answered };
        lately.end(&asking, since + took);
    }

    #[test]
    fn an_engine_that_hangs_is_asked_by_one_at_a_time() {
        let mut lately = Lately::default();
        let start = Duration::from_secs(100);
        // What fails at once does not count, however often.
        for _ in 0..20 {
            asked(&mut lately, start, Duration::from_millis(5), false);
        }
        for _ in 1..IN_A_ROW {
            asked(&mut lately, start, LONG, false);
        }
        // An answer begins the count anew.
        asked(&mut lately, start, LONG, true);
        for _ in 0..IN_A_ROW {
            asked(&mut lately, start, LONG, false);
        }
        let hung = start + LONG;
        assert_eq!(lately.begin(hung), None);
        assert_eq!(lately.begin(hung + PAUSE), Some(true));
        assert_eq!(lately.begin(hung + PAUSE), None, "one at a time");
        let asking = |answered| Asking {
            since: hung + PAUSE,
            probe: true,
            answered,
        };
        // A caller who gives up at once says nothing of the engine.
        lately.end(&asking(false), hung + PAUSE);
        assert_eq!(lately.begin(hung + PAUSE), Some(true));
        lately.end(&asking(false), hung + PAUSE + LONG);
        assert_eq!(lately.begin(hung + PAUSE + LONG), None, "it hangs still");
        assert_eq!(lately.begin(hung + LONG + PAUSE * 2), Some(true));
        lately.end(&asking(true), hung + LONG + PAUSE * 2);
        assert!((0..10).all(|_| lately.begin(hung + LONG + PAUSE * 2) == Some(false)));
    }
}
