//! What happens between groups: trimming, expiry, checkpoints.

use crate::{
    item, put_new,
    streams::{horizon, read},
    text,
};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::{error::ProvideErrorMetadata, types::ShardIteratorType};
use headwater_dynamodb::{Databases, EngineOptions, tables};
use headwater_kernel::Timestamp;
use headwater_runtime::{ManualClock, Runtime};
use std::time::Duration;

const HOUR: i64 = 3_600_000_000_000;
const START: i64 = 1_795_000_000_000_000_000;

/// Housekeeping every 20 ms.
fn often() -> EngineOptions {
    EngineOptions {
        housekeeping: Duration::from_millis(20),
        ..EngineOptions::default()
    }
}

/// Waits until `done`, for five seconds at most.
async fn eventually(runtime: &Runtime, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..250 {
        if done().await {
            return;
        }
        runtime.sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not happen");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_older_than_a_day_go_and_a_late_reader_is_told() {
    let clock = ManualClock::at(Timestamp::from_nanos(START));
    let runtime = Runtime::new(clock.clone());
    let dir = tempfile::tempdir().unwrap();
    let databases = Databases::embedded_with_options(dir.path(), runtime.clone(), &often()).unwrap();
    let log = &databases.durable;
    databases.ensure_table(&tables::event_table("crm")).await.unwrap();
    databases.ensure_table(&tables::event_table("catalog")).await.unwrap();
    for sort in 0..50 {
        put_new(log, "crm-events", item("TENANT#demo", sort, 10))
            .send()
            .await
            .unwrap();
    }
    put_new(log, "catalog-events", item("TENANT#demo", 1, 10))
        .send()
        .await
        .unwrap();
    let all = read(log, horizon(log, "crm-events").await).await;
    assert_eq!(all.len(), 50);
    let early = all[10].dynamodb().unwrap().sequence_number().unwrap().to_owned();

    clock.set(Timestamp::from_nanos(START + 20 * HOUR));
    put_new(log, "crm-events", item("TENANT#demo", 50, 10))
        .send()
        .await
        .unwrap();
    clock.set(Timestamp::from_nanos(START + 25 * HOUR));
    eventually(&runtime, async || {
        read(log, horizon(log, "crm-events").await).await.len() == 1
    })
    .await;
    assert_eq!(
        read(log, horizon(log, "catalog-events").await).await.len(),
        1,
        "the last of a stream is kept"
    );

    let table = log
        .client()
        .describe_table()
        .table_name("crm-events")
        .send()
        .await
        .unwrap()
        .table
        .unwrap();
    let call = log
        .streams()
        .get_shard_iterator()
        .stream_arn(table.latest_stream_arn.unwrap())
        .shard_id("shardId-00000001-crm-events");
    let call = call
        .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
        .sequence_number(early);
    let refused = call.send().await.unwrap_err();
    assert_eq!(refused.code(), Some("TrimmedDataAccessException"));
    assert!(refused.as_service_error().unwrap().is_trimmed_data_access_exception());

    // Numbers go on rising even if the clock is set back.
    clock.set(Timestamp::from_nanos(START));
    put_new(log, "crm-events", item("TENANT#demo", 51, 10))
        .send()
        .await
        .unwrap();
    let rest = read(log, horizon(log, "crm-events").await).await;
    let numbers: Vec<_> = rest
        .iter()
        .map(|record| record.dynamodb().unwrap().sequence_number().unwrap())
        .collect();
    assert!(numbers.len() == 2 && numbers.is_sorted(), "{numbers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn items_past_their_time_to_live_go() {
    let clock = ManualClock::at(Timestamp::from_nanos(START));
    let runtime = Runtime::new(clock.clone());
    let dir = tempfile::tempdir().unwrap();
    let databases = Databases::embedded_with_options(dir.path(), runtime.clone(), &often()).unwrap();
    let mut definition = tables::checkpoints_table();
    definition.ttl = Some("expires");
    databases.ensure_table(&definition).await.unwrap();
    databases.ensure_table(&definition).await.unwrap();
    let views = &databases.rebuildable;
    for sort in 0..1_200 {
        let mut row = item("TENANT#demo", sort, 10);
        if sort % 2 == 0 {
            row.insert(
                "expires".to_owned(),
                AttributeValue::N((START / 1_000_000_000 + 60).to_string()),
            );
        }
        put_new(views, "checkpoints", row).send().await.unwrap();
    }
    let count = async || {
        let query = views
            .client()
            .query()
            .table_name("checkpoints")
            .key_condition_expression("PK = :pk")
            .limit(2_000);
        query
            .expression_attribute_values(":pk", text("TENANT#demo"))
            .send()
            .await
            .unwrap()
            .count()
    };
    runtime.sleep(Duration::from_millis(100)).await;
    assert_eq!(count().await, 1_200);
    clock.set(Timestamp::from_nanos(START + HOUR));
    eventually(&runtime, async || count().await == 600).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_write_ahead_log_is_emptied_when_it_is_long() {
    let dir = tempfile::tempdir().unwrap();
    let options = EngineOptions {
        checkpoint: 1 << 20,
        ..EngineOptions::default()
    };
    let databases = Databases::embedded_with_options(dir.path(), Runtime::tokio(), &options).unwrap();
    databases.ensure_table(&tables::event_table("crm")).await.unwrap();
    for sort in 0..400 {
        put_new(&databases.durable, "crm-events", item("TENANT#demo", sort, 8_000))
            .send()
            .await
            .unwrap();
        let length = std::fs::metadata(dir.path().join("log.db-wal")).unwrap().len();
        assert!(length < (1 << 20) + 200_000, "{length}");
    }
    databases.shutdown().await;
    let databases = Databases::embedded(dir.path(), Runtime::tokio()).unwrap();
    let records = read(&databases.durable, horizon(&databases.durable, "crm-events").await).await;
    assert_eq!(records.len(), 400);
}
