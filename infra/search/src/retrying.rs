//! Asking again: a decorator for any adapter.

use crate::{DocumentWrite, Error, Hits, Query, SearchIndex, StoredDocument, SuggestQuery, Suggestion, WriteOutcome};
use async_trait::async_trait;
use headwater_kernel::Id;
use headwater_runtime::Runtime;
use headwater_tenancy::TenantScope;
use serde_json::Value;
use std::{fmt, sync::Arc, time::Duration};

/// Attempts of a call.
const ATTEMPTS: u32 = 4;
/// The longest wait before the second attempt; twice as long before each next one. What is waited is a random part of it.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// An index whose reads are asked again while the engine does not answer, some hundred milliseconds at most beside what the attempts take.
/// Writes are not: who follows a stream knows better when, and what to write then.
pub struct Retrying {
    inner: Arc<dyn SearchIndex>,
    runtime: Runtime,
}

impl fmt::Debug for Retrying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Retrying")
    }
}

impl Retrying {
    /// Of `inner`.
    pub fn new(inner: Arc<dyn SearchIndex>, runtime: Runtime) -> Self {
        Self { inner, runtime }
    }

    async fn patiently<T, A>(&self, mut ask: impl FnMut() -> A) -> Result<T, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let mut longest = FIRST_WAIT;
        for _ in 1..ATTEMPTS {
            match ask().await {
                Err(Error::Unavailable(why)) => {
                    tracing::debug!(why, "the search engine is asked again");
                    let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
                    self.runtime
                        .sleep(Duration::from_millis(self.runtime.below(millis)))
                        .await;
                    longest *= 2;
                }
                answered => return answered,
            }
        }
        ask().await
    }
}

#[async_trait]
impl SearchIndex for Retrying {
    async fn write(&self, writes: Vec<DocumentWrite>) -> Result<Vec<WriteOutcome>, Error> {
        self.inner.write(writes).await
    }

    async fn stored(&self, scope: &TenantScope, ids: &[Id]) -> Result<Vec<Option<StoredDocument>>, Error> {
        self.patiently(|| self.inner.stored(scope, ids)).await
    }

    fn keeps_positions(&self) -> bool {
        self.inner.keeps_positions()
    }

    async fn commit(&self, positions: Value) -> Result<(), Error> {
        self.inner.commit(positions).await
    }

    async fn positions(&self) -> Result<Option<Value>, Error> {
        self.patiently(|| self.inner.positions()).await
    }

    async fn incarnation(&self) -> Result<Option<String>, Error> {
        self.inner.incarnation().await
    }

    async fn search(&self, scope: &TenantScope, query: &Query) -> Result<Hits, Error> {
        self.patiently(|| self.inner.search(scope, query)).await
    }

    async fn suggest(&self, scope: &TenantScope, query: &SuggestQuery) -> Result<Vec<Suggestion>, Error> {
        self.patiently(|| self.inner.suggest(scope, query)).await
    }

    async fn visible_version(&self, scope: &TenantScope, id: &Id) -> Result<Option<u64>, Error> {
        self.patiently(|| self.inner.visible_version(scope, id)).await
    }

    async fn await_visible(&self, scope: &TenantScope, id: &Id, version: u64, limit: Duration) -> Result<bool, Error> {
        self.inner.await_visible(scope, id, version, limit).await
    }
}
