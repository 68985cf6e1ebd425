//! Each point of a write once, for stores that take a point once in a request.

use std::collections::BTreeMap;

/// What a point says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    pub(crate) version: u64,
    pub(crate) value: f64,
}

/// Each point once, with its highest version, and how many lower ones there were. `K` is what names a point in the store.
pub(crate) struct Batch<K> {
    pub(crate) points: BTreeMap<K, Said>,
    pub(crate) kept: u64,
    pub(crate) superseded: u64,
    pub(crate) too_late: u64,
}

impl<K: Ord> Batch<K> {
    /// Without any.
    pub(crate) fn new() -> Self {
        Self {
            points: BTreeMap::new(),
            kept: 0,
            superseded: 0,
            too_late: 0,
        }
    }

    /// Adds a point.
    pub(crate) fn add(&mut self, key: K, said: Said) {
        match self.points.get_mut(&key) {
            Some(there) if there.version > said.version => self.superseded += 1,
            Some(there) if there.version == said.version => self.kept += 1,
            Some(there) => {
                // What it was counted for is a lower version now.
                self.superseded += 1;
                *there = said;
            }
            None => {
                self.kept += 1;
                self.points.insert(key, said);
            }
        }
    }

    /// Leaves a point out, because a higher version of it is there.
    pub(crate) fn supersede(&mut self, key: &K) {
        if self.points.remove(key).is_some() {
            self.kept -= 1;
            self.superseded += 1;
        }
    }
}
