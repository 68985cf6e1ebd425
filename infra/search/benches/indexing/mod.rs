//! Documents indexed a second, in three ways in turn on one node: the documents as they are, by `_bulk` to an index with the engine's own analysis; what the
//! adapter makes of them, made before, by `_bulk` to an index like the adapter's; and the adapter. All are given the same documents in batches of the same
//! size, the same number of them under way, refresh once at the end, and leave the engine to keep what it has answered
//! (`index.translog.durability: request`). The adapter against the second is what its own work costs, against the first also what is searched of
//! a document beside it. With as many batches under way as the node has processors, what counts is how much work it is altogether.

mod prepared;

use crate::{direct::Direct, measures, products::Data};
use headwater_runtime::Runtime;
use headwater_search::{
    IndexName, SearchIndex,
    opensearch::{Cluster, OpenSearchIndex},
};
use headwater_tenancy::{SealingKey, TenantScope};
use prepared::Prepared;
use std::{sync::Arc, time::Duration};

/// Batches that are under way at a time.
const AT_A_TIME: [usize; 3] = [1, 2, 4];
/// Times that both are measured; the median counts. One more before, while the node warms up.
const ROUNDS: usize = 3;

/// What the adapter's indexes are made of.
pub(crate) struct Adapter {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) mapping: &'static headwater_read_models::search::Mapping,
    pub(crate) key: SealingKey,
    pub(crate) scope: TenantScope,
}

impl Adapter {
    pub(crate) fn index(&self, generation: u32) -> (IndexName, Arc<dyn SearchIndex>) {
        let name = IndexName::new("products", "product-search", generation);
        let index = OpenSearchIndex::new(Arc::clone(&self.cluster), &name, self.mapping, self.key.clone());
        (name, Arc::new(index))
    }

    async fn fill(&self, data: &Arc<Data>, runtime: &Runtime, at_a_time: usize) -> Duration {
        let (name, index) = self.index(1);
        let took = measures::fill(&index, &self.scope, data, runtime, at_a_time).await;
        OpenSearchIndex::remove(&self.cluster, &name).await.unwrap();
        took
    }
}

/// Prints what all reach.
pub(crate) async fn compare(direct: &Direct, adapter: &Adapter, data: &Arc<Data>, runtime: &Runtime) {
    println!("OpenSearch, documents indexed a second (the median of {ROUNDS})");
    let documents = data.documents.len() as f64;
    let (name, index) = adapter.index(1);
    measures::fill(&index, &adapter.scope, data, runtime, 1).await;
    let prepared = Prepared::read(direct, &format!("bench-{name}"), adapter.scope.tenant().as_str(), data).await;
    OpenSearchIndex::remove(&adapter.cluster, &name).await.unwrap();
    println!(
        "  a document is {:.2} KB as it is, {:.2} KB prepared",
        prepared::kilobytes(data),
        prepared.kilobytes()
    );
    for at_a_time in AT_A_TIME {
        let mut took = [const { Vec::new() }; 3];
        for _ in 0..=ROUNDS {
            took[0].push(direct.fill("direct", data, runtime, at_a_time).await);
            direct.remove("direct").await;
            took[1].push(prepared.fill(direct, data, runtime, at_a_time).await);
            took[2].push(adapter.fill(data, runtime, at_a_time).await);
        }
        let [directly, prepared, adapted] = took.map(|mut took| {
            took.remove(0);
            took.sort_unstable();
            documents / took[took.len() / 2].as_secs_f64()
        });
        println!(
            "  {at_a_time} batches under way: directly {directly:.0}, prepared {prepared:.0}, by the adapter {adapted:.0}: {:.2} of directly, {:.2} \
             of prepared",
            adapted / directly,
            adapted / prepared
        );
    }
}
