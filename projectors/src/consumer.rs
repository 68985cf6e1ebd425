//! Followers that share a position, and where that position is kept: with what can be lost together with it.

use crate::{ApplyError, Follower};
use async_trait::async_trait;
use headwater_event_log::consumer::{Checkpoint, Saved};
use headwater_kernel::TenantId;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// Keeps the positions of one consumer.
#[async_trait]
pub trait PositionStore: Send + Sync {
    /// The checkpoints in a context, by shard.
    async fn load(&self, context: &str) -> Result<BTreeMap<String, Checkpoint>, ApplyError>;

    /// Makes everything applied so far durable, together with a checkpoint, unless a worker with a higher fence has taken the shard.
    async fn save(&self, context: &str, checkpoint: &Checkpoint, fence: u64) -> Result<Saved, ApplyError>;

    /// Drops the checkpoint of a shard that the stream has no more.
    async fn forget(&self, context: &str, shard: &str) -> Result<(), ApplyError>;

    /// How long a position may stay unwritten while nothing comes: far below the retention of the stream.
    fn save_at_least_every(&self) -> Duration {
        Duration::from_secs(3_600)
    }

    /// Makes everything written so far durable, at the positions as they are.
    async fn flush(&self) -> Result<(), ApplyError> {
        Ok(())
    }
}

/// A group of followers with one position per context and shard: one generation of a projection.
#[derive(Clone)]
pub struct Consumer {
    /// The projection's name.
    pub projection: &'static str,
    /// Which generation of it.
    pub generation: u32,
    /// Whom it serves, one per source aggregate.
    pub followers: Vec<Arc<dyn Follower>>,
    /// Whether it saves as soon as it is idle, because saving is what makes its effect visible.
    pub eager: bool,
    /// Where its positions are.
    pub positions: Arc<dyn PositionStore>,
    /// The one tenant that it is kept for; all when `None`.
    pub only: Option<TenantId>,
    /// While set, what arrives is collected and nothing is applied: the generation is being filled from the log.
    pub held: Arc<AtomicBool>,
    /// Until when, in nanoseconds of this process's monotonic clock, it is certain that the filling has not begun to read the log; 0 for
    /// never. Until then it may begin wherever a shard's reader is.
    pub fresh: Arc<AtomicU64>,
}

impl Consumer {
    /// Names it in logs and checkpoints: `product-view.1`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.projection, self.generation)
    }

    /// Whether it follows anything of a context.
    pub fn follows(&self, context: &str) -> bool {
        self.followers.iter().any(|follower| follower.source().0 == context)
    }

    /// Whether commits of these aggregates of this tenant are for it.
    pub(crate) fn wants(&self, tenant: &TenantId, context: &str, aggregate: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == tenant)
            && self
                .followers
                .iter()
                .any(|follower| follower.source() == (context, aggregate))
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    pub(crate) fn is_fresh(&self, now: Duration) -> bool {
        let until = Duration::from_nanos(self.fresh.load(Ordering::Acquire));
        self.is_held() && now < until
    }
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}
