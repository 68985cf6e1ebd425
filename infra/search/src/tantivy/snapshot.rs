//! What searches see: the last commit's snapshot, replaced as a whole.

use super::terms::unreadable;
use crate::Error;
use tantivy::{IndexReader, Searcher};
use tokio::sync::watch;

/// The current snapshot and who waits for the next one.
pub(super) struct Snapshots {
    reader: IndexReader,
    commits: watch::Sender<u64>,
}

impl Snapshots {
    pub(super) fn new(reader: IndexReader) -> Self {
        Self {
            reader,
            commits: watch::Sender::new(0),
        }
    }

    /// The newest.
    pub(super) fn current(&self) -> Searcher {
        self.reader.searcher()
    }

    /// Takes up the last commit and wakes who waits.
    pub(super) fn reload(&self) -> Result<(), Error> {
        self.reader.reload().map_err(unreadable)?;
        self.commits.send_modify(|commits| *commits += 1);
        Ok(())
    }

    /// Changes with every commit.
    pub(super) fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }
}
