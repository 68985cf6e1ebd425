//! Positions in the table `checkpoints`, for consumers whose effect is in tables.

use crate::{ApplyError, consumer::PositionStore};
use async_trait::async_trait;
use headwater_event_log::consumer::{Checkpoint, Checkpoints, Saved};
use std::collections::BTreeMap;

/// Positions of one consumer in the table.
pub(crate) struct TablePositions {
    pub(crate) checkpoints: Checkpoints,
    pub(crate) consumer: String,
}

#[async_trait]
impl PositionStore for TablePositions {
    async fn load(&self, context: &str) -> Result<BTreeMap<String, Checkpoint>, ApplyError> {
        let loaded = self.checkpoints.load(context, &self.consumer).await;
        loaded.map_err(ApplyError::log)
    }

    async fn save(&self, context: &str, checkpoint: &Checkpoint, fence: u64) -> Result<Saved, ApplyError> {
        let saved = self.checkpoints.save(context, &self.consumer, checkpoint, fence).await;
        saved.map_err(ApplyError::log)
    }

    async fn forget(&self, context: &str, shard: &str) -> Result<(), ApplyError> {
        let forgotten = self.checkpoints.forget(context, &self.consumer, shard).await;
        forgotten.map_err(ApplyError::log)
    }
}
