//! The file of the embedded adapter: retention, crashes, damage.

use crate::contract::{at, point, query};
use futures::future::BoxFuture;
use headwater_kernel::Timestamp;
use headwater_metrics::{
    Error, MetricStore, PointWrite, Query, Stat,
    sqlite::{Retention, SqliteStore},
};
use headwater_read_models::metrics::Point;
use headwater_runtime::{Environment, ManualClock, Runtime, Task};
use std::{
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

const DAY: Duration = Duration::from_hours(24);

async fn write(store: &SqliteStore, points: Vec<Point>) -> headwater_metrics::Written {
    let scope = headwater_tenancy::testing::scope("acme").await;
    store.write(vec![PointWrite { scope, points }]).await.unwrap()
}

async fn ask(store: &SqliteStore, query: &Query) -> Result<Vec<Option<f64>>, Error> {
    let scope = headwater_tenancy::testing::scope("acme").await;
    let items = store.query(&scope, query).await?.items;
    Ok(items.into_iter().map(|item| item.value).collect())
}

#[tokio::test]
async fn points_go_when_they_are_old_and_their_day_has_settled() {
    let dir = tempfile::tempdir().unwrap();
    let (clock, start) = (ManualClock::at(at("2026-06-15T12:00:00Z")), at("2026-06-15T12:00:00Z"));
    let store = SqliteStore::open(&dir.path().join("metrics.db"), Runtime::new(clock.clone())).unwrap();
    let old = |hour: u32, value: f64| point("s", &format!("2026-03-01T{hour:02}:30:00Z"), &[], value);
    let by = |bin: &str, stat| query("s", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", bin, stat);
    // The log fills a new store: its points are old when they come, and their rollups are whole all the same.
    write(&store, vec![old(1, 1.0)]).await;
    store.sweep().await.unwrap();
    clock.set(start.plus(6 * DAY));
    assert_eq!(write(&store, vec![old(2, 2.0)]).await.kept, 1);
    store.sweep().await.unwrap();
    assert_eq!(ask(&store, &by("1d", Stat::P99)).await.unwrap(), [Some(2.0)]);
    // Nothing has come for a week.
    clock.set(start.plus(13 * DAY));
    store.sweep().await.unwrap();
    assert_eq!(ask(&store, &by("1d", Stat::Sum)).await.unwrap(), [Some(3.0)]);
    assert_eq!(ask(&store, &by("1h", Stat::Max)).await.unwrap(), [Some(1.0), Some(2.0)]);
    let since = at("2026-03-02T00:00:00Z");
    for gone in [
        by("1d", Stat::P50),
        Query {
            from: at("2026-03-01T00:00:01Z"),
            ..by("1d", Stat::Sum)
        },
    ] {
        match ask(&store, &gone).await {
            Err(Error::PointsGone { since: said }) => assert_eq!(said, since),
            other => panic!("{other:?}"),
        }
    }
    // What comes now is too late, also what was there, and changes nothing.
    let written = write(
        &store,
        vec![old(1, 1.0), old(3, 9.0), point("s", "2026-06-20T00:00:00Z", &[], 1.0)],
    )
    .await;
    assert_eq!((written.too_late, written.kept), (2, 1));
    assert_eq!(ask(&store, &by("1d", Stat::Sum)).await.unwrap(), [Some(3.0)]);
    // Minutes go later.
    assert_eq!(ask(&store, &by("1m", Stat::Sum)).await.unwrap(), [Some(1.0), Some(2.0)]);
    clock.set(at("2027-05-01T00:00:00Z"));
    store.sweep().await.unwrap();
    assert!(matches!(
        ask(&store, &by("1m", Stat::Sum)).await,
        Err(Error::PointsGone { .. })
    ));
    assert_eq!(ask(&store, &by("1h", Stat::Sum)).await.unwrap(), [Some(1.0), Some(2.0)]);
}

/// A machine whose time of day and whose time since its start are moved by hand.
#[derive(Clone)]
struct Machine {
    clock: ManualClock,
    up: Arc<AtomicU64>,
}

impl Machine {
    fn at(start: &str) -> Self {
        Self {
            clock: ManualClock::at(at(start)),
            up: Arc::default(),
        }
    }

    /// Both go on.
    fn pass(&self, time: Duration) {
        self.clock.set(self.clock.now().plus(time));
        self.up.fetch_add(time.as_secs(), Ordering::SeqCst);
    }
}

impl Environment for Machine {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.up.load(Ordering::SeqCst))
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.clock.fill(bytes);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(duration)
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) -> Task {
        self.clock.spawn(task)
    }
}

