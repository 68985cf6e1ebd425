//! What searches see: the last commit's snapshot, replaced as a whole.

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
        // Its files are there, this process wrote them; what is missing is room for another snapshot, such as open files.
        self.reader
            .reload()
            .map_err(|error| Error::Unavailable(format!("the last commit cannot be shown: {error}")))?;
        self.commits.send_modify(|commits| *commits += 1);
        Ok(())
    }

    /// Changes with every commit.
    pub(super) fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }
}
