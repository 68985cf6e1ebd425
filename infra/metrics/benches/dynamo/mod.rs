//! The other way: each point an item of DynamoDB, all of a series read page by page, and averaged in code. On the embedded engine, whose
//! read and write units are DynamoDB's.

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use headwater_dynamodb::{AccessPattern, Database, Databases, Store, TableDefinition};
use headwater_kernel::Timestamp;
use headwater_runtime::Runtime;
use headwater_tenancy::TenantScope;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

const TABLE: &str = "metric-points";
/// As often as is enough for a median.
const ASKED: usize = 20;

/// What it takes.
pub(crate) struct Measured {
    pub(crate) took: Vec<Duration>,
    /// Of one question, eventually consistent.
    pub(crate) read_units: f64,
    /// Of all points of the series.
    pub(crate) write_units: f64,
    pub(crate) bytes_an_item: f64,
}

pub(crate) async fn measure<I: Iterator<Item = (Timestamp, f64)>>(
    scope: &TenantScope,
    points: impl Fn() -> I,
) -> Measured {
    let folder = tempfile::tempdir().unwrap();
    let databases = Databases::embedded(folder.path(), Runtime::tokio()).unwrap();
    let database = &databases.rebuildable;
    let definition = TableDefinition {
        name: TABLE.to_owned(),
        partition_key: "PK",
        sort_key: Some("SK"),
        indexes: Vec::new(),
        stream: false,
        ttl: None,
        store: Store::Rebuildable,
    };
    database.ensure_table(&definition).await.unwrap();
    let key = scope.key_below(["metrics", "meter-000", "plan=pro"]);
    let (mut bytes, mut items) = (0, 0);
    let mut batch = Vec::new();
    let before = database.accounting().snapshot();
    for (time, value) in points() {
        let (time, value) = (time.to_string(), value.to_string());
        // Names and texts count by their bytes, a number by about half of its digits and one.
        bytes += "PKSKvalue".len() + key.len() + time.len() + value.len() / 2 + 1;
        items += 1;
        let put = PutRequest::builder()
            .item("PK", AttributeValue::S(key.clone()))
            .item("SK", AttributeValue::S(time))
            .item("value", AttributeValue::N(value));
        batch.push(WriteRequest::builder().put_request(put.build().unwrap()).build());
        if batch.len() == 25 {
            send(database, std::mem::take(&mut batch)).await;
        }
    }
    send(database, batch).await;
    let written = database.accounting().since(&before);
    let before = database.accounting().snapshot();
    let mut took = Vec::new();
    for _ in 0..ASKED {
        let began = Instant::now();
        assert_eq!(hourly(database, scope, &key).await.len(), 720);
        took.push(began.elapsed());
    }
    let read = database.accounting().since(&before);
    Measured {
        took,
        read_units: read.iter().map(|usage| usage.read_units).sum::<f64>() / ASKED as f64,
        write_units: written.iter().map(|usage| usage.write_units).sum(),
        bytes_an_item: bytes as f64 / items as f64,
    }
}

async fn send(database: &Database, batch: Vec<WriteRequest>) {
    if batch.is_empty() {
        return;
    }
    let sent = database
        .client()
        .batch_write_item()
        .request_items(database.table(TABLE), batch);
    let answer = sent.send().await.unwrap();
    assert!(answer.unprocessed_items().is_none_or(|left| left.is_empty()));
}

/// Count, sum, least and greatest by the hour.
async fn hourly(database: &Database, scope: &TenantScope, key: &str) -> BTreeMap<String, (u64, f64, f64, f64)> {
    let mut bins = BTreeMap::new();
    let mut after = None;
    loop {
        let query = database
            .client()
            .query()
            .table_name(database.table(TABLE))
            .key_condition_expression("PK = :pk AND SK BETWEEN :from AND :to")
            .expression_attribute_values(":pk", AttributeValue::S(key.to_owned()))
            .expression_attribute_values(":from", AttributeValue::S("2026-03-01".to_owned()))
            .expression_attribute_values(":to", AttributeValue::S("2026-03-31".to_owned()))
            .set_exclusive_start_key(after)
            // A page of DynamoDB ends at 1 MB, before that many.
            .limit(20_000);
        let pattern = AccessPattern::of("metrics.raw", scope.tenant());
        let page = query.customize().interceptor(pattern).send().await.unwrap();
        for item in page.items() {
            let hour = item["SK"].as_s().unwrap()[..13].to_owned();
            let value: f64 = item["value"].as_n().unwrap().parse().unwrap();
            let (count, sum, min, max) = bins.entry(hour).or_insert((0, 0.0, value, value));
            (*count, *sum, *min, *max) = (*count + 1, *sum + value, min.min(value), max.max(value));
        }
        after = page.last_evaluated_key;
        if after.is_none() {
            return bins;
        }
    }
}
