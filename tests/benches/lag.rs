//! Time from the acknowledgement of a command until its view shows it, on the embedded engine: by itself, while another tenant sends all
//! that the engine takes, and while the projection is rebuilt.
//!
//! `cargo xtask bench lag [SECONDS]`. Commands are sent by the clock, 500 a second, not one after the other, so one that is slow delays no
//! other. The view is looked at every millisecond, which is part of the figure.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement of real time"
)]
#![allow(clippy::print_stdout, reason = "its output")]

use futures::future::join_all;
use headwater_dynamo_repository::{GenerationState, Repository};
use headwater_event_log::{AggregateStore, Executed};
use headwater_kernel::{Id, Rejection};
use headwater_projectors::{
    Budget, Catalogue, Indexes, Keeper, Metrics, ReplayOptions, Replays, RunnerOptions, Sources, Stores,
};
use headwater_tenancy::TenantScope;
use headwater_tests::{
    LogFixture,
    account::{Account, CONTEXT, Command},
    projections::{BALANCES, Balance, Keeping},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::spawn;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const A_SECOND: u32 = 500;
const ACCOUNTS: u32 = 200;
/// Commands of the other tenant that are under way at a time.
const FLOOD: u64 = 32;

/// Commits the log has before the rebuild, an account each: what keeps it busy for some seconds.
const HISTORY: u64 = 100_000;

#[derive(Clone)]
struct Bench {
    store: AggregateStore<Account>,
    rows: Repository,
    /// Commands that were sent, for their ids.
    sent: Arc<AtomicU64>,
}

impl Bench {
    async fn deposit(&self, scope: &TenantScope, account: String) -> (Id, u64) {
        let id = Id::new(account).unwrap();
        let key = format!("c{}", self.sent.fetch_add(1, Ordering::Relaxed));
        let command = || Ok::<_, Rejection>(Command::Deposit { cents: 1 });
        let request = headwater_tests::request(&key, "deposit", b"{}");
        let Executed::Committed(commit) = self.store.execute(scope, &id, request, command).await.unwrap() else {
            panic!("a deposit is committed")
        };
        (id, commit.version())
    }

    /// Sends by the clock while `more` says so; prints how long that took them.
    async fn measure(&self, name: &str, scope: &TenantScope, mut more: impl FnMut(u32) -> bool) {
        let took: Arc<Mutex<(Vec<Duration>, Vec<Duration>)>> = Arc::default();
        let mut every = tokio::time::interval(Duration::from_secs(1) / A_SECOND);
        let (mut tasks, mut n, began) = (Vec::new(), 0, Instant::now());
        while more(n) {
            every.tick().await;
            let (bench, scope, took) = (self.clone(), scope.clone(), Arc::clone(&took));
            let account = format!("A{}", n % ACCOUNTS);
            tasks.push(spawn(async move {
                let sent = Instant::now();
                let (id, version) = bench.deposit(&scope, account).await;
                let acknowledged = Instant::now();
                loop {
                    let row = bench.rows.find::<Balance>(&scope, &Balance::key(&id)).await.unwrap();
                    if row.is_some_and(|row| row.version >= version) {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                let mut took = took.lock().unwrap();
                took.0.push(acknowledged - sent);
                took.1.push(acknowledged.elapsed());
            }));
            n += 1;
        }
        let rate = f64::from(n) / began.elapsed().as_secs_f64();
        join_all(tasks).await.into_iter().for_each(Result::unwrap);
        let (acknowledged, visible) = &mut *took.lock().unwrap();
        acknowledged.sort();
        visible.sort();
        let at =
            |times: &[Duration], share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        println!(
            "| {name} | {n} | {rate:.0} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
            at(acknowledged, 0.5),
            at(acknowledged, 0.99),
            at(visible, 0.5),
            at(visible, 0.99),
            at(visible, 1.0)
        );
    }
}

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let asked = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let seconds: u32 = asked.unwrap_or(10);
    let fixture = LogFixture::new().await;
    let (log, views, runtime) = (
        fixture.log.clone(),
        fixture.databases.rebuildable.clone(),
        fixture.runtime.clone(),
    );
    let keeping = Keeping::new(log.clone(), views.clone(), runtime.clone()).await;
    let of = keeping.clone();
    let mut catalogue = Catalogue::new(Stores {
        log: log.clone(),
        views: views.clone(),
        repository: Arc::new(move |projection| of.repository(projection)),
        indexes: Indexes::none(),
        metrics: Metrics::none(),
    });
    headwater_tests::projections::register(&mut catalogue);
    let sources = Sources {
        log,
        views,
        authority: keeping.authority.clone(),
        contexts: vec![CONTEXT.to_owned()],
    };
    let replays = Replays::new(sources, catalogue, ReplayOptions::default(), runtime.clone());
    let keeper = Keeper::start(&replays, RunnerOptions::embedded(), &runtime);
    let bench = Bench {
        store: fixture.accounts(),
        rows: keeping.repository(BALANCES),
        sent: Arc::default(),
    };
    let (acme, other) = (fixture.scope.clone(), headwater_tenancy::testing::scope("other").await);
    // Until the first generation is there.
    let (id, version) = bench.deposit(&acme, "A0".to_owned()).await;
    while bench
        .rows
        .find::<Balance>(&acme, &Balance::key(&id))
        .await
        .unwrap()
        .is_none_or(|row| row.version < version)
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    println!("\n| | commands | a second | acknowledged p50 ms | p99 ms | then visible p50 ms | p99 ms | max ms |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    bench.measure("by itself", &acme, |n| n < seconds * A_SECOND).await;

    let (flooding, flooded) = (Arc::new(AtomicBool::new(true)), Instant::now());
    let before = bench.sent.load(Ordering::Relaxed);
    let flood = (0..FLOOD).map(|worker| {
        let (bench, other, flooding) = (bench.clone(), other.clone(), Arc::clone(&flooding));
        spawn(async move {
            for n in 0.. {
                if !flooding.load(Ordering::Relaxed) {
                    return;
                }
                bench
                    .deposit(&other, format!("F{}", (n * FLOOD + worker) % 5_000))
                    .await;
            }
        })
    });
    let flood: Vec<_> = flood.collect();
    bench
        .measure("while another tenant floods", &acme, |n| n < seconds * A_SECOND)
        .await;
    flooding.store(false, Ordering::Relaxed);
    join_all(flood).await.into_iter().for_each(Result::unwrap);
    let flood = bench.sent.load(Ordering::Relaxed) - before;
    let rate = flood as f64 / flooded.elapsed().as_secs_f64();

    let history = (0..FLOOD).map(|worker| {
        let (bench, other) = (bench.clone(), other.clone());
        spawn(async move {
            for n in 0..HISTORY / FLOOD {
                bench.deposit(&other, format!("H{}", n * FLOOD + worker)).await;
            }
        })
    });
    join_all(history).await.into_iter().for_each(Result::unwrap);
    tokio::time::sleep(Duration::from_secs(5)).await;
    replays.start(BALANCES, None, Budget::default()).await.unwrap();
    let state = async || {
        let registered = replays.registered().await.unwrap();
        registered[BALANCES].generation(2).map(|generation| generation.state)
    };
    while state().await == Some(GenerationState::Attaching) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (rebuilding, began) = (Arc::new(AtomicBool::new(true)), Instant::now());
    let done = Arc::clone(&rebuilding);
    let watched = async {
        while state().await != Some(GenerationState::Kept) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        done.store(false, Ordering::Relaxed);
        began.elapsed()
    };
    let (lasted, ()) = tokio::join!(
        watched,
        bench.measure("while it is rebuilt", &acme, |_| rebuilding.load(Ordering::Relaxed))
    );
    println!("\nThe other tenant sent {rate:.0} commands a second beside these.");
    println!(
        "The rebuild of {HISTORY} rows and more, as fast as it goes, took {:.1} s to the switch.",
        lasted.as_secs_f64()
    );
    keeper.shut_down().await;
}
