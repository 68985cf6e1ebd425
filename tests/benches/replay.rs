//! Rebuilds of projections on the embedded engine, beside raw BatchWriteItem of the same items in the same run: rows a second, write units a
//! row, peak memory.
//!
//! `cargo xtask bench replay [EVENTS [EVENTS_PER_AGGREGATE]]`: the products of `HEADWATER_PRODUCTS` (or the repository's neighbour), and so
//! many synthetic events. Everything goes its real way: readers attach, the log is read, the generation is compared and switched to.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement of real time"
)]
#![allow(clippy::print_stdout, reason = "its output")]

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use flate2::read::GzDecoder;
use futures::{StreamExt, stream};
use headwater_dynamo_repository::{GenerationRegister, GenerationState, Generations, Registered, Repository};
use headwater_dynamodb::{Databases, tables};
use headwater_event_log::{EventLog, Options};
use headwater_projectors::{
    Budget, Catalogue, Indexes, Keeper, Metrics, Progress, ReplayError, ReplayOptions, Replays, RunnerOptions, Sources,
    Stores,
};
use headwater_read_models::{ProjectionRegistry, product_view};
use headwater_runtime::Runtime;
use headwater_tenancy::WorkerAuthority;
use headwater_tests::{account, projections, sealing_key};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Item = HashMap<String, AttributeValue>;

struct Case {
    name: String,
    context: &'static str,
    projection: &'static str,
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A commit as the log lays it out.
fn commit(aggregate: &str, id: &str, sequence: u64, events: &Value) -> Item {
    Item::from([
        ("PK".to_owned(), text(format!("TENANT#acme#{aggregate}#{id}"))),
        ("SK".to_owned(), text(format!("{sequence:020}"))),
        ("v".to_owned(), number(1)),
        ("events".to_owned(), text(events.to_string())),
        ("n".to_owned(), number(events.as_array().map_or(1, Vec::len))),
        ("command_id".to_owned(), text(format!("c-{id}-{sequence}"))),
        ("tag".to_owned(), text("0123456789abcdef0123456789abcdef")),
        ("actor".to_owned(), text("user:bench")),
        ("time".to_owned(), number(1_795_000_000_000_000_000_u64 + sequence)),
        ("writer".to_owned(), number(123_456_789_012_345_u64)),
    ])
}

fn products() -> Option<Vec<Item>> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/products");
    let folder = std::env::var_os("HEADWATER_PRODUCTS").map_or(default, PathBuf::from);
    let file = File::open(folder.join("products.ndjson.gz")).ok()?;
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    let created = lines.map(|line| {
        let mut data: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let id = data.as_object_mut().unwrap().remove("id").unwrap();
        data["currency"] = data.get("currency").cloned().unwrap_or_else(|| "USD".into());
        let event = json!([{ "type": "ProductCreated", "v": 1, "data": data }]);
        commit("products", id.as_str().unwrap(), 1, &event)
    });
    Some(created.collect())
}

/// Writes items in bulk; how long that took, and what it consumed.
async fn raw(databases: &Databases, table: &str, items: impl Iterator<Item = Item>, durable: bool) -> (Duration, f64) {
    let database = if durable {
        &databases.durable
    } else {
        &databases.rebuildable
    };
    let client = database.client();
    let requests = items.map(|item| {
        let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    });
    let mut requests = requests.peekable();
    let batches = std::iter::from_fn(move || {
        requests.peek()?;
        Some(requests.by_ref().take(25).collect::<Vec<_>>())
    });
    let started = Instant::now();
    let in_flight = ReplayOptions::default().in_flight;
    let units = stream::iter(batches)
        .map(|batch| {
            let sent = client.batch_write_item().request_items(table, batch).send();
            tokio::task::spawn(async move {
                let answer = sent.await.unwrap();
                assert!(answer.unprocessed_items().is_none_or(HashMap::is_empty));
                let consumed = answer.consumed_capacity().iter();
                consumed.filter_map(|one| one.capacity_units()).sum::<f64>()
            })
        })
        .buffer_unordered(in_flight)
        .fold(0.0, async |sum, units| sum + units.unwrap())
        .await;
    (started.elapsed(), units)
}

/// What this process has used of the processors, in hundredths.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}

fn peak() -> String {
    memory("VmHWM:")
}

fn memory(name: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes: f64 = line
        .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0.0);
    format!("{:.0} MB", kilobytes / 1024.0)
}

async fn progress(replays: &Replays, projection: &str) -> Progress {
    let all = replays.progress(projection).await.unwrap();
    all.into_iter().find(|one| one.replay.generation == 2).unwrap()
}

async fn rows_of(databases: &Databases, case: &Case) -> Vec<Item> {
    let suffix = format!("#~{}.2", case.projection);
    let scan = databases.rebuildable.client().scan().table_name(case.context);
    let mut pages = scan.into_paginator().items().send();
    let mut rows = Vec::new();
    while let Some(item) = pages.next().await {
        let mut item = item.unwrap();
        let key = item["PK"].as_s().unwrap();
        if key.ends_with(&suffix) {
            let elsewhere = key.replace(&suffix, "#~raw.9");
            item.insert("PK".to_owned(), text(elsewhere));
            rows.push(item);
        }
    }
    rows
}

/// Until nothing has been written or read back for some seconds: the feed is a consumer, too.
async fn quiet(databases: &Databases) {
    let (mut last, mut since) = (0.0, Instant::now());
    while since.elapsed() < Duration::from_secs(3) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let usage = databases.durable.accounting().snapshot();
        let busy = usage
            .iter()
            .filter(|one| !one.pattern.starts_with("leases") && !one.pattern.starts_with("generations"));
        let now: f64 = busy.map(|one| one.write_units + one.read_units).sum();
        if (now - last).abs() > 50.0 {
            (last, since) = (now, Instant::now());
        }
    }
}

