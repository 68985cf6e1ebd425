//! Followers whose fold is a search document: its version is the head, and the index takes nothing older.

use crate::{
    ApplyError, Follower, SourceCommits,
    heads::{Head, advance, source_of},
};
use async_trait::async_trait;
use headwater_event_log::EventLog;
use headwater_kernel::Id;
use headwater_read_models::DocumentFold;
use headwater_search::{DocumentBody, DocumentWrite, Error, SearchIndex};
use headwater_tenancy::TenantScope;
use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};

pub(crate) struct DocumentFollower<F> {
    pub(crate) log: EventLog,
    pub(crate) index: Arc<dyn SearchIndex>,
    pub(crate) fold: PhantomData<fn() -> F>,
}

pub(crate) fn failed(error: Error) -> ApplyError {
    match error {
        Error::InvalidDocument { .. } => ApplyError::Permanent(error.into()),
        Error::RolledBack { .. } => ApplyError::RolledBack(error.into()),
        error if error.is_retryable() => ApplyError::Retry(error.into()),
        error => ApplyError::Refused(error.into()),
    }
}

impl<F: DocumentFold> DocumentFollower<F> {
    /// The head of each source, in order.
    async fn stored(&self, sources: &[SourceCommits]) -> Result<Vec<Result<Head<F>, ApplyError>>, ApplyError> {
        let mut by_tenant: BTreeMap<_, (TenantScope, Vec<(usize, Id)>)> = BTreeMap::new();
        for (n, source) in sources.iter().enumerate() {
            let of_tenant = by_tenant
                .entry(source.scope.tenant().clone())
                .or_insert_with(|| (source.scope.clone(), Vec::new()));
            of_tenant.1.push((n, source.id.clone()));
        }
        let mut heads: Vec<_> = sources
            .iter()
            .map(|source| Ok(Head::new(F::empty(&source.id), 0)))
            .collect();
        for (scope, wanted) in by_tenant.into_values() {
            let ids: Vec<_> = wanted.iter().map(|(_, id)| id.clone()).collect();
            let stored = self.index.stored(&scope, &ids).await.map_err(failed)?;
            for ((n, _), stored) in wanted.iter().zip(stored) {
                if let Some(stored) = stored
                    && let Some(body) = stored.body
                {
                    let state = serde_json::from_value(body);
                    heads[*n] = match state {
                        Ok(state) => Ok(Head::new(state, stored.version)),
                        Err(error) => Err(ApplyError::Permanent(error.into())),
                    };
                }
            }
        }
        Ok(heads)
    }

    /// The write that moves one document on, and why it goes no further.
    async fn advance_one(
        &self,
        source: &SourceCommits,
        head: Head<F>,
    ) -> Result<(Option<DocumentWrite>, Result<(), ApplyError>), ApplyError> {
        let advanced = advance(&self.log, source, &head, u64::MAX).await?;
        let Some(after) = advanced.head else {
            return Ok((None, advanced.stopped));
        };
        let body = serde_json::to_value(&after.state).map_err(|error| ApplyError::Permanent(error.into()))?;
        let body = if after.state.is_live() {
            DocumentBody::Put(body)
        } else {
            DocumentBody::Tombstone { state: Some(body) }
        };
        let write = DocumentWrite {
            scope: source.scope.clone(),
            id: source.id.clone(),
            version: after.version,
            body,
        };
        Ok((Some(write), advanced.stopped))
    }
}

#[async_trait]
impl<F: DocumentFold> Follower for DocumentFollower<F> {
    fn source(&self) -> (&'static str, &'static str) {
        source_of::<F>()
    }

    async fn apply(&self, sources: Vec<SourceCommits>) -> Vec<Result<(), ApplyError>> {
        let heads = match self.stored(&sources).await {
            Ok(heads) => heads,
            Err(error) => return sources.iter().map(|_| Err(error.again())).collect(),
        };
        let mut results = Vec::with_capacity(sources.len());
        let mut writes = Vec::new();
        let mut places = Vec::new();
        for (n, (source, head)) in sources.iter().zip(heads).enumerate() {
            // Gaps are rare, so there is seldom anything to wait for.
            let advanced = match head {
                Ok(head) => self.advance_one(source, head).await,
                Err(error) => Err(error),
            };
            results.push(match advanced {
                Ok((write, stopped)) => {
                    places.extend(write.is_some().then_some(n));
                    writes.extend(write);
                    stopped
                }
                Err(error) => Err(error),
            });
        }
        let Err(error) = self.index.write(writes.clone()).await.map_err(failed) else {
            return results;
        };
        let one_is_bad = matches!(error, ApplyError::Permanent(_));
        for (n, write) in places.into_iter().zip(writes) {
            // One document that the index does not take must not hold up the others.
            let alone = if one_is_bad {
                self.index.write(vec![write]).await.map(drop).map_err(failed)
            } else {
                Err(error.again())
            };
            if let Err(error) = alone {
                results[n] = Err(error);
            }
        }
        results
    }
}
