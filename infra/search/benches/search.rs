//! Relevance, speed of indexing and latency on real products, of both adapters and of both engines asked directly, in one run.
//!
//! Prints the mean nDCG@10 over the judged queries, documents a second, what a small commit takes, the size of the index, the p50 and p99 of searches
//! with two facets at 1, 8 and 32 at a time, and those of suggestions for the same queries half typed. Directly means: the documents as they are in an index with the engine's own mapping, by `_bulk`, and
//! `multi_match` with typing errors on the same fields and weights, with the same facets.
//!
//! tantivy directly is its own query parser, scoring and facets on the same fields and weights, without typing errors.
//!
//! `-- tantivy` or `-- opensearch` measures one adapter alone, `-- indexing` how fast OpenSearch is filled. The node is started as for the tests.
//!
//! Takes the folder of `products.ndjson.gz` and `judgments.csv` from `HEADWATER_PRODUCTS`; without it, `../shared/data/products` beside the
//! workspace. Says so and ends well when the data is not there.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for people"
)]

mod direct;
mod embedded;
mod indexing;
mod measures;
mod products;

use headwater_engines::OpenSearch;
use headwater_read_models::{product_search::ProductDocument, search::SearchDocument};
use headwater_runtime::Runtime;
use headwater_search::{
    IndexName, SearchIndex,
    opensearch::{Access, Cluster},
    tantivy::TantivyIndex,
};
use headwater_tenancy::{SealingKey, TenantScope, testing::scope};
use std::sync::Arc;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As many searches at a time as users ask for.
const CLIENTS: [usize; 3] = [1, 8, 32];

#[tokio::main]
async fn main() {
    let Some(data) = products::Data::load().map(Arc::new) else {
        return;
    };
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wants = |adapter: &str| wanted.as_deref().is_none_or(|wanted| wanted == adapter);
    let runtime = Runtime::tokio();
    let name = IndexName::new("products", "product-search", 1);
    let key = SealingKey::new([7; 32]);
    let mapping = ProductDocument::mapping();
    let scope = scope("demo").await;
    if wants("tantivy") {
        println!("tantivy, directly");
        let folder = tempfile::tempdir().unwrap();
        let direct = Arc::new(embedded::Embedded::new(folder.path()));
        measures::print_rate("indexed", data.documents.len(), direct.fill(&data, &runtime));
        println!("  nDCG@10 {:.4}", direct.ndcg(&data));
        for clients in CLIENTS {
            let direct = Arc::clone(&direct);
            let ask = move |text: String| {
                drop(direct.search(&text));
                std::future::ready(())
            };
            measures::print_latency(measures::latency(ask, &data, &runtime, clients).await, clients);
        }
        println!("  index {:.1} MB", measures::size_of(folder.path()) as f64 / 1e6);

        println!("tantivy, by the adapter");
        let folder = tempfile::tempdir().unwrap();
        let index = TantivyIndex::open(folder.path(), &name, mapping, key.clone(), runtime.clone()).unwrap();
        measure(Arc::new(index), &scope, &data, &runtime).await;
        println!("  index {:.1} MB", measures::size_of(folder.path()) as f64 / 1e6);
    }
    if wants("opensearch") || wants("indexing") {
        let node = tokio::task::spawn_blocking(OpenSearch::start_to_measure).await.unwrap();
        let direct = direct::Direct::new(&node.endpoint());
        let adapter = indexing::Adapter {
            cluster: Arc::new(Cluster::new(&node.endpoint(), Access::Open, "bench-", runtime.clone()).unwrap()),
            mapping,
            key,
            scope: scope.clone(),
        };
        indexing::compare(&direct, &adapter, &data, &runtime).await;
        if !wants("opensearch") {
            return;
        }

        println!("OpenSearch, directly");
        direct.fill("direct", &data, &runtime, 1).await;
        println!("  nDCG@10 {:.4}", direct.ndcg(&data).await);
        for clients in CLIENTS {
            let direct = direct.clone();
            let ask = move |text: String| {
                let direct = direct.clone();
                async move { drop(direct.search(&text, true).await) }
            };
            measures::print_latency(measures::latency(ask, &data, &runtime, clients).await, clients);
        }
        println!("  index {:.1} MB", direct.megabytes("direct").await);

        println!("OpenSearch, by the adapter");
        measure(adapter.index(2).1, &scope, &data, &runtime).await;
        println!("  index {:.1} MB", direct.megabytes("bench-*").await);
    }
}

async fn measure(index: Arc<dyn SearchIndex>, scope: &TenantScope, data: &Arc<products::Data>, runtime: &Runtime) {
    let took = measures::fill(&index, scope, data, runtime, 1).await;
    measures::print_rate("indexed", data.documents.len(), took);
    let (p50, p99) = measures::commits(index.as_ref(), scope, data, runtime).await;
    println!("  a change of one document to visible: p50 {p50:.2?}, p99 {p99:.2?}");
    let (judged, all, queries) = measures::ndcg(index.as_ref(), scope, data).await;
    println!(
        "  nDCG@10 {judged:.4} over {queries} queries with a relevant product; {all:.4} over all, the others counting 0"
    );
    for clients in CLIENTS {
        let (index, scope) = (Arc::clone(&index), scope.clone());
        let ask = move |text: String| {
            let (index, scope) = (Arc::clone(&index), scope.clone());
            async move { drop(index.search(&scope, &measures::query(text)).await.unwrap()) }
        };
        measures::print_latency(measures::latency(ask, data, runtime, clients).await, clients);
    }
    let scope = scope.clone();
    let ask = move |text: String| {
        let (index, scope) = (Arc::clone(&index), scope.clone());
        async move { drop(index.suggest(&scope, &measures::typed(&text)).await.unwrap()) }
    };
    print!("  suggestions,");
    measures::print_latency(measures::latency(ask, data, runtime, 1).await, 1);
}
