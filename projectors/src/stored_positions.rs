//! Positions that are kept in the store of what they stand for: a search index with its documents, a metric store with its points.

use crate::{ApplyError, consumer::PositionStore, document::failed, metric};
use async_trait::async_trait;
use headwater_event_log::consumer::{Checkpoint, Saved};
use headwater_metrics::MetricStore;
use headwater_search::SearchIndex;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::Mutex;

/// Checkpoints by context and shard.
type Payload = BTreeMap<String, BTreeMap<String, Checkpoint>>;

/// A store that keeps positions.
#[async_trait]
pub(crate) trait KeepsPositions: Send + Sync {
    async fn read(&self) -> Result<Option<Value>, ApplyError>;
    async fn keep(&self, positions: Value) -> Result<(), ApplyError>;
}

#[async_trait]
impl KeepsPositions for Arc<dyn SearchIndex> {
    async fn read(&self) -> Result<Option<Value>, ApplyError> {
        self.positions().await.map_err(failed)
    }

    async fn keep(&self, positions: Value) -> Result<(), ApplyError> {
        self.commit(positions).await.map_err(failed)
    }
}

#[async_trait]
impl KeepsPositions for Arc<dyn MetricStore> {
    async fn read(&self) -> Result<Option<Value>, ApplyError> {
        self.positions().await.map_err(metric::failed)
    }

    async fn keep(&self, positions: Value) -> Result<(), ApplyError> {
        self.commit(positions).await.map_err(metric::failed)
    }
}

/// Positions of all contexts as what is committed to a store. It is open in one process, so there is no other worker to fence.
pub(crate) struct StoredPositions<S> {
    store: S,
    /// What the last commit said, as far as that is known.
    all: Mutex<Option<Payload>>,
}

impl<S: KeepsPositions> StoredPositions<S> {
    pub(crate) fn new(store: S) -> Self {
        Self {
            store,
            all: Mutex::new(None),
        }
    }

    async fn read(&self) -> Result<Payload, ApplyError> {
        let stored = self.store.read().await?;
        // One that cannot be read is one that is lost, and the log fills in.
        Ok(stored
            .and_then(|stored| serde_json::from_value(stored).ok())
            .unwrap_or_default())
    }

    async fn change(&self, change: impl FnOnce(&mut Payload) + Send) -> Result<(), ApplyError> {
        let mut all = self.all.lock().await;
        // Taken out until it is durable: a position whose commit failed must not come with a later one, which no longer has what was
        // written before it.
        let mut next = match all.take() {
            Some(next) => next,
            None => self.read().await?,
        };
        change(&mut next);
        let payload = serde_json::to_value(&next).map_err(|error| ApplyError::Permanent(error.into()))?;
        self.store.keep(payload).await?;
        *all = Some(next);
        Ok(())
    }
}

#[async_trait]
impl<S: KeepsPositions> PositionStore for StoredPositions<S> {
    async fn load(&self, context: &str) -> Result<BTreeMap<String, Checkpoint>, ApplyError> {
        Ok(self.read().await?.remove(context).unwrap_or_default())
    }

    async fn save(&self, context: &str, checkpoint: &Checkpoint, _fence: u64) -> Result<Saved, ApplyError> {
        let shards = |all: &mut Payload| {
            let shards = all.entry(context.to_owned()).or_default();
            shards.insert(checkpoint.position.shard.clone(), checkpoint.clone());
        };
        self.change(shards).await.map(|()| Saved::Yes)
    }

    async fn forget(&self, context: &str, shard: &str) -> Result<(), ApplyError> {
        self.change(|all| {
            all.get_mut(context).map(|shards| shards.remove(shard));
        })
        .await
    }

    async fn flush(&self) -> Result<(), ApplyError> {
        self.change(|_| {}).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_event_log::Position;
    use headwater_kernel::{Id, Timestamp};
    use headwater_search::{DocumentWrite, Error, Hits, Query, StoredDocument, SuggestQuery, Suggestion, WriteOutcome};
    use headwater_tenancy::TenantScope;
    use std::time::Duration;

    /// Keeps positions, and fails as it is told.
    #[derive(Default)]
    struct Failing {
        next: Mutex<Option<Error>>,
        kept: Mutex<Option<Value>>,
    }

    #[async_trait]
    impl SearchIndex for Failing {
        async fn write(&self, _: Vec<DocumentWrite>) -> Result<Vec<WriteOutcome>, Error> {
            Ok(Vec::new())
        }

        async fn stored(&self, _: &TenantScope, _: &[Id]) -> Result<Vec<Option<StoredDocument>>, Error> {
            Ok(Vec::new())
        }

        fn keeps_positions(&self) -> bool {
            true
        }

        async fn commit(&self, positions: Value) -> Result<(), Error> {
            if let Some(error) = self.next.lock().await.take() {
                return Err(error);
            }
            *self.kept.lock().await = Some(positions);
            Ok(())
        }

        async fn positions(&self) -> Result<Option<Value>, Error> {
            Ok(self.kept.lock().await.clone())
        }

        async fn search(&self, _: &TenantScope, _: &Query) -> Result<Hits, Error> {
            Err(Error::InvalidCursor)
        }

        async fn suggest(&self, _: &TenantScope, _: &SuggestQuery) -> Result<Vec<Suggestion>, Error> {
            Ok(Vec::new())
        }

        async fn visible_version(&self, _: &TenantScope, _: &Id) -> Result<Option<u64>, Error> {
            Ok(None)
        }

        async fn await_visible(&self, _: &TenantScope, _: &Id, _: u64, _: Duration) -> Result<bool, Error> {
            Ok(false)
        }
    }

    #[tokio::test]
    async fn a_position_whose_commit_failed_does_not_come_with_a_later_one() {
        let index = Arc::new(Failing::default());
        let positions = StoredPositions::new(Arc::clone(&index) as Arc<dyn SearchIndex>);
        let at = |sequence: &str| Checkpoint {
            position: Position {
                stream: "stream".into(),
                shard: "s".into(),
                sequence: Some(sequence.into()),
            },
            at: Timestamp::from_nanos(1),
            finished: false,
            store: None,
        };
        positions.save("crm", &at("5"), 1).await.unwrap();
        *index.next.lock().await = Some(Error::RolledBack {
            source: "a full disk".into(),
        });
        positions.save("crm", &at("9"), 1).await.unwrap_err();
        // The documents up to 9 are gone; recovery has only begun.
        positions.flush().await.unwrap();
        assert_eq!(positions.load("crm").await.unwrap()["s"], at("5"));
    }
}
