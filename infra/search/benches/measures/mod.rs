//! What is measured, of whichever adapter.

use crate::products::Data;
use headwater_kernel::Id;
use headwater_runtime::Runtime;
use headwater_search::{DocumentBody, DocumentWrite, Query, SearchIndex, SuggestQuery};
use headwater_tenancy::TenantScope;
use serde_json::json;
use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Documents of one write.
pub(crate) const BATCH: usize = 200;
/// Searches of one measurement.
const SEARCHES: usize = 2_000;

/// A search as the measurements ask it.
pub(crate) fn query(text: String) -> Query {
    Query {
        facets: vec!["brand".into(), "category".into()],
        ..Query::text(text)
    }
}

/// What is asked while the text is typed: its first half, at least three letters of it.
pub(crate) fn typed(text: &str) -> SuggestQuery {
    let letters = text.chars().count();
    SuggestQuery::text(text.chars().take((letters / 2).max(3)).collect::<String>())
}

pub(crate) fn print_rate(what: &str, count: usize, took: Duration) {
    let rate = count as f64 / took.as_secs_f64();
    println!("  {what} {count} documents in {took:.2?}: {rate:.0} a second");
}

pub(crate) fn print_latency((p50, p99, rate): (Duration, Duration, f64), clients: usize) {
    println!("  {clients} at a time: p50 {p50:.2?}, p99 {p99:.2?}, {rate:.0} searches a second");
}

/// Writes all documents in batches, so many at a time.
pub(crate) async fn each_batch<W>(
    data: &Arc<Data>,
    runtime: &Runtime,
    at_a_time: usize,
    write: impl Fn(Arc<Data>, Range<usize>) -> W + Clone + Send + 'static,
) where
    W: Future<Output = ()> + Send + 'static,
{
    let next = Arc::new(AtomicUsize::new(0));
    let tasks = (0..at_a_time).map(|_| {
        let (next, data, write) = (Arc::clone(&next), Arc::clone(data), write.clone());
        runtime.spawn(async move {
            loop {
                let from = next.fetch_add(BATCH, Ordering::Relaxed);
                if from >= data.documents.len() {
                    return;
                }
                let to = (from + BATCH).min(data.documents.len());
                write(Arc::clone(&data), from..to).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.join().await.unwrap();
    }
}

/// Indexes all; how long that took, until they are seen.
pub(crate) async fn fill(
    index: &Arc<dyn SearchIndex>,
    scope: &TenantScope,
    data: &Arc<Data>,
    runtime: &Runtime,
    at_a_time: usize,
) -> Duration {
    let write = |document: &serde_json::Value| DocumentWrite {
        scope: scope.clone(),
        id: Id::new(document["id"].as_str().unwrap()).unwrap(),
        version: 1,
        body: DocumentBody::Put(document.clone()),
    };
    // Made before, as whoever writes has them.
    let batches = data.documents.chunks(BATCH);
    let batches: Vec<Vec<DocumentWrite>> = batches.map(|batch| batch.iter().map(write).collect()).collect();
    let (to, batches) = (Arc::clone(index), Arc::new(Mutex::new(batches)));
    let write = move |_: Arc<Data>, batch: Range<usize>| {
        let (index, batches) = (Arc::clone(&to), Arc::clone(&batches));
        async move {
            let writes = std::mem::take(&mut batches.lock().unwrap()[batch.start / BATCH]);
            index.write(writes).await.unwrap();
        }
    };
    let start = runtime.monotonic();
    each_batch(data, runtime, at_a_time, write).await;
    index.commit(json!({ "at": "end" })).await.unwrap();
    runtime.monotonic() - start
}

/// One write and its commit at a time, as a projector does when little happens.
pub(crate) async fn commits(
    index: &dyn SearchIndex,
    scope: &TenantScope,
    data: &Data,
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

pub(crate) async fn ndcg(index: &dyn SearchIndex, scope: &TenantScope, data: &Data) -> (f64, f64, usize) {
    let (mut sum, mut queries) = (0.0, 0);
    for (text, ratings) in &data.judgments {
        let query = Query {
            limit: 10,
            ..Query::text(text)
        };
        let hits = index.search(scope, &query).await.unwrap();
        let found: Vec<&str> = hits.hits.iter().map(|hit| hit.id.as_str()).collect();
        let gained = gained(&found, ratings);
        if let Some(gained) = gained {
            sum += gained;
            queries += 1;
        }
        if std::env::var_os("HEADWATER_EACH").is_some() {
            println!("{:.3} {text}", gained.unwrap_or(0.0));
        }
    }
    (
        sum / f64::from(queries),
        sum / data.judgments.len() as f64,
        queries as usize,
    )
}

/// What the first ten are worth of what the best ten would be; none when nothing is relevant.
pub(crate) fn gained(found: &[&str], ratings: &BTreeMap<String, u32>) -> Option<f64> {
    let gain = |(at, rating): (usize, u32)| (2_f64.powi(rating as i32) - 1.0) / (at as f64 + 2.0).log2();
    let rated = found.iter().take(10).map(|id| ratings.get(*id).copied().unwrap_or(0));
    let gained: f64 = rated.enumerate().map(gain).sum();
    let mut ideal: Vec<u32> = ratings.values().copied().collect();
    ideal.sort_unstable_by(|a, b| b.cmp(a));
    let best: f64 = ideal.into_iter().take(10).enumerate().map(gain).sum();
    (best > 0.0).then(|| gained / best)
}

/// The p50 and p99 of searches, so many at a time, and how many a second.
pub(crate) async fn latency<A>(
    ask: impl Fn(String) -> A + Clone + Send + 'static,
    data: &Data,
    runtime: &Runtime,
    clients: usize,
) -> (Duration, Duration, f64)
where
    A: Future<Output = ()> + Send + 'static,
{
    let texts: Arc<Vec<String>> = Arc::new(data.judgments.keys().cloned().collect());
    let start = runtime.monotonic();
    let mut tasks = Vec::new();
    let all = Arc::new(Mutex::new(Vec::new()));
    for client in 0..clients {
        let (ask, texts, all, clock) = (ask.clone(), texts.clone(), all.clone(), runtime.clone());
        tasks.push(runtime.spawn(async move {
            let mut times = Vec::new();
            for at in 0..SEARCHES / clients {
                let text = texts[(client * 7 + at) % texts.len()].clone();
                let before = clock.monotonic();
                ask(text).await;
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

pub(crate) fn size_of(folder: &std::path::Path) -> u64 {
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
