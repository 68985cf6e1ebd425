//! The one thread that writes: versions, documents, commits, checkpoints.

use super::{
    directory::IndexDirectory,
    document,
    schema::{Layout, key_term},
    snapshot::Snapshots,
    terms,
};
use crate::{DocumentBody, DocumentWrite, Error, WriteOutcome, values};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};
use tantivy::{IndexWriter, TantivyDocument, Term};
use tokio::sync::oneshot;

/// How long after a commit its files are synced at the latest.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);
/// Uncommitted bodies past this many bytes are committed with the positions of the commit before, so that memory stays bounded.
const MAX_UNCOMMITTED: usize = 64 << 20;

/// What the thread is asked.
pub(super) enum Request {
    Write(Vec<DocumentWrite>, oneshot::Sender<Result<Vec<WriteOutcome>, Error>>),
    Commit(Value, oneshot::Sender<Result<(), Error>>),
}

/// A document that was written and not committed.
#[derive(Debug, Clone)]
pub(super) struct Uncommitted {
    pub(super) version: u64,
    pub(super) body: DocumentBody,
    /// Which commit will hold it; kept until a snapshot of that commit is there.
    size: usize,
}

/// What was written since the last commit, by key.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending(Arc<Mutex<HashMap<String, Uncommitted>>>);