#[tokio::test]
async fn a_sweep_runs_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let machine = Machine::at("2026-03-01T00:00:00Z");
    let retention = Retention {
        points: DAY,
        settled: Duration::ZERO,
        ..Retention::default()
    };
    let file = dir.path().join("metrics.db");
    let store = SqliteStore::open_with(&file, move |_| retention, Runtime::new(machine.clone())).unwrap();
    write(&store, vec![point("s", "2026-03-01T00:00:00Z", &[], 1.0)]).await;
    machine.pass(4 * DAY);
    write(&store, vec![point("s", "2026-03-05T00:00:00Z", &[], 1.0)]).await;
    let first = query("s", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "1h", Stat::P50);
    assert!(matches!(ask(&store, &first).await, Err(Error::PointsGone { .. })));
}

#[tokio::test]
async fn a_clock_that_jumps_drops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let machine = Machine::at("2026-03-01T12:00:00Z");
    let file = dir.path().join("metrics.db");
    let store = SqliteStore::open(&file, Runtime::new(machine.clone())).unwrap();
    let of = |minute: u32| point("s", &format!("2026-03-01T12:{minute:02}:00Z"), &[], 1.0);
    write(&store, vec![of(0)]).await;
    machine.pass(2 * DAY);
    write(&store, vec![of(1)]).await;
    // A year too far, for half an hour; what happens in it has such times too.
    machine.clock.set(at("2027-03-03T12:00:00Z"));
    write(&store, vec![point("s", "2027-03-03T12:00:00Z", &[], 1.0)]).await;
    machine.pass(Duration::from_secs(30 * 60));
    write(&store, vec![point("s", "2027-03-03T12:30:00Z", &[], 1.0)]).await;
    machine.clock.set(at("2026-03-03T12:30:00Z"));
    assert_eq!(write(&store, vec![of(4)]).await.kept, 1);
    let day = query("s", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "1d", Stat::P50);
    assert_eq!(ask(&store, &day).await.unwrap(), [Some(1.0)]);
}

#[tokio::test]
async fn each_series_has_a_retention_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(at("2026-03-01T12:00:00Z"));
    let of_series = |series: &str| Retention {
        points: if series == "short" { DAY } else { 30 * DAY },
        settled: Duration::ZERO,
        ..Retention::default()
    };
    let file = dir.path().join("metrics.db");
    let store = SqliteStore::open_with(&file, of_series, Runtime::new(clock.clone())).unwrap();
    let of = |series: &str| point(series, "2026-03-01T10:00:00Z", &[], 1.0);
    write(&store, vec![of("short"), of("long")]).await;
    clock.set(at("2026-03-05T00:00:00Z"));
    store.sweep().await.unwrap();
    let ask_for = async |series: &str| {
        let median = query(series, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "1d", Stat::P50);
        ask(&store, &median).await
    };
    assert!(matches!(ask_for("short").await, Err(Error::PointsGone { .. })));
    assert_eq!(ask_for("long").await.unwrap(), [Some(1.0)]);
    let written = write(&store, vec![of("short"), of("long")]).await;
    assert_eq!((written.too_late, written.kept), (1, 1));
}

#[tokio::test]
async fn what_is_no_store_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("metrics.db");
    std::fs::write(&file, "this is no database, however long it may be".repeat(100)).unwrap();
    let error = SqliteStore::open(&file, Runtime::tokio()).unwrap_err();
    assert!(
        matches!(&error, Error::Corrupt(what) if what.to_string().contains("metrics.db")),
        "{error:?}"
    );
    std::fs::remove_file(&file).unwrap();
    drop(SqliteStore::open(&file, Runtime::tokio()).unwrap());
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = SqliteStore::open(&file, Runtime::tokio()).unwrap_err();
    assert!(
        matches!(&error, Error::Corrupt(what) if what.to_string().contains("version 99")),
        "{error:?}"
    );
    SqliteStore::remove(&file).unwrap();
    SqliteStore::remove(&file).unwrap();
    assert!(!file.exists());
}

