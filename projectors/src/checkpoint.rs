//! Positions in the table `checkpoints`, for consumers whose effect is in tables, or in an index that keeps none.

use crate::{ApplyError, consumer::PositionStore, document::failed};
use async_trait::async_trait;
use headwater_event_log::consumer::{Checkpoint, Checkpoints, Saved};
use headwater_search::SearchIndex;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// Positions of one consumer in the table.
pub(crate) struct TablePositions {
    pub(crate) checkpoints: Checkpoints,
    pub(crate) consumer: String,
    /// Where the effect is, unless it is in tables: it is kept when a write is answered, and made visible here.
    pub(crate) index: Option<Arc<dyn SearchIndex>>,
}

#[async_trait]
impl PositionStore for TablePositions {
    async fn load(&self, context: &str) -> Result<BTreeMap<String, Checkpoint>, ApplyError> {
        let loaded = self.checkpoints.load(context, &self.consumer).await;
        loaded.map_err(ApplyError::log)
    }

    async fn save(&self, context: &str, checkpoint: &Checkpoint, fence: u64) -> Result<Saved, ApplyError> {
        self.flush().await?;
        let saved = self.checkpoints.save(context, &self.consumer, checkpoint, fence).await;
        saved.map_err(ApplyError::log)
    }

    async fn forget(&self, context: &str, shard: &str) -> Result<(), ApplyError> {
        let forgotten = self.checkpoints.forget(context, &self.consumer, shard).await;
        forgotten.map_err(ApplyError::log)
    }

    async fn flush(&self) -> Result<(), ApplyError> {
        match &self.index {
            Some(index) => index.commit(Value::Null).await.map_err(failed),
            None => Ok(()),
        }
    }
}
