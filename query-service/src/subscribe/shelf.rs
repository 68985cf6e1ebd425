//! Batches that were read lately, for all subscribers together. A batch never changes, so one that is kept is right.

use super::{events::FeedEvent, lock};
use headwater_event_log::{FeedBatch, Reference};
use lru::LruCache;
use std::sync::{Arc, Mutex};
use tokio::sync::OnceCell;

/// References whose commits are read together: what one subscriber holds at most.
pub(super) const PIECE: usize = 64;

/// The events of some of a batch's commits, by commit.
pub(super) type Piece = Vec<Vec<Arc<FeedEvent>>>;

/// A batch and as much of its commits as was asked for.
pub(super) struct Batch {
    pub(super) references: Vec<Reference>,
    pub(super) pieces: Vec<OnceCell<Arc<Piece>>>,
}

/// Which batch: the tail's number, and the batch's.
pub(super) type Key = (u64, u64);

pub(super) struct Shelf {
    most: usize,
    kept: Mutex<Kept>,
}

struct Kept {
    batches: LruCache<Key, (Arc<Batch>, usize)>,
    bytes: usize,
}

impl Shelf {
    pub(super) fn new(most: usize) -> Self {
        let kept = Kept {
            batches: LruCache::unbounded(),
            bytes: 0,
        };
        Self {
            most,
            kept: Mutex::new(kept),
        }
    }

    pub(super) fn get(&self, key: Key) -> Option<Arc<Batch>> {
        lock(&self.kept).batches.get(&key).map(|(batch, _)| Arc::clone(batch))
    }

    pub(super) fn put(&self, tail: u64, batch: FeedBatch) -> Arc<Batch> {
        let key = (tail, batch.number);
        let mut kept = lock(&self.kept);
        if let Some((known, _)) = kept.batches.get(&key) {
            return Arc::clone(known);
        }
        let pieces = batch.references.len().div_ceil(PIECE);
        let weight = batch.references.len() * 150;
        let batch = Arc::new(Batch {
            references: batch.references,
            pieces: (0..pieces).map(|_| OnceCell::new()).collect(),
        });
        kept.batches.put(key, (Arc::clone(&batch), weight));
        kept.bytes += weight;
        kept.shrink(self.most);
        batch
    }

    /// A batch that is kept has grown by the events of a piece.
    pub(super) fn grown(&self, key: Key, bytes: usize) {
        let mut kept = lock(&self.kept);
        if let Some((_, weight)) = kept.batches.get_mut(&key) {
            *weight += bytes;
            kept.bytes += bytes;
            kept.shrink(self.most);
        }
    }
}

impl Kept {
    fn shrink(&mut self, most: usize) {
        while self.bytes > most && self.batches.len() > 1 {
            if let Some((_, (_, weight))) = self.batches.pop_lru() {
                self.bytes -= weight;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_longest_ago_goes_first() {
        let shelf = Shelf::new(1_000);
        // Batches cannot be made up from outside of the log, so the weights are set on pieces alone.
        let batch = || {
            Arc::new(Batch {
                references: Vec::new(),
                pieces: Vec::new(),
            })
        };
        for number in 1..=3 {
            lock(&shelf.kept).batches.put((1, number), (batch(), 0));
            shelf.grown((1, number), 400);
            shelf.get((1, 1));
        }
        let kept = [1, 2, 3].map(|number| shelf.get((1, number)).is_some());
        assert_eq!(kept, [true, false, true]);
        assert_eq!(lock(&shelf.kept).bytes, 800);
    }
}
