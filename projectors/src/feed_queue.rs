//! What waits for the feed of a shard. What is read while it waits is put together: one transaction takes a thousand commits as well as one.

use crate::mailbox::weight;
use headwater_event_log::{LoggedCommit, Position};
use std::collections::VecDeque;
use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::Notify;

/// Commits that are put together.
const TOGETHER: usize = 1_000;

/// What was read at a time.
pub(crate) struct FeedBatch {
    pub(crate) commits: Vec<(String, LoggedCommit)>,
    pub(crate) position: Position,
    /// There was a record that this build cannot read; another may have written it.
    pub(crate) unreadable: bool,
}

impl FeedBatch {
    fn bytes(&self) -> usize {
        self.commits.iter().map(|(_, logged)| weight(&logged.commit)).sum()
    }
}

#[derive(Default)]
struct Waiting {
    batches: VecDeque<FeedBatch>,
    commits: usize,
    bytes: usize,
    ended: bool,
}

/// See the module.
pub(crate) struct FeedQueue {
    room: usize,
    bytes: usize,
    waiting: Mutex<Waiting>,
    changed: Notify,
}

impl FeedQueue {
    /// Empty, with room for so many commits and bytes of them.
    pub(crate) fn new(room: usize, bytes: usize) -> Self {
        Self {
            room,
            bytes,
            waiting: Mutex::default(),
            changed: Notify::new(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a batch, if there is room; one batch may always wait.
    pub(crate) fn push(&self, batch: FeedBatch) -> bool {
        let (commits, bytes) = (batch.commits.len(), batch.bytes());
        let mut waiting = self.waiting();
        let has_room = waiting.commits + commits <= self.room && waiting.bytes + bytes <= self.bytes;
        if waiting.commits > 0 && !has_room {
            return false;
        }
        waiting.commits += commits;
        waiting.bytes += bytes;
        match waiting.batches.back_mut() {
            Some(last) if last.commits.len() + batch.commits.len() <= TOGETHER => {
                last.commits.extend(batch.commits);
                last.position = batch.position;
                last.unreadable |= batch.unreadable;
            }
            _ => waiting.batches.push_back(batch),
        }
        drop(waiting);
        self.changed.notify_one();
        true
    }

    /// No more will come.
    pub(crate) fn end(&self) {
        self.waiting().ended = true;
        self.changed.notify_one();
    }

    /// Makes whoever waits look again.
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    /// The next batch; `None` when all were taken and no more will come, or when `lost` is set.
    pub(crate) async fn next(&self, lost: &AtomicBool) -> Option<FeedBatch> {
        loop {
            {
                let mut waiting = self.waiting();
                if let Some(batch) = waiting.batches.pop_front() {
                    waiting.commits -= batch.commits.len();
                    waiting.bytes -= batch.bytes();
                    return Some(batch);
                }
                if waiting.ended || lost.load(Ordering::Acquire) {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }
}
