//! Relevance, speed of indexing and latency on real products. Prints the mean nDCG@10 over the judged queries, documents a second, what a small commit
//! takes, and the p50 and p99 of searches with facets at 1 and 8 at a time.
//!
//! Takes the folder of `products.ndjson.gz` and `judgments.csv` from `HEADWATER_PRODUCTS`; without it, `../shared/data/products` beside the
//! workspace. Says so and ends well when the data is not there.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for people"
)]

mod products;

use headwater_kernel::Id;
use headwater_read_models::{product_search::ProductDocument, search::SearchDocument};
use headwater_runtime::Runtime;
use headwater_search::{DocumentBody, DocumentWrite, IndexName, Query, SearchIndex, tantivy::TantivyIndex};
use headwater_tenancy::{SealingKey, TenantScope, testing::scope};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// How often a projector commits under load.
const COMMIT_EVERY: Duration = Duration::from_millis(200);
const BATCH: usize = 200;

#[tokio::main]
async fn main() {
    let Some(data) = products::Data::load() else { return };
    let runtime = Runtime::tokio();
    let folder = tempfile::tempdir().unwrap();
    let name = IndexName::new("products", "product-search", 1);
    let key = SealingKey::new([7; 32]);
    let index = TantivyIndex::open(folder.path(), &name, ProductDocument::mapping(), key, runtime.clone()).unwrap();
    let scope = scope("demo").await;

    let took = fill(&index, &scope, &data, &runtime).await;
    let count = data.documents.len();
    println!(
        "indexed {count} documents in {took:.2?}: {:.0} a second",
        count as f64 / took.as_secs_f64()
    );
    println!("index {:.1} MB", size_of(folder.path()) as f64 / 1e6);

    let (p50, p99) = commits(&index, &scope, &data, &runtime).await;
    println!("a change of one document to visible: p50 {p50:.2?}, p99 {p99:.2?}");

    let (judged, all, queries) = ndcg(&index, &scope, &data).await;
    println!(
        "nDCG@10 {judged:.4} over {queries} queries with a relevant product; {all:.4} over all, the others counting 0"
    );

    let index = Arc::new(index);
    for clients in [1, 8] {
        let (p50, p99, rate) = latency(&index, &scope, &data, &runtime, clients).await;
        println!("{clients} at a time: p50 {p50:.2?}, p99 {p99:.2?}, {rate:.0} searches a second");
    }
}

async fn fill(index: &TantivyIndex, scope: &TenantScope, data: &products::Data, runtime: &Runtime) -> Duration {
    let start = runtime.monotonic();
    let mut committed = start;
    for (at, batch) in data.documents.chunks(BATCH).enumerate() {
        let write = |document: &serde_json::Value| DocumentWrite {
            scope: scope.clone(),
            id: Id::new(document["id"].as_str().unwrap()).unwrap(),
            version: 1,
            body: DocumentBody::Put(document.clone()),
        };
        index.write(batch.iter().map(write).collect()).await.unwrap();
        if runtime.monotonic() - committed >= COMMIT_EVERY {
            index.commit(json!({ "at": at })).await.unwrap();
            committed = runtime.monotonic();
        }
    }
    index.commit(json!({ "at": "end" })).await.unwrap();
    runtime.monotonic() - start
}

/// One write and its commit at a time, as a projector does when little happens.
async fn commits(
    index: &TantivyIndex,
    scope: &TenantScope,
    data: &products::Data,
    runtime: &Runtime,
) -> (Duration, Duration) {
    let mut times = Vec::new();
    for (at, document) in data.documents.iter().take(500).enumerate() {
        let id = Id::new(document["id"].as_str().unwrap()).unwrap();
        let body = DocumentBody::Put(document.clone());
        let before = runtime.monotonic();
        index
            .write(vec![DocumentWrite {
                scope: scope.clone(),
                id,
                version: 2,
                body,
            }])
            .await
            .unwrap();
        index.commit(json!({ "at": at })).await.unwrap();
        times.push(runtime.monotonic() - before);
    }
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

async fn ndcg(index: &TantivyIndex, scope: &TenantScope, data: &products::Data) -> (f64, f64, usize) {
    let (mut sum, mut queries) = (0.0, 0);
    for (text, ratings) in &data.judgments {
        let query = Query {
            limit: 10,
            ..Query::text(text)
        };
        let hits = index.search(scope, &query).await.unwrap();
        let gain = |(at, rating): (usize, u32)| (2_f64.powi(rating as i32) - 1.0) / (at as f64 + 2.0).log2();
        let found = hits.hits.iter().map(|hit| ratings.get(&hit.id).copied().unwrap_or(0));
        let dcg: f64 = found.enumerate().map(gain).sum();
        let mut ideal: Vec<u32> = ratings.values().copied().collect();
        ideal.sort_unstable_by(|a, b| b.cmp(a));
        let best: f64 = ideal.into_iter().take(10).enumerate().map(gain).sum();
        if best > 0.0 {
            sum += dcg / best;
            queries += 1;
        }
        if std::env::var_os("HEADWATER_EACH").is_some() {
            println!("{:.3} {text}", if best > 0.0 { dcg / best } else { 0.0 });
        }
    }
    (
        sum / f64::from(queries),
        sum / data.judgments.len() as f64,
        queries as usize,
    )
}

async fn latency(
    index: &Arc<TantivyIndex>,
    scope: &TenantScope,
    data: &products::Data,
    runtime: &Runtime,
    clients: usize,
) -> (Duration, Duration, f64) {
    let texts: Arc<Vec<String>> = Arc::new(data.judgments.keys().cloned().collect());
    let start = runtime.monotonic();
    let mut tasks = Vec::new();
    let all = Arc::new(std::sync::Mutex::new(Vec::new()));
    for client in 0..clients {
        let (index, scope, texts, all, clock) = (
            index.clone(),
            scope.clone(),
            texts.clone(),
            all.clone(),
            runtime.clone(),
        );
        tasks.push(runtime.spawn(async move {
            let mut times = Vec::new();
            for at in 0..2_000 / clients {
                let query = Query {
                    facets: vec!["brand".into(), "category".into()],
                    ..Query::text(&texts[(client * 7 + at) % texts.len()])
                };
                let before = clock.monotonic();
                index.search(&scope, &query).await.unwrap();
                times.push(clock.monotonic() - before);
            }
            all.lock().unwrap().extend(times);
        }));
    }
    for task in tasks {
        task.join().await.unwrap();
    }
    let took = runtime.monotonic() - start;
    let mut times = std::mem::take(&mut *all.lock().unwrap());
    times.sort_unstable();
    (
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times.len() as f64 / took.as_secs_f64(),
    )
}

fn size_of(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|entry| {
            if entry.path().is_dir() {
                size_of(&entry.path())
            } else {
                entry.metadata().unwrap().len()
            }
        })
        .sum()
}
