//! A consumer attached to a shard: the mailbox that the reader fills and the consumer's task empties.

use crate::{
    Consumer,
    mailbox::{Backlog, Mailbox, Room},
};
use headwater_event_log::Position;
use headwater_kernel::{TenantId, Timestamp};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// What the reader of a shard and the task of one consumer share.
pub(crate) struct Attachment {
    pub(crate) consumer: Consumer,
    pub(crate) context: String,
    pub(crate) shard: String,
    mailbox: Mutex<Mailbox>,
    changed: Notify,
    progress: Mutex<Progress>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    /// When the shard was last read without error.
    read_at: Timestamp,
    /// Whether that read found nothing new.
    at_tip: bool,
    /// Commits whose aggregates are parked here.
    parked: usize,
}

/// Where a consumer of a shard stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardStatus {
    /// The projection.
    pub projection: &'static str,
    /// Its generation.
    pub generation: u32,
    /// The context whose stream it is.
    pub context: String,
    /// The shard.
    pub shard: String,
    /// Records that wait, by tenant, and when the oldest of each tenant was committed.
    pub behind: BTreeMap<TenantId, (u64, Timestamp)>,
    /// Whether the last read of the shard found nothing new.
    pub at_tip: bool,
    /// When the shard was last read.
    pub read_at: Timestamp,
    /// Whether some tenants, or all, are caught up from the log.
    pub recovering: bool,
    /// Aggregates that are parked, as far as this process knows.
    pub parked: usize,
    /// Whether everything that was read has had its effect.
    pub drained: bool,
}

impl Attachment {
    pub(crate) fn new(consumer: Consumer, context: &str, room: Room, start: Position) -> Self {
        Self {
            consumer,
            context: context.to_owned(),
            shard: start.shard.clone(),
            mailbox: Mutex::new(Mailbox::new(room, start)),
            changed: Notify::new(),
            progress: Mutex::default(),
        }
    }

    pub(crate) fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the consumer's task.
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Ends when the task was woken.
    pub(crate) async fn woken(&self) {
        self.changed.notified().await;
    }

    /// The shard was read.
    pub(crate) fn read(&self, at: Timestamp, at_tip: bool) {
        let mut progress = self.progress();
        (progress.read_at, progress.at_tip) = (at, at_tip);
    }

    pub(crate) fn read_at(&self) -> Timestamp {
        self.progress().read_at
    }

    pub(crate) fn set_parked(&self, parked: usize) {
        self.progress().parked = parked;
    }

    pub(crate) fn status(&self) -> ShardStatus {
        let progress = *self.progress();
        let mailbox = self.mailbox();
        ShardStatus {
            projection: self.consumer.projection,
            generation: self.consumer.generation,
            context: self.context.clone(),
            shard: self.shard.clone(),
            behind: mailbox
                .backlog()
                .into_iter()
                .map(|(tenant, Backlog { records, oldest })| (tenant, (records, oldest)))
                .collect(),
            at_tip: progress.at_tip,
            read_at: progress.read_at,
            recovering: mailbox.is_catching_up(),
            parked: progress.parked,
            drained: mailbox.is_drained(),
        }
    }
}
