//! Followers whose fold is a search document: its version is the head, and the index takes nothing older. The position of this consumer
//! is the index's own commit payload, so documents and position move together.

use crate::{
    ApplyError, Follower, Positions, SourceCommits,
    consumer::PositionStore,
    heads::{Head, advance, source_of},
};
use async_trait::async_trait;
use headwater_event_log::EventLog;
use headwater_kernel::Id;
use headwater_read_models::DocumentFold;
use headwater_search::{DocumentBody, DocumentWrite, Error, SearchIndex};
use headwater_tenancy::TenantScope;
use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};
use tokio::sync::Mutex;

pub(crate) struct DocumentFollower<F> {
    pub(crate) projection: &'static str,
    pub(crate) log: EventLog,
    pub(crate) index: Arc<dyn SearchIndex>,
    pub(crate) fold: PhantomData<fn() -> F>,
}

fn failed(error: Error) -> ApplyError {
    if error.is_retryable() {
        ApplyError::Retry(error.into())
    } else {
        ApplyError::Permanent(error.into())
    }
}

/// The error of a whole batch, for each of its members.
fn for_all(count: usize, error: &ApplyError) -> Vec<Result<(), ApplyError>> {
    let text = format!("{error:?}");
    let one = || match error {
        ApplyError::Retry(_) => Err(ApplyError::Retry(text.clone().into())),
        ApplyError::Permanent(_) => Err(ApplyError::Permanent(text.clone().into())),
    };
    (0..count).map(|_| one()).collect()
}

impl<F: DocumentFold> DocumentFollower<F> {
    /// The head of each source, in order.
    async fn stored(&self, sources: &[SourceCommits]) -> Result<Vec<Head<F>>, ApplyError> {
        let mut by_tenant: BTreeMap<_, (TenantScope, Vec<(usize, Id)>)> = BTreeMap::new();
        for (n, source) in sources.iter().enumerate() {
            let of_tenant = by_tenant
                .entry(source.scope.tenant().clone())
                .or_insert_with(|| (source.scope.clone(), Vec::new()));
            of_tenant.1.push((n, source.id.clone()));
        }
        let mut heads: Vec<_> = sources
            .iter()
            .map(|source| Head {
                state: F::empty(&source.id),
                version: 0,
            })
            .collect();
        for (scope, wanted) in by_tenant.into_values() {
            let ids: Vec<_> = wanted.iter().map(|(_, id)| id.clone()).collect();
            let stored = self.index.stored(&scope, &ids).await.map_err(failed)?;
            for ((n, _), stored) in wanted.iter().zip(stored) {
                if let Some(stored) = stored
                    && let Some(body) = stored.body
                {
                    let state = serde_json::from_value(body).map_err(|error| ApplyError::Permanent(error.into()))?;
                    heads[*n] = Head {
                        state,
                        version: stored.version,
                    };
                }
            }
        }
        Ok(heads)
    }

    async fn advance_one(&self, source: &SourceCommits, head: Head<F>) -> Result<Option<DocumentWrite>, ApplyError> {
        let Some(after) = advance(&self.log, source, &head).await? else {
            return Ok(None);
        };
        let body = serde_json::to_value(&after.state).map_err(|error| ApplyError::Permanent(error.into()))?;
        let body = if after.state.is_live() {
            DocumentBody::Put(body)
        } else {
            DocumentBody::Tombstone { state: Some(body) }
        };
        Ok(Some(DocumentWrite {
            scope: source.scope.clone(),
            id: source.id.clone(),
            version: after.version,
            body,
        }))
    }
}

#[async_trait]
impl<F: DocumentFold> Follower for DocumentFollower<F> {
    fn projection(&self) -> &'static str {
        self.projection
    }

    fn source(&self) -> (&'static str, &'static str) {
        source_of::<F>()
    }

    async fn apply(&self, sources: Vec<SourceCommits>) -> Vec<Result<(), ApplyError>> {
        let heads = match self.stored(&sources).await {
            Ok(heads) => heads,
            Err(error) => return for_all(sources.len(), &error),
        };
        let mut advanced = Vec::with_capacity(sources.len());
        for (source, head) in sources.iter().zip(heads) {
            // Gaps are rare, so there is seldom anything to wait for.
            advanced.push(self.advance_one(source, head).await);
        }
        let mut results = Vec::with_capacity(advanced.len());
        let mut writes = Vec::new();
        let mut places = Vec::new();
        for (n, result) in advanced.into_iter().enumerate() {
            results.push(result.map(|write| {
                if let Some(write) = write {
                    writes.push(write);
                    places.push(n);
                }
            }));
        }
        if let Err(error) = self.index.write(writes).await.map_err(failed) {
            for (n, result) in places.iter().zip(for_all(places.len(), &error)) {
                results[*n] = result;
            }
        }
        results
    }
}

/// Positions of all contexts as the commit payload of an index.
pub(crate) struct IndexPositions {
    index: Arc<dyn SearchIndex>,
    /// What the next commit will say, by context.
    all: Mutex<Option<BTreeMap<String, Positions>>>,
}

impl IndexPositions {
    pub(crate) fn new(index: Arc<dyn SearchIndex>) -> Self {
        Self {
            index,
            all: Mutex::new(None),
        }
    }

    async fn read(&self) -> Result<BTreeMap<String, Positions>, ApplyError> {
        let stored = self.index.positions().await.map_err(failed)?;
        // One that cannot be read is one that is lost, and the log fills in.
        Ok(stored
            .and_then(|stored| serde_json::from_value(stored).ok())
            .unwrap_or_default())
    }
}

#[async_trait]
impl PositionStore for IndexPositions {
    async fn load(&self, context: &str) -> Result<Option<Positions>, ApplyError> {
        Ok(self.read().await?.remove(context))
    }

    async fn save(&self, context: &str, positions: &Positions) -> Result<(), ApplyError> {
        let mut all = self.all.lock().await;
        if all.is_none() {
            *all = Some(self.read().await?);
        }
        let all = all.get_or_insert_default();
        all.insert(context.to_owned(), positions.clone());
        let payload = serde_json::to_value(&*all).map_err(|error| ApplyError::Permanent(error.into()))?;
        self.index.commit(payload).await.map_err(failed)
    }
}
