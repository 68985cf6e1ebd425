//! The contract on Timestream's wire protocol, as `tests/engines` speaks it, and what only the service can be asked. With
//! `HEADWATER_TIMESTREAM_DATABASE` (and `AWS_REGION`, and credentials) the contract runs on that database of the service itself.
#![allow(clippy::unwrap_used, reason = "a test")]

mod contract;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use contract::{Store, at, point, query};
use headwater_dynamodb::AwsParts;
use headwater_engines::Timestream as Wire;
use headwater_metrics::{
    Error, MetricStore, PointWrite, Stat, Written,
    timestream::{Timestream, TimestreamConfig, TimestreamStore},
};
use headwater_runtime::Runtime;
use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicU32, Ordering},
};

static WIRE: LazyLock<Wire> = LazyLock::new(Wire::start);
static GENERATIONS: AtomicU32 = AtomicU32::new(1);

async fn at_wire(wire: &Wire) -> Timestream {
    let config = TimestreamConfig {
        region: "us-east-1".into(),
        database: "headwater".into(),
        table_prefix: "tests-".into(),
        endpoint: Some(wire.endpoint()),
        keep_days: 73_000,
    };
    let runtime = Runtime::tokio();
    let credentials = Credentials::new("test", "test", None, None, "test");
    let parts = AwsParts {
        credentials: Some(SharedCredentialsProvider::new(credentials)),
        ..AwsParts::load("us-east-1", &runtime, None).await
    };
    Timestream::with_parts(config, parts, &runtime)
}

async fn service() -> Timestream {
    let Ok(database) = std::env::var("HEADWATER_TIMESTREAM_DATABASE") else {
        return at_wire(&WIRE).await;
    };
    let config = TimestreamConfig {
        region: std::env::var("AWS_REGION").unwrap(),
        database,
        table_prefix: format!("tests-{}-", std::process::id()),
        endpoint: None,
        keep_days: 73_000,
    };
    Timestream::new(config, &Runtime::tokio()).await
}

/// A store in a table of its own.
async fn store() -> Store {
    let (service, generation) = (service().await, GENERATIONS.fetch_add(1, Ordering::Relaxed));
    Store {
        store: Arc::new(service.store(generation)),
        reopen: Box::new(move || -> Arc<dyn MetricStore> { Arc::new(service.store(generation)) }),
        _dir: tempfile::tempdir().unwrap(),
    }
}

contract::suite!(store);

/// A service of its own, for faults.
async fn own() -> (Wire, TimestreamStore) {
    let wire = Wire::start();
    let store = at_wire(&wire).await.store(1);
    (wire, store)
}

async fn write(store: &TimestreamStore, values: &[(&str, f64)]) -> Result<Written, Error> {
    let scope = headwater_tenancy::testing::scope("acme").await;
    let points = values
        .iter()
        .map(|(time, value)| point("s", time, &[("plan", "pro")], *value))
        .collect();
    store.write(vec![PointWrite { scope, points }]).await
}

async fn sum(store: &TimestreamStore) -> Option<f64> {
    let scope = headwater_tenancy::testing::scope("acme").await;
    let query = query("s", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "1d", Stat::Sum);
    store.query(&scope, &query).await.unwrap().items.first()?.value
}

const ONE: (&str, f64) = ("2026-03-01T10:00:00Z", 1.0);
const TWO: (&str, f64) = ("2026-03-01T11:00:00Z", 2.0);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttled_and_lost_answers_are_asked_again_and_count_once() {
    let (wire, store) = own().await;
    write(&store, &[ONE]).await.unwrap();
    wire.throttle(2);
    write(&store, &[TWO]).await.unwrap();
    wire.lose(2);
    write(&store, &[ONE, TWO]).await.unwrap();
    wire.throttle(1);
    assert_eq!(sum(&store).await, Some(3.0));
    wire.throttle(1_000);
    let error = write(&store, &[ONE]).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_records_are_counted_and_the_others_are_kept() {
    let (wire, store) = own().await;
    wire.only(at("2026-03-01T00:00:00Z").nanos()..at("2026-03-02T00:00:00Z").nanos());
    let written = write(&store, &[ONE, ("2026-02-01T10:00:00Z", 5.0), TWO]).await.unwrap();
    assert_eq!((written.kept, written.too_late), (2, 1));
    // Of 250 points the one that no record can hold is left out.
    let scope = headwater_tenancy::testing::scope("acme").await;
    let long = "x".repeat(3_000);
    let mut points: Vec<_> = (0..250)
        .map(|n| point("many", &format!("2026-03-01T10:{:02}:{:02}Z", n / 60, n % 60), &[], 1.0))
        .collect();
    points.push(point("many", ONE.0, &[("plan", &long)], 1.0));
    let written = store.write(vec![PointWrite { scope, points }]).await.unwrap();
    assert_eq!((written.kept, written.refused), (250, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_made_once_and_dropped_with_its_points() {
    let wire = Wire::start();
    let service = at_wire(&wire).await;
    service.check().await.unwrap();
    service.remove(1).await.unwrap();
    let (one, other) = (service.store(1), at_wire(&wire).await.store(1));
    assert_eq!(sum(&one).await, None);
    write(&one, &[ONE]).await.unwrap();
    write(&other, &[TWO]).await.unwrap();
    assert_eq!((sum(&one).await, sum(&other).await), (Some(3.0), Some(3.0)));
    service.remove(1).await.unwrap();
    assert_eq!(sum(&service.store(1)).await, None);
}
