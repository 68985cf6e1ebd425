//! The embedded adapter: tantivy keeps the terms, columns and documents; what a query means and how hits are ordered is done here, so that
//! pages stay stable while segments merge and a tenant's words are its own.
//!
//! One folder per index, `<kind>-<projection>-<generation>`. Writes go through one thread ([`writer`]), searches through a few ([`pool`]).

mod bits;
mod collapse;
mod dictionary;
mod directory;
mod document;
mod facets;
mod filter;
mod found;
mod open;
mod order;
mod phrase;
mod pool;
mod recovery;
mod run;
mod schema;
mod score;
mod snapshot;
mod suggest;
mod terms;
mod writer;

use crate::{
    DocumentBody, DocumentWrite, Error, Hits, Query, SearchIndex, StoredDocument, SuggestQuery, Suggestion,
    WriteOutcome,
};
use async_trait::async_trait;
use headwater_kernel::Id;
use headwater_runtime::Runtime;
use headwater_tenancy::{SealingKey, TenantScope};
use schema::{Layout, key_term};
use serde_json::Value;
use snapshot::Snapshots;
use std::{
    fs::File,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::oneshot;
use writer::{Pending, Request, Undone};

/// A search index in a folder of this process. Dropping it syncs what was committed and frees the folder.
pub struct TantivyIndex {
    layout: Arc<Layout>,
    key: SealingKey,
    runtime: Runtime,
    index: ::tantivy::Index,
    snapshots: Arc<Snapshots>,
    pending: Pending,
    undone: Undone,
    pool: pool::Pool,
    // Taken when dropped, so that the thread sees that nobody can ask it any more.
    requests: Option<mpsc::SyncSender<Request>>,
    writer: Option<JoinHandle<()>>,
    _lock: File,
}

impl std::fmt::Debug for TantivyIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TantivyIndex")
            .field("kind", &self.layout.mapping.kind)
            .finish_non_exhaustive()
    }
}

impl TantivyIndex {
    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Request) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let stopped = || Error::Unavailable("the search index's writer has stopped".into());
        let requests = self.requests.as_ref().ok_or_else(stopped)?;
        requests.try_send(request(reply)).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => Error::Unavailable("too many writes are waiting".into()),
            mpsc::TrySendError::Disconnected(_) => stopped(),
        })?;
        let answer = answer.await.map_err(|_| stopped())?;
        if matches!(answer, Err(Error::RolledBack { .. })) {
            self.undone.told();
        }
        answer
    }
}

impl Drop for TantivyIndex {
    fn drop(&mut self) {
        self.requests.take();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

#[async_trait]
impl SearchIndex for TantivyIndex {
    async fn write(&self, writes: Vec<DocumentWrite>) -> Result<Vec<WriteOutcome>, Error> {
        self.ask(|reply| Request::Write(writes, reply)).await
    }

    async fn stored(&self, scope: &TenantScope, ids: &[Id]) -> Result<Vec<Option<StoredDocument>>, Error> {
        let (layout, snapshots, pending) = (self.layout.clone(), self.snapshots.clone(), self.pending.clone());
        let keys: Vec<String> = ids
            .iter()
            .map(|id| key_term(scope.tenant().as_str(), id.as_str()))
            .collect();
        self.pool
            .run(move || {
                // Uncommitted ones first: a commit fills the snapshot before it clears them, so none is in neither.
                let uncommitted: Vec<_> = {
                    let map = pending.map();
                    keys.iter().map(|key| map.get(key).cloned()).collect()
                };
                let searcher = snapshots.current();
                let stored = |(key, uncommitted): (&String, Option<writer::Uncommitted>)| match uncommitted {
                    Some(document) => {
                        let (deleted, body) = match document.body {
                            DocumentBody::Put(body) => (false, Some(body)),
                            DocumentBody::Tombstone { state } => (true, state),
                        };
                        Ok(Some(StoredDocument {
                            version: document.version,
                            deleted,
                            body,
                        }))
                    }
                    None => committed(&searcher, &layout, key),
                };
                keys.iter().zip(uncommitted).map(stored).collect()
            })
            .await
    }

    fn keeps_positions(&self) -> bool {
        true
    }

    async fn commit(&self, positions: Value) -> Result<(), Error> {
        self.ask(|reply| Request::Commit(positions, reply)).await
    }

    async fn positions(&self) -> Result<Option<Value>, Error> {
        let index = self.index.clone();
        self.pool
            .run(move || {
                let payload = index.load_metas().map_err(terms::unreadable)?.payload;
                payload
                    .map(|payload| serde_json::from_str(&payload).map_err(terms::unreadable))
                    .transpose()
            })
            .await
    }

    async fn search(&self, scope: &TenantScope, query: &Query) -> Result<Hits, Error> {
        let (layout, searcher, key) = (self.layout.clone(), self.snapshots.current(), self.key.clone());
        let (scope, query) = (scope.clone(), query.clone());
        self.pool
            .run(move || run::run(&searcher, &layout, &key, &scope, &query))
            .await
    }

    async fn suggest(&self, scope: &TenantScope, query: &SuggestQuery) -> Result<Vec<Suggestion>, Error> {
        let (layout, searcher, key) = (self.layout.clone(), self.snapshots.current(), self.key.clone());
        let (scope, query) = (scope.clone(), query.clone());
        self.pool
            .run(move || suggest::suggest(&searcher, &layout, &key, &scope, &query))
            .await
    }

    async fn visible_version(&self, scope: &TenantScope, id: &Id) -> Result<Option<u64>, Error> {
        let (layout, searcher) = (self.layout.clone(), self.snapshots.current());
        let key = key_term(scope.tenant().as_str(), id.as_str());
        self.pool
            .run(move || Ok(terms::head(&searcher, &layout, &key)?.map(|head| head.version)))
            .await
    }

    async fn await_visible(&self, scope: &TenantScope, id: &Id, version: u64, limit: Duration) -> Result<bool, Error> {
        let mut commits = self.snapshots.commits();
        let seen = async {
            loop {
                // Marked before looking, so that a commit in between is not missed.
                commits.borrow_and_update();
                if self
                    .visible_version(scope, id)
                    .await?
                    .is_some_and(|visible| visible >= version)
                {
                    return Ok(true);
                }
                if commits.changed().await.is_err() {
                    return Ok(false);
                }
            }
        };
        self.runtime.timeout(limit, seen).await.unwrap_or(Ok(false))
    }
}

fn committed(searcher: &::tantivy::Searcher, layout: &Layout, key: &str) -> Result<Option<StoredDocument>, Error> {
    let Some(head) = terms::head(searcher, layout, key)? else {
        return Ok(None);
    };
    let document = searcher.doc(head.address).map_err(terms::unreadable)?;
    let body = run::source(layout, &document)?;
    Ok(Some(StoredDocument {
        version: head.version,
        deleted: head.deleted,
        body,
    }))
}
