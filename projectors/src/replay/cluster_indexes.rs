//! Search indexes in an OpenSearch cluster.

use super::IndexStore;
use async_trait::async_trait;
use headwater_read_models::search::Mapping;
use headwater_runtime::Runtime;
use headwater_search::{
    Answering, Breaker, Error, IndexName, Retrying, SearchIndex,
    opensearch::{Cluster, OpenSearchIndex},
};
use headwater_tenancy::SealingKey;
use std::sync::Arc;

/// Keeps indexes of some kinds in one cluster.
#[derive(Debug)]
pub struct ClusterIndexes {
    cluster: Arc<Cluster>,
    kinds: Vec<&'static str>,
    key: SealingKey,
    runtime: Runtime,
    answering: Answering,
}

impl ClusterIndexes {
    /// Those of these kinds. Nothing is sent yet.
    pub fn new(cluster: Cluster, kinds: Vec<&'static str>, key: SealingKey, runtime: Runtime) -> Self {
        Self {
            cluster: Arc::new(cluster),
            kinds,
            key,
            runtime,
            answering: Answering::default(),
        }
    }
}

#[async_trait]
impl IndexStore for ClusterIndexes {
    fn keeps(&self, kind: &str) -> bool {
        self.kinds.contains(&kind)
    }

    fn open(&self, name: &IndexName, mapping: &'static Mapping) -> Result<Arc<dyn SearchIndex>, Error> {
        let index = OpenSearchIndex::new(Arc::clone(&self.cluster), name, mapping, self.key.clone());
        let index = Retrying::new(Arc::new(index), self.runtime.clone());
        let index = Breaker::new(Arc::new(index), self.answering.clone(), self.runtime.clone());
        Ok(Arc::new(index))
    }

    async fn remove(&self, name: &IndexName) -> Result<(), Error> {
        OpenSearchIndex::remove(&self.cluster, name).await
    }
}
