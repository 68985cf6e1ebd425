//! One node for all tests of the file; for each an index of its own, and a way to it that fails as it is told.

mod alias;
mod failures;
mod own_index;
mod way;

use super::contract::{Engine, MAPPING, Opened};
use headwater_engines::OpenSearch;
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use headwater_search::{
    IndexName,
    opensearch::{Access, Cluster, OpenSearchIndex},
};
use headwater_tenancy::SealingKey;
use serde_json::json;
use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicU32, Ordering},
};
use way::{Fault, Way};

/// Ends with this process.
static NODE: LazyLock<OpenSearch> = LazyLock::new(OpenSearch::start);
static INDEXES: AtomicU32 = AtomicU32::new(1);

/// An index that nobody else uses.
pub struct Own {
    pub way: Way,
    pub cluster: Arc<Cluster>,
    pub name: IndexName,
}

impl Own {
    pub fn index(&self) -> Arc<OpenSearchIndex> {
        let key = SealingKey::new([7; 32]);
        Arc::new(OpenSearchIndex::new(
            Arc::clone(&self.cluster),
            &self.name,
            &MAPPING,
            key,
        ))
    }
}

/// The node, where these tenants get an index of their own.
fn cluster(way: &Way, apart: &[&str]) -> Cluster {
    let cluster = Cluster::new(&way.endpoint(), Access::Open, "tests-", Runtime::tokio()).unwrap();
    cluster.with_own_indexes(apart.iter().map(|tenant| TenantId::new(tenant).unwrap()).collect())
}

/// As [`Own`], where some of the contract's tenants have an index of their own and others share one.
pub struct Apart(Own);

#[async_trait::async_trait]
impl Engine for Apart {
    async fn start() -> Self {
        let own = Own::start().await;
        let cluster = Arc::new(cluster(&own.way, &["a", "a-b"]));
        Self(Own { cluster, ..own })
    }

    async fn open(&self) -> Opened {
        self.0.open().await
    }

    async fn fail_commits(&self, fail: bool) {
        self.0.fail_commits(fail).await;
    }
}

#[async_trait::async_trait]
impl Engine for Own {
    async fn start() -> Self {
        let endpoint = tokio::task::spawn_blocking(|| NODE.endpoint()).await.unwrap();
        let way = Way::to(endpoint).await;
        Self {
            cluster: Arc::new(cluster(&way, &[])),
            way,
            name: IndexName::new("products", "product-search", INDEXES.fetch_add(1, Ordering::Relaxed)),
        }
    }

    async fn open(&self) -> Opened {
        self.index()
    }

    async fn fail_commits(&self, fail: bool) {
        // What a node says of an index that it made read-only because its disk was full.
        let reason = "index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has \
                      read-only-allow-delete block];";
        let error = json!({"type": "cluster_block_exception", "reason": reason});
        let full = Fault::answer(429, json!({"error": error, "status": 429}));
        self.way.at("_refresh", fail.then_some(full));
    }
}
