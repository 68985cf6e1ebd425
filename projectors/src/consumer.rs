//! Followers that share a position, and where that position is kept: with what can be lost together with it.

use crate::{ApplyError, Follower};
use async_trait::async_trait;
use headwater_event_log::Position;
use headwater_kernel::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// How far a consumer has read each shard of a context, and when that was last written down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions {
    /// By shard id.
    pub shards: BTreeMap<String, Position>,
    /// When they were written. Past the stream's retention they are worth nothing, whatever the stream answers.
    pub written_at: Timestamp,
}

/// Keeps the positions of one consumer.
#[async_trait]
pub trait PositionStore: Send + Sync {
    /// The positions in a context, if there are any.
    async fn load(&self, context: &str) -> Result<Option<Positions>, ApplyError>;

    /// Makes everything applied so far durable, together with the positions.
    async fn save(&self, context: &str, positions: &Positions) -> Result<(), ApplyError>;
}

/// A group of followers with one position per context.
#[derive(Clone)]
pub struct Consumer {
    /// Names it in logs and checkpoints: `product-view.1`.
    pub name: String,
    /// Whom it serves.
    pub followers: Vec<Arc<dyn Follower>>,
    /// Whether it saves as soon as it is idle, because saving is what makes its effect visible.
    pub eager: bool,
    /// Where its positions are.
    pub positions: Arc<dyn PositionStore>,
}

impl Consumer {
    /// Whether it follows anything of a context.
    pub fn follows(&self, context: &str) -> bool {
        self.followers.iter().any(|follower| follower.source().0 == context)
    }
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}
