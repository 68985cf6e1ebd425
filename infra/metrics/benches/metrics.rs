//! Metrics: what writing and reading takes, beside the same series as items of DynamoDB that are read and averaged in code; and what both
//! cost a month.
//!
//! `cargo xtask bench metrics`. Prints a table for the README. 100 series of a tenant with a point a minute for 30 days, written in batches
//! of 10,000 in order of time, as they would come.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement of real time"
)]
#![allow(clippy::print_stdout, reason = "its output")]

mod dynamo;
mod prices;

use headwater_engines::InfluxDb;
use headwater_kernel::Timestamp;
use headwater_metrics::{
    Bin, Fill, MetricStore, PointWrite, Query, Stat,
    influx::{Access, InfluxStore},
    sqlite::SqliteStore,
};
use headwater_read_models::metrics::{Dimensions, Point};
use headwater_runtime::Runtime;
use headwater_tenancy::{TenantScope, testing::scope};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SERIES: usize = 100;
/// Of each series: one a minute for 30 days.
const POINTS: usize = 43_200;
const BATCH: usize = 10_000;
/// How often each question is asked.
const ASKED: usize = 200;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metrics.db");
    let store = SqliteStore::open(&file, Runtime::tokio()).unwrap();
    let scope = scope("acme").await;

    println!("SQLite");
    written(&store, &scope).await;
    println!("  {:.0} bytes a point with its rollups", bytes_a_point(folder.path()));
    println!("30 days of one series by the hour, {ASKED} times | p50 | p99");
    asked(&store, &scope, ASKED).await;
    let took = (0..ASKED).map(|n| from_points(&file, n % SERIES)).collect();
    line("avg, min and max of the points, by SQL on the file", took);

    println!("\nInfluxDB 1.6, by the adapter");
    let server = tokio::task::spawn_blocking(InfluxDb::start).await.unwrap();
    let influx = InfluxStore::new(&server.endpoint(), "bench", Access::Open, None, Runtime::tokio()).unwrap();
    influx.create().await.unwrap();
    written(&influx, &scope).await;
    let influx_bytes = bytes_a_point(server.folder());
    println!("  {influx_bytes:.0} bytes a point, with what is not compacted yet");
    asked(&influx, &scope, ASKED / 10).await;

    let dynamo = dynamo::measure(&scope, || (0..POINTS).map(|n| (time(n), value(0, n)))).await;
    println!("\nDynamoDB, embedded");
    line("avg, min and max of items, in code", dynamo.took.clone());
    println!(
        "  read units of such a question: {:.1}, and 0 of the others; write units of the series: {:.0}, and 0",
        dynamo.read_units, dynamo.write_units
    );
    prices::print(&dynamo, influx_bytes);
}

async fn written(store: &dyn MetricStore, scope: &TenantScope) {
    let took = fill(store, scope).await;
    let all = SERIES * POINTS;
    println!(
        "  {all} points in {took:.1?}: {:.0} points a second",
        all as f64 / took.as_secs_f64()
    );
}

async fn asked(store: &dyn MetricStore, scope: &TenantScope, times: usize) {
    for (name, stats) in [
        ("avg", &[Stat::Avg][..]),
        (
            "avg, min and max, one after another",
            &[Stat::Avg, Stat::Min, Stat::Max],
        ),
        ("p99, which is of the points", &[Stat::P99]),
    ] {
        let mut took = Vec::new();
        for n in 0..times {
            let began = Instant::now();
            for stat in stats {
                let answer = store.query(scope, &hourly(n % SERIES, *stat)).await.unwrap();
                assert_eq!(answer.items.len(), 720);
            }
            took.push(began.elapsed());
        }
        line(name, took);
    }
}

fn line(name: &str, mut took: Vec<Duration>) {
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("  {name} | {:.2} ms | {:.2} ms", at(0.5), at(0.99));
}

fn start() -> Timestamp {
    Timestamp::parse("2026-03-01T00:00:00Z").unwrap()
}

fn time(n: usize) -> Timestamp {
    start().plus(Bin::MINUTE.duration() * n as u32)
}

/// Different from point to point, and the same in every run.
fn value(series: usize, n: usize) -> f64 {
    ((n * 7_919 + series * 104_729) % 10_007) as f64 / 8.0
}

fn name(series: usize) -> String {
    format!("meter-{series:03}")
}

async fn fill(store: &dyn MetricStore, scope: &TenantScope) -> Duration {
    let dimensions = Dimensions::from([("plan".to_owned(), "pro".to_owned())]);
    let mut took = Duration::ZERO;
    for first in (0..SERIES * POINTS).step_by(BATCH) {
        let points = (first..(first + BATCH).min(SERIES * POINTS)).map(|at| Point {
            series: name(at % SERIES),
            dimensions: dimensions.clone(),
            time: time(at / SERIES),
            writer: 7,
            version: 1,
            value: value(at % SERIES, at / SERIES),
        });
        let write = PointWrite {
            scope: scope.clone(),
            points: points.collect(),
        };
        let began = Instant::now();
        store.write(vec![write]).await.unwrap();
        took += began.elapsed();
    }
    took
}

fn hourly(series: usize, stat: Stat) -> Query {
    Query {
        series: name(series),
        from: start(),
        to: time(POINTS),
        bin: Bin::HOUR,
        stat,
        filters: Default::default(),
        group_by: Vec::new(),
        fill: Fill::None,
    }
}

/// The same without rollups, which the port never does for whole hours.
fn from_points(file: &Path, series: usize) -> Duration {
    let connection = rusqlite::Connection::open(file).unwrap();
    let began = Instant::now();
    let mut bins = connection
        .prepare(
            "SELECT time / 3600000000000, avg(value), min(value), max(value) FROM points \
             WHERE line = (SELECT line FROM lines WHERE tenant = 'acme' AND series = ?1) AND time >= ?2 AND time < ?3 GROUP BY 1",
        )
        .unwrap();
    let asked = rusqlite::params![name(series), start().nanos(), time(POINTS).nanos()];
    let rows: Vec<f64> = bins
        .query_map(asked, |row| row.get(1))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows.len(), 720);
    began.elapsed()
}

fn bytes_a_point(folder: &Path) -> f64 {
    size(folder) as f64 / (SERIES * POINTS) as f64
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => size(&entry.path()),
        Ok(data) => data.len(),
        // Compacted away since.
        Err(_) => 0,
    };
    entries.map(of).sum()
}
