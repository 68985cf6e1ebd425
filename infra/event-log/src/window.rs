//! Which commands an aggregate has seen: the last [`WINDOW`] commits, by a hash of the command's id.

use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};

/// How many of the last commits answer a repeated command with their receipt. Older repeats are decided anew.
pub(crate) const WINDOW: usize = 1_000;

const HASH_BYTES: usize = 16;
const ENTRY_BYTES: usize = HASH_BYTES + 8;

type Hash = [u8; HASH_BYTES];

/// From the ids of the last commands to the first sequences of their commits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Window {
    by_command: HashMap<Hash, u64>,
    order: VecDeque<Hash>,
}

fn hash(command_id: &str) -> Hash {
    let digest = Sha256::digest(command_id.as_bytes());
    let mut hash = Hash::default();
    hash.copy_from_slice(&digest[..HASH_BYTES]);
    hash
}

impl Window {
    /// Remembers a commit, and forgets the oldest past the window.
    pub(crate) fn insert(&mut self, command_id: &str, first_sequence: u64) {
        self.insert_hash(hash(command_id), first_sequence);
    }

    fn insert_hash(&mut self, hash: Hash, first_sequence: u64) {
        if self.by_command.insert(hash, first_sequence).is_none() {
            self.order.push_back(hash);
        }
        while self.order.len() > WINDOW {
            if let Some(oldest) = self.order.pop_front() {
                self.by_command.remove(&oldest);
            }
        }
    }

    /// The first sequence of the commit that probably has this command's id; the commit itself decides.
    pub(crate) fn find(&self, command_id: &str) -> Option<u64> {
        self.by_command.get(&hash(command_id)).copied()
    }

    /// Bytes in memory, about.
    pub(crate) fn weight(&self) -> usize {
        self.order.len() * (2 * ENTRY_BYTES + HASH_BYTES)
    }

    /// For a snapshot: oldest first, 16 bytes of hash and 8 of sequence each.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.order.len() * ENTRY_BYTES);
        for hash in &self.order {
            bytes.extend_from_slice(hash);
            bytes.extend_from_slice(&self.by_command.get(hash).copied().unwrap_or_default().to_be_bytes());
        }
        bytes
    }

    /// The reverse of [`Window::to_bytes`]; `None` when the length does not fit.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut window = Self::default();
        let entries = bytes.chunks_exact(ENTRY_BYTES);
        if !entries.remainder().is_empty() {
            return None;
        }
        for entry in entries {
            let (hash, sequence) = entry.split_at(HASH_BYTES);
            window.insert_hash(hash.try_into().ok()?, u64::from_be_bytes(sequence.try_into().ok()?));
        }
        Some(window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_thousand_and_survives_a_snapshot() {
        let mut window = Window::default();
        for n in 1..=WINDOW as u64 + 5 {
            window.insert(&format!("c{n}"), n);
        }
        assert_eq!(window.find("c5"), None);
        assert_eq!(window.find("c6"), Some(6));
        let restored = Window::from_bytes(&window.to_bytes()).unwrap();
        assert_eq!(restored.find("c1005"), Some(1005));
        assert_eq!(restored.find("c5"), None);
        assert!(Window::from_bytes(&[0; 25]).is_none());
    }
}
