//! How fast the embedded engine is: `cargo bench -p headwater-dynamodb [-- put|transact|read|scan|records|sync]`.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at the first error"
)]

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, Put, TransactWriteItem},
};
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use headwater_dynamodb::{AccessPattern, Database, Databases, tables};
use headwater_runtime::Runtime;
use std::{collections::HashMap, future::Future, io::Write, time::Duration};
use tempfile::TempDir;

const EVENTS: &str = "bench-events";
const CLAIMS: &str = "bench-claims";

fn main() {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| only.as_deref().is_none_or(|only| name == only);
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let runtime = Runtime::tokio();
            if wanted("sync") {
                sync_baseline(&runtime);
            }
            if wanted("put") {
                puts(&runtime).await;
            }
            if wanted("transact") {
                transactions(&runtime).await;
            }
            if wanted("read") {
                reads(&runtime).await;
            }
            if wanted("scan") {
                scan(&runtime).await;
            }
            if wanted("records") {
                records(&runtime).await;
            }
        });
}

/// On the disk that holds the build, not in memory.
fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

async fn open(dir: &TempDir, runtime: &Runtime) -> Databases {
    let databases = Databases::embedded(dir.path(), runtime.clone()).unwrap();
    databases.ensure_table(&tables::event_table("bench")).await.unwrap();
    databases.ensure_table(&tables::claims_table("bench")).await.unwrap();
    databases
}

/// What the disk allows.
fn sync_baseline(runtime: &Runtime) {
    let mut file = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let started = runtime.monotonic();
    for _ in 0..200 {
        file.write_all(&[1; 8192]).unwrap();
        file.as_file().sync_data().unwrap();
    }
    let each = (runtime.monotonic() - started) / 200;
    println!("append of 8 KB and sync, one at a time: {each:?} each");
}

/// Conditional puts on a table with a stream.
async fn puts(runtime: &Runtime) {
    for concurrency in [1, 8, 32, 64] {
        let dir = folder();
        let databases = open(&dir, runtime).await;
        let database = databases.durable.clone();
        let report = drive(runtime, concurrency, 4, move |task, number| {
            let database = database.clone();
            async move {
                let put = database
                    .client()
                    .put_item()
                    .table_name(EVENTS)
                    .set_item(Some(event(task, number, 500)));
                put.condition_expression("attribute_not_exists(PK)")
                    .customize()
                    .interceptor(AccessPattern::system("bench"))
                    .send()
                    .await
                    .unwrap();
            }
        });
        println!(
            "PutItem, conditional, 0.6 KB, {concurrency:>2} at a time: {}",
            report.await
        );
        databases.shutdown().await;
    }
}

/// What a product import does: a commit of 1 to 8 KB with 2.65 claims on average; and the largest transaction there is.
async fn transactions(runtime: &Runtime) {
    for concurrency in [1, 8, 32] {
        let dir = folder();
        let databases = open(&dir, runtime).await;
        let database = databases.durable.clone();
        let report = drive(runtime, concurrency, 4, move |task, number| {
            let database = database.clone();
            async move {
                let bytes = 1_000 + (number as usize * 2_654_435_761 % 7_000);
                let claims = if number % 20 < 13 { 3 } else { 2 };
                let mut call = database
                    .client()
                    .transact_write_items()
                    .transact_items(put(EVENTS, event(task, number, bytes)));
                for claim in 0..claims {
                    call = call.transact_items(put(CLAIMS, claim_item(task, number, claim)));
                }
                call.send().await.unwrap();
            }
        });
        println!(
            "TransactWriteItems, 1 commit + 2.65 claims, {concurrency:>2} at a time: {}",
            report.await
        );
        databases.shutdown().await;
    }
    let dir = folder();
    let databases = open(&dir, runtime).await;
    let database = databases.durable.clone();
    let report = drive(runtime, 1, 4, move |task, number| {
        let database = database.clone();
        async move {
            let puts = (0..100)
                .map(|part| put(EVENTS, event(task * 1_000 + part, number, 500)))
                .collect();
            database
                .client()
                .transact_write_items()
                .set_transact_items(Some(puts))
                .send()
                .await
                .unwrap();
        }
    });
    println!(
        "TransactWriteItems, 100 items of 0.6 KB,  1 at a time: {}",
        report.await
    );
    databases.shutdown().await;
}

async fn reads(runtime: &Runtime) {
    let dir = folder();
    let databases = open(&dir, runtime).await;
    for number in 0..200 {
        put_plain(&databases.durable, event(0, number, 500)).await;
    }
    for concurrency in [1, 32] {
        let database = databases.durable.clone();
        let report = drive(runtime, concurrency, 2, move |_, number| {
            let database = database.clone();
            async move {
                let get = database
                    .client()
                    .get_item()
                    .table_name(EVENTS)
                    .key("PK", AttributeValue::S(partition(0)));
                let get = get.key("SK", AttributeValue::S(format!("{:010}", number % 200)));
                assert!(get.consistent_read(true).send().await.unwrap().item.is_some());
            }
        });
        println!("GetItem, 0.6 KB, {concurrency:>2} at a time: {}", report.await);
        let database = databases.durable.clone();
        let report = drive(runtime, concurrency, 2, move |_, _| {
            let database = database.clone();
            async move {
                let query = database
                    .client()
                    .query()
                    .table_name(EVENTS)
                    .key_condition_expression("PK = :pk")
                    .limit(100);
                let query = query.expression_attribute_values(":pk", AttributeValue::S(partition(0)));
                assert_eq!(query.send().await.unwrap().count(), 100);
            }
        });
        println!(
            "Query of 100 items of 0.6 KB, {concurrency:>2} at a time: {}",
            report.await
        );
    }
    databases.shutdown().await;
}

