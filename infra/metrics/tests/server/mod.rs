//! InfluxDB as a server: crashes, retention, what it refuses, and what callers may not do to one another.

use crate::contract::{at, point, query};
use headwater_engines::InfluxDb;
use headwater_kernel::Timestamp;
use headwater_metrics::{
    Error, MetricStore, PointWrite, Stat, Written,
    influx::{Access, InfluxStore},
};
use headwater_read_models::metrics::Point;
use headwater_runtime::{ManualClock, Runtime};
use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// Ends with this process.
static SERVER: LazyLock<InfluxDb> = LazyLock::new(InfluxDb::start);
static DATABASES: AtomicU32 = AtomicU32::new(1);

const DAY: Duration = Duration::from_hours(24);

fn at_server(endpoint: &str, keep: Option<Duration>, runtime: Runtime) -> InfluxStore {
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    // A name as hostile as the server takes.
    let name = format!("it's \"{number}\" & more; --");
    InfluxStore::new(endpoint, &name, Access::Open, keep, runtime).unwrap()
}

/// A database that nobody else uses.
pub(crate) async fn database(keep: Option<Duration>) -> InfluxStore {
    let endpoint = tokio::task::spawn_blocking(|| SERVER.endpoint()).await.unwrap();
    let store = at_server(&endpoint, keep, Runtime::tokio());
    store.create().await.unwrap();
    store
}

async fn write(store: &InfluxStore, points: Vec<Point>) -> Result<Written, Error> {
    let scope = headwater_tenancy::testing::scope("acme").await;
    store.write(vec![PointWrite { scope, points }]).await
}

async fn ask(store: &InfluxStore, stat: Stat) -> Result<Vec<Option<f64>>, Error> {
    let scope = headwater_tenancy::testing::scope("acme").await;
    let query = query("s", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "1d", stat);
    let items = store.query(&scope, &query).await?.items;
    Ok(items.into_iter().map(|item| item.value).collect())
}

fn one(value: f64) -> Point {
    point("s", "2026-03-01T10:00:00Z", &[], value)
}

