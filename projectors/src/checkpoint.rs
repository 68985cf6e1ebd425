//! Positions in the table `checkpoints`, for consumers whose effect is in tables, or in an index that keeps none.

use crate::{ApplyError, consumer::PositionStore, document::failed};
use async_trait::async_trait;
use headwater_event_log::consumer::{Checkpoint, Checkpoints, Saved};
use headwater_search::SearchIndex;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How often it is looked whether an index is there while nothing is written to it.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// By context and shard, which making of the index has what the position stands for.
type Incarnations = BTreeMap<String, BTreeMap<String, String>>;

/// Positions of one consumer in the table.
pub(crate) struct TablePositions {
    checkpoints: Checkpoints,
    consumer: String,
    /// Where the effect is, unless it is in tables: it is kept when a write is answered, and made visible here.
    index: Option<Arc<dyn SearchIndex>>,
    known: Mutex<Incarnations>,
}

impl TablePositions {
    /// Those of a consumer whose effect is in `index`, or in tables.
    pub(crate) fn new(checkpoints: Checkpoints, consumer: String, index: Option<Arc<dyn SearchIndex>>) -> Self {
        Self {
            checkpoints,
            consumer,
            index,
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Incarnations> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which making of the index has all that was written for a shard.
    ///
    /// # Errors
    /// [`ApplyError::RolledBack`] when the index was made anew since the position was written, or since this was said last.
    async fn incarnation(&self, context: &str, shard: &str) -> Result<Option<String>, ApplyError> {
        let Some(index) = &self.index else { return Ok(None) };
        let Some(current) = index.incarnation().await.map_err(failed)? else {
            return Ok(None);
        };
        let mut known = self.known();
        let shards = known.entry(context.to_owned()).or_default();
        // A shard without a position goes on where its parent ended.
        let changed = match shards.get(shard) {
            Some(before) => *before != current,
            None => shards.values().any(|before| *before != current),
        };
        shards.insert(shard.to_owned(), current.clone());
        if changed {
            return Err(ApplyError::RolledBack("the search index was made anew".into()));
        }
        Ok(Some(current))
    }
}

#[async_trait]
impl PositionStore for TablePositions {
    async fn load(&self, context: &str) -> Result<BTreeMap<String, Checkpoint>, ApplyError> {
        let loaded = self.checkpoints.load(context, &self.consumer).await;
        let loaded = loaded.map_err(ApplyError::log)?;
        let mut known = self.known();
        let shards = known.entry(context.to_owned()).or_default();
        for (shard, checkpoint) in &loaded {
            if let Some(store) = &checkpoint.store {
                shards.insert(shard.clone(), store.clone());
            }
        }
        Ok(loaded)
    }

    async fn save(&self, context: &str, checkpoint: &Checkpoint, fence: u64) -> Result<Saved, ApplyError> {
        self.flush().await?;
        let checkpoint = Checkpoint {
            store: self.incarnation(context, &checkpoint.position.shard).await?,
            ..checkpoint.clone()
        };
        let saved = self.checkpoints.save(context, &self.consumer, &checkpoint, fence).await;
        saved.map_err(ApplyError::log)
    }

    async fn forget(&self, context: &str, shard: &str) -> Result<(), ApplyError> {
        self.known().get_mut(context).map(|shards| shards.remove(shard));
        let forgotten = self.checkpoints.forget(context, &self.consumer, shard).await;
        forgotten.map_err(ApplyError::log)
    }

    fn save_at_least_every(&self) -> Duration {
        match &self.index {
            Some(_) => LOOK_EVERY,
            None => Duration::from_secs(3_600),
        }
    }

    async fn flush(&self) -> Result<(), ApplyError> {
        match &self.index {
            Some(index) => index.commit(Value::Null).await.map_err(failed),
            None => Ok(()),
        }
    }
}
