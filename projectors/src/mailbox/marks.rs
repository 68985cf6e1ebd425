//! The numbers of records that have not had their effect, and the position that follows from them.

use headwater_event_log::Position;
use std::collections::{BTreeMap, VecDeque};

/// Batches whose positions are remembered; beyond, neighbours become one, and the position moves in larger steps.
const BATCHES: usize = 1_024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Marks {
    /// How many stand for a record: what was read from the log for one tenant has one number.
    held: BTreeMap<u64, usize>,
    next: u64,
    /// The number of the record after each batch, with the position of its last record.
    batches: VecDeque<(u64, Position)>,
    passed: Option<Position>,
}

impl Marks {
    pub(crate) fn new(start: Position) -> Self {
        Self {
            held: BTreeMap::new(),
            // Nothing comes before the first; that is what a loss of everything holds.
            next: 1,
            batches: VecDeque::new(),
            passed: Some(start),
        }
    }

    /// The number of the record that comes.
    pub(crate) fn next(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    pub(crate) fn hold(&mut self, mark: u64) {
        *self.held.entry(mark).or_default() += 1;
    }

    /// One less holds it; nothing when all were forgotten in the meantime.
    pub(crate) fn release(&mut self, mark: u64) {
        if let Some(count) = self.held.get_mut(&mark) {
            *count -= 1;
            if *count == 0 {
                self.held.remove(&mark);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(crate) fn end_batch(&mut self, position: Position) {
        self.batches.push_back((self.next, position));
        if self.batches.len() > BATCHES {
            // Of each two the later one: its position stands for both.
            let all = std::mem::take(&mut self.batches);
            let last = all.len() - 1;
            let kept = all.into_iter().enumerate().filter(|(n, _)| n % 2 == 1 || *n == last);
            self.batches = kept.map(|(_, batch)| batch).collect();
        }
    }

    /// Nothing is held any more, and no position is known until the log was read.
    pub(crate) fn forget(&mut self) {
        self.held.clear();
        if let Some(passed) = self.passed.take() {
            self.batches.push_front((1, passed));
        }
    }

    /// The position up to which everything has had its effect, if nothing from `floor` on is believed.
    pub(crate) fn passed(&mut self, floor: u64) -> Option<&Position> {
        let first = self.held.keys().next().copied().unwrap_or(u64::MAX).min(floor);
        while let Some((end, _)) = self.batches.front()
            && *end <= first
        {
            self.passed = self.batches.pop_front().map(|(_, position)| position);
        }
        self.passed.as_ref()
    }

    #[cfg(test)]
    pub(crate) fn batches(&self) -> usize {
        self.batches.len()
    }
}