#[tokio::test]
async fn what_was_answered_survives_kill_9() {
    let mut server = tokio::task::spawn_blocking(InfluxDb::start).await.unwrap();
    let store = at_server(&server.endpoint(), None, Runtime::tokio());
    store.create().await.unwrap();
    for n in 0..50 {
        let time = Timestamp::from_nanos(at("2026-03-01T10:00:00Z").nanos() + n);
        let written = write(&store, vec![Point { time, ..one(1.0) }]).await.unwrap();
        assert_eq!(written.kept, 1);
    }
    server.kill();
    let error = write(&store, vec![one(1.0)]).await.unwrap_err();
    assert!(
        matches!(error, Error::Unavailable(_)) && error.is_retryable(),
        "{error:?}"
    );
    assert!(matches!(ask(&store, Stat::Count).await, Err(Error::Unavailable(_))));
    server.restart();
    assert_eq!(ask(&store, Stat::Count).await.unwrap(), [Some(50.0)]);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told_and_not_empty() {
    let store = database(None).await;
    write(&store, vec![one(1.0)]).await.unwrap();
    store.remove().await.unwrap();
    assert!(write(&store, vec![one(1.0)]).await.is_err());
    assert!(ask(&store, Stat::Sum).await.is_err());
    let scope = headwater_tenancy::testing::scope("acme").await;
    assert!(store.series(&scope).await.is_err());
    // As often as one likes.
    store.remove().await.unwrap();
    store.create().await.unwrap();
    store.create().await.unwrap();
    assert_eq!(ask(&store, Stat::Sum).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_kept_no_more_is_told() {
    let endpoint = tokio::task::spawn_blocking(|| SERVER.endpoint()).await.unwrap();
    let clock = ManualClock::at(at("2026-03-05T00:00:00Z"));
    let store = at_server(&endpoint, Some(3 * DAY), Runtime::new(clock.clone()));
    store.create().await.unwrap();
    for stat in [Stat::Sum, Stat::P50] {
        match ask(&store, stat).await {
            Err(Error::PointsGone { since }) => assert_eq!(since, at("2026-03-02T00:00:00Z")),
            other => panic!("{other:?}"),
        }
    }
    clock.set(at("2026-03-04T00:00:00Z"));
    assert_eq!(ask(&store, Stat::Sum).await.unwrap(), []);
}

#[tokio::test]
async fn what_the_server_drops_is_counted() {
    let store = database(Some(3 * DAY)).await;
    let now = Point {
        time: Runtime::tokio().now(),
        ..one(1.0)
    };
    let old = point("s", "2001-03-01T10:00:00Z", &[], 1.0);
    let written = write(&store, vec![old, now]).await.unwrap();
    assert_eq!((written.kept, written.too_late), (1, 1));
}

#[tokio::test]
async fn what_passes_a_limit_of_the_server_is_counted_and_holds_up_nobody() {
    let start = || InfluxDb::start_with("max-values-per-tag = 10");
    let server = tokio::task::spawn_blocking(start).await.unwrap();
    let store = at_server(&server.endpoint(), None, Runtime::tokio());
    store.create().await.unwrap();
    let of = |user: u32| point("s", "2026-03-01T10:00:00Z", &[("user", &format!("u{user}"))], 1.0);
    // The server counts values before a request and not within it.
    let written = write(&store, (0..10).map(of).collect()).await.unwrap();
    assert_eq!((written.kept, written.refused), (10, 0));
    let written = write(&store, (0..25).map(of).collect()).await.unwrap();
    assert_eq!((written.kept, written.refused, written.too_late), (10, 15, 0));
    // Once more, as a delivery that comes again does; and others go on beside it.
    let another = headwater_tenancy::testing::scope("globex").await;
    let writes = [
        (
            headwater_tenancy::testing::scope("acme").await,
            (0..25).map(of).collect(),
        ),
        (another.clone(), vec![one(7.0)]),
    ];
    let writes = writes.map(|(scope, points)| PointWrite { scope, points }).to_vec();
    let written = store.write(writes).await.unwrap();
    assert_eq!((written.kept, written.refused), (11, 15));
    assert_eq!(ask(&store, Stat::Sum).await.unwrap(), [Some(10.0)]);
    let of_another = query("s", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "1d", Stat::Sum);
    assert_eq!(
        store.query(&another, &of_another).await.unwrap().items[0].value,
        Some(7.0)
    );
}

#[tokio::test]
async fn corrections_that_race_leave_the_highest() {
    let store = database(None).await;
    let mut writing = tokio::task::JoinSet::new();
    for version in 1..=20 {
        let point = Point {
            writer: 0,
            version,
            ..one(version as f64)
        };
        let store = store.clone();
        writing.spawn(async move { write(&store, vec![point]).await.unwrap() });
    }
    let written = writing.join_all().await;
    assert_eq!(written.iter().map(|one| one.kept + one.superseded).sum::<u64>(), 20);
    assert_eq!(ask(&store, Stat::Sum).await.unwrap(), [Some(20.0)]);
}

#[tokio::test]
async fn times_that_the_server_does_not_have_are_counted() {
    let store = database(None).await;
    let at = |nanos| Point {
        time: Timestamp::from_nanos(nanos),
        ..one(1.0)
    };
    let written = write(&store, vec![at(i64::MIN), at(i64::MAX), one(2.0)]).await.unwrap();
    assert_eq!((written.kept, written.too_late), (1, 2));
    assert_eq!(ask(&store, Stat::Sum).await.unwrap(), [Some(2.0)]);
}

#[tokio::test]
async fn a_secret_stays_out_of_errors() {
    let access = Access::Password {
        user: "u".to_owned(),
        password: "hunter2".to_owned(),
    };
    let store = InfluxStore::new("http://127.0.0.1:1/hunter2", "hunter2", access, None, Runtime::tokio()).unwrap();
    let error = write(&store, vec![one(1.0)]).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}