impl Pending {
    pub(super) fn map(&self) -> MutexGuard<'_, HashMap<String, Uncommitted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why writes that were answered were undone, until a caller has been told.
#[derive(Debug, Clone, Default)]
pub(super) struct Undone(Arc<Mutex<Option<String>>>);

impl Undone {
    fn why(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A caller has the error in its hands: sending it is not enough, as the one who asked may have stopped waiting.
    pub(super) fn told(&self) {
        self.why().take();
    }
}

/// What the thread owns.
pub(super) struct Writer {
    pub(super) layout: Arc<Layout>,
    pub(super) directory: IndexDirectory,
    pub(super) source: tantivy::Index,
    /// None from a failure until the next request opens another: tantivy's own is of no use after one.
    pub(super) index: Option<IndexWriter>,
    pub(super) snapshots: Arc<Snapshots>,
    pub(super) pending: Pending,
    pub(super) positions: Option<Value>,
    pub(super) uncommitted: usize,
    /// Writes since the last commit were answered.
    pub(super) answered: bool,
    pub(super) undone: Undone,
    /// There is a commit that searches do not see; what is pending is in it.
    pub(super) unseen: bool,
}

impl Writer {
    /// Serves requests until all who could send one are gone; then makes what was committed outlive a power cut.
    pub(super) fn serve(mut self, requests: &mpsc::Receiver<Request>, runtime: &headwater_runtime::Runtime) {
        let mut unsynced_since: Option<Duration> = None;
        loop {
            let request = match unsynced_since {
                Some(_) => requests.recv_timeout(CHECKPOINT_EVERY),
                None => requests.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
            };
            match request {
                Ok(Request::Write(writes, reply)) => {
                    let _ = reply.send(self.write(writes));
                }
                Ok(Request::Commit(positions, reply)) => {
                    let result = self.commit(Some(positions));
                    unsynced_since = unsynced_since.or(Some(runtime.monotonic()));
                    let _ = reply.send(result);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            if unsynced_since.is_some_and(|since| runtime.monotonic().saturating_sub(since) >= CHECKPOINT_EVERY) {
                unsynced_since = self.checkpoint().err().map(|_| runtime.monotonic());
            }
        }
        let _ = self.checkpoint();
    }

    fn write(&mut self, writes: Vec<DocumentWrite>) -> Result<Vec<WriteOutcome>, Error> {
        for write in &writes {
            values::check(self.layout.mapping, write)?;
        }
        self.ready()?;
        let mut outcomes = Vec::with_capacity(writes.len());
        for write in writes {
            match self.write_one(write) {
                // tantivy has given up what it holds by then.
                Err(error @ Error::Storage(_)) => return Err(self.undo(error)),
                outcome => outcomes.push(outcome?),
            }
        }
        if self.uncommitted > MAX_UNCOMMITTED {
            self.commit(self.positions.clone())?;
        }
        self.answered |= !self.pending.map().is_empty();
        Ok(outcomes)
    }

    /// Brings everything to where it can be written, or tells of writes that are undone.
    fn ready(&mut self) -> Result<(), Error> {
        if let Some(why) = self.undone.why().clone() {
            return Err(Error::RolledBack { source: why.into() });
        }
        self.show()?;
        self.index()?;
        Ok(())
    }

    fn index(&mut self) -> Result<&mut IndexWriter, Error> {
        let index = match self.index.take() {
            Some(index) => index,
            None => open(&self.source).map_err(storage)?,
        };
        Ok(self.index.insert(index))
    }

    fn write_one(&mut self, write: DocumentWrite) -> Result<WriteOutcome, Error> {
        let key = key_term(write.scope.tenant().as_str(), write.id.as_str());
        let written = self.pending.map().get(&key).map(|uncommitted| uncommitted.version);
        let current = match written {
            Some(version) => Some(version),
            None => terms::head(&self.snapshots.current(), &self.layout, &key)?.map(|head| head.version),
        };
        if let Some(current) = current.filter(|current| *current >= write.version) {
            return Ok(WriteOutcome::Superseded { current });
        }
        let document = document::document(&self.layout, &write);
        let term = Term::from_field_text(self.layout.key, &key);
        let index = self.index()?;
        if current.is_some() {
            index.delete_term(term);
        }
        index.add_document(document).map_err(storage)?;
        let size = key.len() + size_of(&write.body);
        self.uncommitted += size;
        let uncommitted = Uncommitted {
            version: write.version,
            body: write.body,
            size,
        };
        if let Some(replaced) = self.pending.map().insert(key, uncommitted) {
            self.uncommitted -= replaced.size;
        }
        Ok(WriteOutcome::Applied)
    }

    fn commit(&mut self, positions: Option<Value>) -> Result<(), Error> {
        self.ready()?;
        if let Err(error) = self.try_commit(positions.as_ref()) {
            return Err(self.undo(error));
        }
        self.positions = positions;
        self.answered = false;
        self.unseen = true;
        self.show()
    }

    fn try_commit(&mut self, positions: Option<&Value>) -> Result<(), Error> {
        let mut commit = self.index()?.prepare_commit().map_err(storage)?;
        if let Some(positions) = positions {
            commit.set_payload(&positions.to_string());
        }
        commit.commit().map(drop).map_err(storage)
    }

    /// Shows the last commit to searches. Until then what it holds stays pending, so that its versions are known.
    fn show(&mut self) -> Result<(), Error> {
        if self.unseen {
            self.snapshots.reload()?;
            self.pending.map().clear();
            self.uncommitted = 0;
            self.unseen = false;
        }
        Ok(())
    }

    /// Goes back to the last commit after a failure, and says what the caller has to know of it.
    fn undo(&mut self, error: Error) -> Error {
        tracing::error!(%error, "a commit of the search index failed; it is as of the one before");
        self.index = None;
        self.pending.map().clear();
        self.uncommitted = 0;
        if !std::mem::take(&mut self.answered) {
            return error;
        }
        let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        *self.undone.why() = Some(why);
        Error::RolledBack { source: error.into() }
    }

    fn checkpoint(&self) -> Result<(), Error> {
        self.directory.checkpoint().map_err(|error| {
            tracing::error!(%error, "the search index was not synced; trying again");
            Error::Storage(error.into())
        })
    }
}

/// About what a body takes in memory.
fn size_of(body: &DocumentBody) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len() + 32,
            Value::Array(values) => values.iter().map(of).sum::<usize>() + 32,
            Value::Object(map) => {
                map.iter()
                    .map(|(name, value)| name.len() + 64 + of(value))
                    .sum::<usize>()
                    + 32
            }
            _ => 32,
        }
    }
    match body {
        DocumentBody::Put(value) => of(value),
        DocumentBody::Tombstone { state } => state.as_ref().map_or(0, of),
    }
}

/// What tantivy says when it cannot write.
pub(super) fn storage(error: tantivy::TantivyError) -> Error {
    Error::Storage(error.into())
}

/// The writer of an index, its memory bounded: one thread, as much of its memory as a segment may take, and the merges' thread.
pub(super) fn open(index: &tantivy::Index) -> tantivy::Result<IndexWriter<TantivyDocument>> {
    let options = tantivy::indexer::IndexWriterOptions::builder()
        .num_worker_threads(1)
        .memory_budget_per_thread(48 << 20)
        .num_merge_threads(1)
        .build();
    let writer = index.writer_with_options(options)?;
    let mut policy = tantivy::merge_policy::LogMergePolicy::default();
    policy.set_del_docs_ratio_before_merge(0.3);
    writer.set_merge_policy(Box::new(policy));
    Ok(writer)
}
