//! Projections under everything that is ordinary in production: races, duplicates, reordering, throttling, lost answers, lost positions,
//! commits that cannot be applied, workers that come and go. In the end every view says what the log says, once.
#![allow(clippy::unwrap_used, reason = "a test")]

mod flooding;
mod isolation;
mod metrics;
mod parking;
mod positions;
mod rows;
mod stage;
mod streams;
mod sums;
mod workers;

use headwater_dynamodb::{
    Databases, EngineOptions,
    faults::{Fault, Faults, Rule},
};
use headwater_event_log::{AggregateStore, EventLog, Options};
use headwater_kernel::{Id, Rejection};
use headwater_projectors::RunnerOptions;
use headwater_runtime::Runtime;
use headwater_tenancy::TenantScope;
use headwater_tests::{account, bytes, projections::Keeping, request, sealing_key, stores::TestStores};
use serde_json::json;
use std::time::Duration;
use tempfile::TempDir;

struct Bank {
    keeping: Keeping,
    scope: TenantScope,
    faults: Faults,
    databases: Databases,
    _dir: TempDir,
}

/// Short times, so that what has to wait waits little.
fn quick() -> RunnerOptions {
    RunnerOptions {
        save_every: Duration::from_millis(20),
        look_every: Duration::from_millis(50),
        // An engine in another process may take longer to answer on a busy machine, and who loses its lease each time never comes to an end.
        lease: Duration::from_millis(if elsewhere() { 4_000 } else { 900 }),
        discover_every: Duration::from_millis(300),
        pace: Duration::from_millis(10),
        idle_pace: Duration::from_millis(20),
        ..RunnerOptions::default()
    }
}

/// Whether the engine is one that answers over a socket.
fn elsewhere() -> bool {
    std::env::var_os(headwater_tests::stores::ENDPOINT).is_some()
}

impl Bank {
    async fn new() -> Self {
        let TestStores { dir, databases, faults } = TestStores::open(&Runtime::tokio(), 11).await;
        Self::on(dir, databases, faults).await
    }

    /// Stream records go after this time. No other engine can be told so.
    async fn with_retention(retention: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = EngineOptions {
            stream_retention: retention,
            housekeeping: Duration::from_millis(50),
            ..EngineOptions::default()
        };
        let databases = Databases::embedded_with_options(dir.path(), Runtime::tokio(), &options).unwrap();
        Self::on(dir, databases, Faults::seeded(0)).await
    }

    async fn on(dir: TempDir, databases: Databases, faults: Faults) -> Self {
        let runtime = Runtime::tokio();
        let log = EventLog::new(
            databases.durable.clone(),
            sealing_key(),
            Options::default(),
            runtime.clone(),
        );
        log.ensure_tables(account::CONTEXT).await.unwrap();
        Self {
            keeping: Keeping::new(log, databases.rebuildable.clone(), runtime).await,
            scope: headwater_tenancy::testing::scope("acme").await,
            faults,
            databases,
            _dir: dir,
        }
    }

    async fn send(&self, id: &str, n: u64, command: account::Command) {
        let accounts = AggregateStore::<account::Account>::new(self.keeping.log.clone());
        let payload = bytes(&serde_json::to_value(&command).unwrap());
        let decide = || Ok::<_, Rejection>(command.clone());
        let (aggregate, key) = (Id::new(id).unwrap(), format!("{id}-{n}"));
        let sent = accounts.execute(&self.scope, &aggregate, request(&key, "c", &payload), decide);
        sent.await.unwrap();
    }

    /// `times` deposits into each of `accounts` accounts, all accounts at once.
    async fn deposit(&self, accounts: u64, times: u64, round: u64) {
        let store = AggregateStore::<account::Account>::new(self.keeping.log.clone());
        let all = (0..accounts).map(async |n| {
            let id = Id::new(format!("A{n}")).unwrap();
            for time in 0..times {
                let payload = bytes(&json!({ "cents": n + 1 }));
                let key = format!("{round}-{time}");
                let cents = i64::try_from(n + 1).unwrap();
                let decide = || Ok::<_, Rejection>(account::Command::Deposit { cents });
                store
                    .execute(&self.scope, &id, request(&key, "deposit", &payload), decide)
                    .await
                    .unwrap();
            }
        });
        futures::future::join_all(all).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_once_and_in_order_through_reordering_and_duplicates() {
    let bank = Bank::new().await;
    bank.faults.add(Rule::new(Fault::ReorderRecords).probability(0.5));
    bank.faults.add(Rule::new(Fault::DuplicateRecords).probability(0.5));
    let runner = bank.keeping.start(quick());
    bank.deposit(60, 10, 1).await;
    bank.keeping.settled(&bank.scope).await;
    assert!(bank.faults.injected() > 0);
    runner.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttling_lost_answers_and_errors_lose_and_double_nothing() {
    let bank = Bank::new().await;
    let runner = bank.keeping.start(quick());
    for fault in [
        Fault::Throttle,
        Fault::TimeoutAfter,
        Fault::InternalErrorAfter,
        Fault::InternalError,
    ] {
        bank.faults.add(Rule::new(fault).probability(0.03));
    }
    bank.deposit(30, 8, 1).await;
    bank.send(
        "many",
        1,
        account::Command::Number {
            numbers: (0..40).map(|n| format!("n{n}")).collect(),
        },
    )
    .await;
    bank.faults.clear();
    bank.keeping.settled(&bank.scope).await;
    runner.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_more_than_one_transaction_are_all_there_and_go_again() {
    let bank = Bank::new().await;
    let numbers = |from: u32, to: u32| account::Command::Number {
        numbers: (from..to).map(|n| format!("n{n}")).collect(),
    };
    // More than a transaction holds, in steps that each fit one, before anything is projected.
    for n in 1..=4 {
        bank.send("many", n.into(), numbers(0, n * 60)).await;
    }
    bank.send("many", 5, numbers(230, 250)).await;
    bank.send("once", 1, numbers(1_000, 1_250)).await;
    let runner = bank.keeping.start(quick());
    bank.keeping.settled(&bank.scope).await;
    runner.shut_down().await;
    let rows = bank.keeping.repository(headwater_tests::projections::NUMBERS);
    let gone = headwater_tests::projections::NumberRow::key(&Id::new("many").unwrap(), "n7");
    let row = rows
        .find::<headwater_tests::projections::NumberRow>(&bank.scope, &gone)
        .await
        .unwrap();
    assert!(row.is_none(), "a row of a past state was left behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_consumer_goes_by_the_log_and_holds_nobody_up() {
    let bank = Bank::new().await;
    // Hardly any room: most commits are remembered by aggregate alone, and at times even those are too many.
    let runner = bank.keeping.start(RunnerOptions {
        waiting_commits: 20,
        waiting_commits_per_tenant: 5,
        waiting_aggregates: 40,
        round: 4,
        ..quick()
    });
    bank.faults
        .add(Rule::new(Fault::Delay(Duration::from_millis(3))).operation("TransactWriteItems"));
    bank.deposit(80, 5, 1).await;
    bank.keeping.settled(&bank.scope).await;
    runner.shut_down().await;
}
