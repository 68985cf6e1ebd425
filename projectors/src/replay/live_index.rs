//! The index of a projection that is live for whoever asks: what the query side searches.

use crate::Indexes;
use async_trait::async_trait;
use headwater_dynamo_repository::Generations;
use headwater_kernel::Id;
use headwater_read_models::search::Mapping;
use headwater_search::{
    DocumentWrite, Error, Hits, IndexName, Query, SearchIndex, StoredDocument, SuggestQuery, Suggestion, WriteOutcome,
};
use headwater_tenancy::TenantScope;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// Asks, for each tenant, the index of the generation that is live for it. It is read only.
pub struct LiveIndex {
    /// All indexes of the process.
    pub indexes: Indexes,
    /// Which generation is live.
    pub generations: Generations,
    /// The projection.
    pub projection: &'static str,
    /// The views table of its context, where a tenant's own generation stands.
    pub table: &'static str,
    /// Its kind and fields.
    pub mapping: &'static Mapping,
}

impl std::fmt::Debug for LiveIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LiveIndex({})", self.projection)
    }
}

impl LiveIndex {
    async fn of(&self, scope: &TenantScope) -> Result<Arc<dyn SearchIndex>, Error> {
        let live = self.generations.live(scope, self.table, self.projection).await;
        let generation = live.map_err(|error| Error::Unavailable(error.to_string()))?;
        let name = IndexName::new(self.mapping.kind, self.projection, generation);
        let index = self.indexes.get(&name, self.mapping)?;
        index.ok_or_else(|| Error::Unavailable(format!("this process has no index {name}")))
    }
}

fn read_only<T>() -> Result<T, Error> {
    Err(Error::Unavailable("the live index is for reading".into()))
}

#[async_trait]
impl SearchIndex for LiveIndex {
    async fn write(&self, _: Vec<DocumentWrite>) -> Result<Vec<WriteOutcome>, Error> {
        read_only()
    }

    async fn stored(&self, scope: &TenantScope, ids: &[Id]) -> Result<Vec<Option<StoredDocument>>, Error> {
        self.of(scope).await?.stored(scope, ids).await
    }

    fn keeps_positions(&self) -> bool {
        false
    }

    async fn commit(&self, _: Value) -> Result<(), Error> {
        read_only()
    }

    async fn positions(&self) -> Result<Option<Value>, Error> {
        read_only()
    }

    async fn search(&self, scope: &TenantScope, query: &Query) -> Result<Hits, Error> {
        self.of(scope).await?.search(scope, query).await
    }

    async fn suggest(&self, scope: &TenantScope, query: &SuggestQuery) -> Result<Vec<Suggestion>, Error> {
        self.of(scope).await?.suggest(scope, query).await
    }

    async fn visible_version(&self, scope: &TenantScope, id: &Id) -> Result<Option<u64>, Error> {
        self.of(scope).await?.visible_version(scope, id).await
    }

    async fn await_visible(&self, scope: &TenantScope, id: &Id, version: u64, limit: Duration) -> Result<bool, Error> {
        self.of(scope).await?.await_visible(scope, id, version, limit).await
    }
}
