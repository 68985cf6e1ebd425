//! Streams: what was written comes back in order.

use crate::{Fixture, item, put_new};
use aws_sdk_dynamodbstreams::types::{Record, ShardIteratorType};
use headwater_dynamodb::{Database, tables};

/// The table's one shard and an iterator at the start of it.
pub(crate) async fn horizon(database: &Database, table: &str) -> String {
    let description = database
        .client()
        .describe_table()
        .table_name(table)
        .send()
        .await
        .unwrap()
        .table
        .unwrap();
    let arn = description.latest_stream_arn.unwrap();
    let stream = database
        .streams()
        .describe_stream()
        .stream_arn(&arn)
        .send()
        .await
        .unwrap()
        .stream_description
        .unwrap();
    let [shard] = stream.shards() else { panic!("one shard") };
    assert_eq!(
        shard
            .sequence_number_range()
            .and_then(|range| range.ending_sequence_number()),
        None,
        "open"
    );
    let iterator = database
        .streams()
        .get_shard_iterator()
        .stream_arn(arn)
        .shard_id(shard.shard_id().unwrap());
    iterator
        .shard_iterator_type(ShardIteratorType::TrimHorizon)
        .send()
        .await
        .unwrap()
        .shard_iterator
        .unwrap()
}

/// All records from an iterator on, until an answer is empty.
pub(crate) async fn read(database: &Database, mut iterator: String) -> Vec<Record> {
    let mut records = Vec::new();
    loop {
        let answer = database
            .streams()
            .get_records()
            .shard_iterator(iterator)
            .send()
            .await
            .unwrap();
        iterator = answer.next_shard_iterator.unwrap();
        let new = answer.records.unwrap_or_default();
        if new.is_empty() {
            return records;
        }
        records.extend(new);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_back_in_the_order_of_writing_with_their_images() {
    let fixture = Fixture::open();
    fixture
        .databases
        .ensure_table(&tables::event_table("crm"))
        .await
        .unwrap();
    for sort in 0..1_500 {
        put_new(fixture.durable(), "crm-events", item("TENANT#demo", sort, 1_500))
            .send()
            .await
            .unwrap();
    }
    let iterator = horizon(fixture.durable(), "crm-events").await;
    let records = read(fixture.durable(), iterator).await;
    assert_eq!(records.len(), 1_500);
    let mut last = String::new();
    for (sort, record) in records.iter().enumerate() {
        let change = record.dynamodb().unwrap();
        assert_eq!(
            change.new_image().unwrap()["SK"].as_s().unwrap(),
            &format!("{sort:010}")
        );
        assert_eq!(
            change.new_image().unwrap()["body"].as_b().unwrap().as_ref().len(),
            1_500
        );
        assert!(change.sequence_number().unwrap() > last.as_str());
        last = change.sequence_number().unwrap().to_owned();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn activity_tells_of_streamed_writes_and_of_nothing_else() {
    let fixture = Fixture::open();
    fixture
        .databases
        .ensure_table(&tables::event_table("crm"))
        .await
        .unwrap();
    fixture
        .databases
        .ensure_table(&tables::snapshots_table("crm"))
        .await
        .unwrap();
    let mut activity = fixture.durable().activity().unwrap();
    activity.mark_unchanged();
    put_new(fixture.durable(), "crm-snapshots", item("TENANT#demo", 1, 10))
        .send()
        .await
        .unwrap();
    fixture.durable().client().list_tables().send().await.unwrap();
    assert!(!activity.has_changed().unwrap());
    put_new(fixture.durable(), "crm-events", item("TENANT#demo", 1, 10))
        .send()
        .await
        .unwrap();
    activity.changed().await.unwrap();
    put_new(fixture.durable(), "crm-events", item("TENANT#demo", 1, 10))
        .send()
        .await
        .unwrap_err();
    fixture.durable().client().list_tables().send().await.unwrap();
    assert!(!activity.has_changed().unwrap(), "a failed condition wrote nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn latest_is_refused() {
    let fixture = Fixture::open();
    fixture
        .databases
        .ensure_table(&tables::event_table("crm"))
        .await
        .unwrap();
    let table = fixture
        .durable()
        .client()
        .describe_table()
        .table_name("crm-events")
        .send()
        .await
        .unwrap()
        .table
        .unwrap();
    let call = fixture
        .durable()
        .streams()
        .get_shard_iterator()
        .stream_arn(table.latest_stream_arn.unwrap());
    let call = call
        .shard_id("shardId-00000001-crm-events")
        .shard_iterator_type(ShardIteratorType::Latest);
    assert!(call.send().await.is_err());
}