/// Names the file that the child of the test below writes to.
const CHILD: &str = "HEADWATER_METRICS_TEST_FILE";

/// The same, of one whose files may not grow.
const FULL: &str = "HEADWATER_METRICS_TEST_FULL_DISK";

/// The batch `n`: ten points, a second apart, each worth 1.
fn batch(n: u64) -> Vec<Point> {
    let start = at("2026-03-01T00:00:00Z").nanos();
    (0..10)
        .map(|i| Point {
            time: Timestamp::from_nanos(start + (n * 10 + i).cast_signed() * 1_000_000_000),
            ..point("s", "2026-03-01T00:00:00Z", &[], 1.0)
        })
        .collect()
}

/// Writes for ever in the child; without a file it has nothing to do.
#[tokio::test]
async fn child_that_is_killed() {
    let Some(file) = std::env::var_os(CHILD) else { return };
    let store = SqliteStore::open(Path::new(&file), Runtime::tokio()).unwrap();
    for n in 0.. {
        write(&store, batch(n)).await;
        println!("wrote {n}");
    }
}

/// Writes in a child whose files may not grow for ever, until it cannot.
#[tokio::test]
async fn child_with_a_full_disk() {
    let Some(file) = std::env::var_os(FULL) else { return };
    let store = SqliteStore::open(Path::new(&file), Runtime::tokio()).unwrap();
    let scope = headwater_tenancy::testing::scope("acme").await;
    for n in 0..100_000 {
        let scope = scope.clone();
        let points = batch(n);
        match store.write(vec![PointWrite { scope, points }]).await {
            Ok(_) => println!("wrote {n}"),
            Err(error) => {
                assert!(matches!(error, Error::Storage(_)) && error.is_retryable(), "{error:?}");
                // What was written before is answered on.
                let all = query("s", "2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z", "1d", Stat::Count);
                let there: f64 = ask(&store, &all).await.unwrap().into_iter().flatten().sum();
                assert_eq!(there, (n * 10) as f64);
                println!("full at {n}");
                return;
            }
        }
    }
    panic!("the disk was never full");
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_that_was_answered_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("metrics.db");
    // The shell ignores the signal of the limit, and its child with it, so that the write fails as on a full disk.
    let output = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 1024; exec \"$0\" file::child_with_a_full_disk --exact --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(FULL, &file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let full = said
        .lines()
        .find_map(|line| line.split_once("full at ")?.1.parse().ok());
    let full: u64 = full.unwrap_or_else(|| panic!("{said}"));
    // There is room again: the same write passes.
    let store = SqliteStore::open(&file, Runtime::tokio()).unwrap();
    assert_eq!(write(&store, batch(full)).await.kept, 10);
    let all = query("s", "2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z", "1d", Stat::Count);
    let there: f64 = ask(&store, &all).await.unwrap().into_iter().flatten().sum();
    assert_eq!(there, ((full + 1) * 10) as f64);
}

#[tokio::test]
async fn what_was_answered_survives_kill_9() {
    use std::io::{BufRead, BufReader};
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("metrics.db");
    let mut first = 0;
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["file::child_that_is_killed", "--exact", "--nocapture"])
            .env(CHILD, &file)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wrote = lines.map_while(Result::ok).filter_map(|line| {
            let (_, n) = line.split_once("wrote ")?;
            n.parse::<u64>().ok()
        });
        let mut last = 0;
        for n in wrote {
            last = n;
            if n >= 40 * round {
                let _ = child.kill();
            }
        }
        child.wait().unwrap();
        first = first.max(last);
        let store = SqliteStore::open(&file, Runtime::tokio()).unwrap();
        let all = query("s", "2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z", "1d", Stat::Count);
        let there: f64 = ask(&store, &all).await.unwrap().into_iter().flatten().sum();
        assert!(
            there >= (first + 1) as f64 * 10.0,
            "{there} points, and batch {first} was answered"
        );
        assert_eq!(there % 10.0, 0.0, "a batch is there whole or not at all");
        let by_minute = query("s", "2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z", "1m", Stat::Sum);
        let minutes: f64 = ask(&store, &by_minute).await.unwrap().into_iter().flatten().sum();
        assert_eq!(minutes, there, "rollups are as of the same write");
    }
}