async fn run(case: &Case, log_items: impl Iterator<Item = Item>) {
    let dir = tempfile::tempdir().unwrap();
    let runtime = Runtime::tokio();
    let databases = Databases::embedded(dir.path(), runtime.clone()).unwrap();
    let log = EventLog::new(
        databases.durable.clone(),
        sealing_key(),
        Options::default(),
        runtime.clone(),
    );
    log.ensure_tables(case.context).await.unwrap();
    for table in [tables::views_table(case.context), tables::checkpoints_table()] {
        databases.ensure_table(&table).await.unwrap();
    }
    let (took, _) = raw(&databases, &format!("{}-events", case.context), log_items, true).await;
    println!("\n{}: the log is written in {:.0} s", case.name, took.as_secs_f64());
    let views = databases.rebuildable.clone();
    let generations = Generations::new(views.clone(), runtime.clone());
    let of = views.clone();
    let stores = Stores {
        log: log.clone(),
        views: views.clone(),
        repository: Arc::new(move |projection| {
            Repository::new(of.clone(), projection, generations.clone(), sealing_key())
        }),
        indexes: Indexes::none(),
        metrics: Metrics::none(),
    };
    let mut catalogue = Catalogue::new(stores);
    match case.projection {
        product_view::PROJECTION => catalogue.row::<product_view::ProductRow>(case.projection),
        _ => catalogue.row::<projections::Balance>(case.projection),
    }
    let sources = Sources {
        log,
        views: views.clone(),
        authority: WorkerAuthority::new(&sealing_key().operator(), headwater_kernel::Region::Us),
        contexts: vec![case.context.to_owned()],
    };
    // There is no first generation: filling it would be another way of rebuilding, and it is not what is measured.
    let register = GenerationRegister::new(views);
    register
        .found(case.projection, &Default::default(), runtime.now())
        .await
        .unwrap();
    let clear = |registered: &mut Registered| {
        registered.generations.clear();
        Ok::<_, ReplayError>(())
    };
    register.change(case.projection, clear).await.unwrap();
    let options = ReplayOptions {
        poll: Duration::from_millis(200),
        ..ReplayOptions::default()
    };
    let replays = Replays::new(sources, catalogue, options, runtime.clone());
    let keeper = Keeper::start(&replays, RunnerOptions::embedded(), &runtime);
    quiet(&databases).await;
    println!(
        "  peak memory before the rebuild: {}, then {}",
        peak(),
        memory("VmRSS:")
    );
    // Linux: the peak begins anew.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let started = Instant::now();
    replays.start(case.projection, None, Budget::default()).await.unwrap();
    let (mut filling, mut filled) = (None, None);
    let mut cpu = [0.0; 2];
    loop {
        let registered = replays.registered().await.unwrap();
        let now = registered[case.projection].generation(2).unwrap().clone();
        if now.state != GenerationState::Attaching && filling.is_none() {
            (filling, cpu[0]) = (Some(started.elapsed()), cpu_seconds());
        }
        if !matches!(now.state, GenerationState::Attaching | GenerationState::Filling) && filled.is_none() {
            (filled, cpu[1]) = (Some(started.elapsed()), cpu_seconds());
        }
        assert_ne!(now.state, GenerationState::CheckFailed, "{now:?}");
        if now.state == GenerationState::Kept {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let whole = started.elapsed();
    let took = (filled.unwrap() - filling.unwrap()).as_secs_f64();
    let done = progress(&replays, case.projection).await;
    println!("  peak memory of it: {}", peak());
    keeper.shut_down().await;
    let items = rows_of(&databases, case).await;
    assert_eq!(items.len() as u64, done.rows);
    let before = cpu_seconds();
    let (raw_took, raw_units) = raw(&databases, case.context, items.into_iter(), false).await;
    let raw_cpu = cpu_seconds() - before;
    let (rows, raw_took) = (done.rows as f64, raw_took.as_secs_f64());
    println!("  {rows} rows of {} commits", done.commits);
    println!("  | | seconds | of CPU | rows/s | commits/s | WCU/row |\n  |---|---:|---:|---:|---:|---:|");
    let line = |name: &str, seconds: f64, cpu: f64, units: f64| {
        let commits = done.commits as f64 / seconds;
        println!(
            "  | {name} | {seconds:.2} | {cpu:.2} | {:.0} | {commits:.0} | {:.3} |",
            rows / seconds,
            units / rows
        );
    };
    line("filling", took, cpu[1] - cpu[0], done.write_units);
    line("raw BatchWriteItem", raw_took, raw_cpu, raw_units);
    println!("  filling / raw: {:.2}", raw_took / took);
    println!(
        "  from the command to the switch: {:.2} s, of that {:.2} s to catch up and compare everything",
        whole.as_secs_f64(),
        (whole - filled.unwrap()).as_secs_f64()
    );
    databases.shutdown().await;
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let events = numbers.next().unwrap_or(1_000_000);
    let each = numbers.next().unwrap_or(4).max(1);
    if let Some(items) = products() {
        let case = Case {
            name: format!("{} products", items.len()),
            context: "catalog",
            projection: product_view::PROJECTION,
        };
        run(&case, items.into_iter()).await;
    }
    let case = Case {
        name: format!("{events} synthetic events, {each} an aggregate, one a commit"),
        context: account::CONTEXT,
        projection: projections::BALANCES,
    };
    let event = json!([{ "type": "Deposited", "v": 3, "data": { "cents": 1 } }]);
    let commits = (0..events).map(|n| commit("accounts", &format!("A{:08}", n / each), n % each + 1, &event));
    run(&case, commits).await;
}