/// A replay's read of a whole table: four segments at once, pages of 500.
async fn scan(runtime: &Runtime) {
    let dir = folder();
    let databases = open(&dir, runtime).await;
    for number in 0..200 {
        let puts = (0..100)
            .map(|task| put(EVENTS, event(task + 100 * number, 1, 500)))
            .collect();
        databases
            .durable
            .client()
            .transact_write_items()
            .set_transact_items(Some(puts))
            .send()
            .await
            .unwrap();
    }
    let started = runtime.monotonic();
    let segments = (0..4).map(|segment| {
        let scan = databases
            .durable
            .client()
            .scan()
            .table_name(EVENTS)
            .segment(segment)
            .total_segments(4)
            .limit(500);
        async move {
            let (mut pages, mut count) = (scan.into_paginator().send(), 0);
            while let Some(page) = pages.next().await {
                count += page.unwrap().count();
            }
            count
        }
    });
    let count: i32 = futures::future::join_all(segments).await.into_iter().sum();
    println!(
        "Scan of {count} items of 0.6 KB in 4 segments: {:.1?}",
        runtime.monotonic() - started
    );
    databases.shutdown().await;
}

/// Reading a stream back, after many writes.
async fn records(runtime: &Runtime) {
    let dir = folder();
    let databases = open(&dir, runtime).await;
    let database = &databases.durable;
    for batch in 0..60 {
        let puts = (0..100).map(|part| put(EVENTS, event(part, batch, 500))).collect();
        database
            .client()
            .transact_write_items()
            .set_transact_items(Some(puts))
            .send()
            .await
            .unwrap();
    }
    let table = database
        .client()
        .describe_table()
        .table_name(EVENTS)
        .send()
        .await
        .unwrap()
        .table
        .unwrap();
    let call = database
        .streams()
        .get_shard_iterator()
        .stream_arn(table.latest_stream_arn.unwrap());
    let call = call
        .shard_id(format!("shardId-00000001-{EVENTS}"))
        .shard_iterator_type(ShardIteratorType::TrimHorizon);
    let horizon = call.send().await.unwrap().shard_iterator.unwrap();
    let started = runtime.monotonic();
    for _ in 0..20 {
        let answer = database
            .streams()
            .get_records()
            .shard_iterator(&horizon)
            .limit(1_000)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.records().len(), 1_000);
    }
    println!(
        "GetRecords of 1,000 records of 0.6 KB: {:?} each",
        (runtime.monotonic() - started) / 20
    );
    databases.shutdown().await;
}

async fn put_plain(database: &Database, item: HashMap<String, AttributeValue>) {
    database
        .client()
        .put_item()
        .table_name(EVENTS)
        .set_item(Some(item))
        .send()
        .await
        .unwrap();
}

fn put(table: &str, item: HashMap<String, AttributeValue>) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(PK)");
    TransactWriteItem::builder().put(put.build().unwrap()).build()
}

fn partition(task: usize) -> String {
    format!("TENANT#demo#products#{task:08}")
}

fn event(task: usize, number: u64, bytes: usize) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("PK".to_owned(), AttributeValue::S(partition(task))),
        ("SK".to_owned(), AttributeValue::S(format!("{number:010}"))),
        ("time".to_owned(), AttributeValue::N("1795000000000000000".to_owned())),
        ("events".to_owned(), AttributeValue::B(Blob::new(vec![7; bytes]))),
    ])
}

fn claim_item(task: usize, number: u64, claim: usize) -> HashMap<String, AttributeValue> {
    HashMap::from([
        (
            "PK".to_owned(),
            AttributeValue::S(format!(
                "TENANT#demo#GTIN#{:016x}",
                (task as u64 * 1_000_003 + number * 7 + claim as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            )),
        ),
        ("owner".to_owned(), AttributeValue::S(partition(task))),
    ])
}

/// Calls `call` from `concurrency` tasks for so many seconds.
async fn drive<F, Fut>(runtime: &Runtime, concurrency: usize, seconds: u64, call: F) -> String
where
    F: Fn(usize, u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let started = runtime.monotonic();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    for task in 0..concurrency {
        let (runtime, call, sender) = (runtime.clone(), call.clone(), sender.clone());
        let body = runtime.clone();
        runtime.spawn(async move {
            let mut number = 0;
            while body.monotonic() - started < Duration::from_secs(seconds) {
                let before = body.monotonic();
                call(task, number).await;
                let _ = sender.send(body.monotonic() - before);
                number += 1;
            }
        });
    }
    drop(sender);
    let mut times = Vec::new();
    while let Some(time) = receiver.recv().await {
        times.push(time);
    }
    let wall = runtime.monotonic() - started;
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    format!(
        "{:>6.0} a second, p50 {:.1?}, p99 {:.1?}",
        times.len() as f64 / wall.as_secs_f64(),
        at(0.5),
        at(0.99)
    )
}
