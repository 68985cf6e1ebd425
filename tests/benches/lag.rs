//! Time from the acknowledgement of a command until its view shows it, at a steady 500 commands a second on the embedded engine.
//!
//! `cargo xtask bench lag [SECONDS]`. Commands are sent by the clock, not one after the other, so one that is slow delays no other. The
//! view is looked at every millisecond, which is part of the figure.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement of real time"
)]
#![allow(clippy::print_stdout, reason = "its output")]

use headwater_event_log::Executed;
use headwater_kernel::{Id, Rejection};
use headwater_projectors::RunnerOptions;
use headwater_tests::{
    LogFixture,
    account::Command,
    projections::{BALANCES, Balance, Keeping},
};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

const A_SECOND: u32 = 500;
const ACCOUNTS: u32 = 200;

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let seconds: u32 = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(10);
    let fixture = LogFixture::new().await;
    let keeping = Keeping::new(
        fixture.log.clone(),
        fixture.databases.rebuildable.clone(),
        fixture.runtime.clone(),
    )
    .await;
    let runner = keeping.start(RunnerOptions::embedded());
    let (store, rows) = (fixture.accounts(), keeping.repository(BALANCES));
    let took: Arc<Mutex<(Vec<Duration>, Vec<Duration>)>> = Arc::default();
    let mut every = tokio::time::interval(Duration::from_secs(1) / A_SECOND);
    let mut tasks = Vec::new();
    for n in 0..seconds * A_SECOND {
        every.tick().await;
        let (store, rows, scope) = (store.clone(), rows.clone(), fixture.scope.clone());
        let took = Arc::clone(&took);
        tasks.push(tokio::task::spawn(async move {
            let id = Id::new(format!("A{}", n % ACCOUNTS)).unwrap();
            let command = || Ok::<_, Rejection>(Command::Deposit { cents: 1 });
            let sent = Instant::now();
            let key = format!("c{n}");
            let executed = store
                .execute(&scope, &id, headwater_tests::request(&key, "deposit", b"{}"), command)
                .await
                .unwrap();
            let acknowledged = Instant::now();
            let Executed::Committed(commit) = executed else {
                panic!("a deposit is committed")
            };
            let version = commit.version();
            loop {
                let row = rows.find::<Balance>(&scope, &Balance::key(&id)).await.unwrap();
                if row.is_some_and(|row| row.version >= version) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let mut took = took.lock().unwrap();
            took.0.push(acknowledged - sent);
            took.1.push(acknowledged.elapsed());
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    runner.shut_down().await;
    let (acknowledged, visible) = &mut *took.lock().unwrap();
    println!(
        "{} commands at {A_SECOND} a second      p50      p99      max",
        visible.len()
    );
    for (name, times) in [
        ("sent to acknowledged", acknowledged),
        ("acknowledged to visible", visible),
    ] {
        times.sort();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        println!(
            "{name:<30} {:>6.1} ms {:>6.1} ms {:>6.1} ms",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}
