//! More than can be remembered: catching up ends all the same, and a tenant that floods keeps its neighbours waiting for no longer than a
//! round.

use super::{Bank, quick};
use async_trait::async_trait;
use headwater_event_log::AggregateStore;
use headwater_event_log::consumer::{Checkpoint, Saved};
use headwater_kernel::{Id, Rejection, TenantId};
use headwater_projectors::{
    ApplyError, Consumer, Follower, Parking, PositionStore, Runner, RunnerOptions, SourceCommits, Sources,
};
use headwater_tenancy::TenantScope;
use headwater_tests::{
    account::{Account, CONTEXT, Command},
    bytes,
    projections::{BALANCES, Balance, poison},
    request,
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Semaphore;

/// Hardly any room.
fn narrow() -> RunnerOptions {
    RunnerOptions {
        waiting_commits: 8,
        waiting_commits_per_tenant: 4,
        waiting_aggregates: 20,
        round: 4,
        ..quick()
    }
}

async fn deposit(bank: &Bank, scope: &TenantScope, id: &str, n: u64) {
    let store = AggregateStore::<Account>::new(bank.keeping.log.clone());
    let payload = bytes(&json!({ "cents": 1 }));
    let decide = || Ok::<_, Rejection>(Command::Deposit { cents: 1 });
    let key = format!("{id}-{n}");
    let aggregate = Id::new(id).unwrap();
    let sent = store.execute(scope, &aggregate, request(&key, "deposit", &payload), decide);
    sent.await.unwrap();
}

/// Writes down for which tenant it is called, and waits for a permit each time.
#[derive(Clone)]
struct Recorder {
    calls: Arc<Mutex<Vec<Vec<TenantId>>>>,
    permits: Arc<Semaphore>,
}

#[async_trait]
impl Follower for Recorder {
    fn source(&self) -> (&'static str, &'static str) {
        (CONTEXT, "accounts")
    }

    async fn apply(&self, sources: Vec<SourceCommits>) -> Vec<Result<(), ApplyError>> {
        self.permits.acquire().await.unwrap().forget();
        let tenants = sources.iter().map(|source| source.scope.tenant().clone()).collect();
        self.calls.lock().unwrap().push(tenants);
        sources.iter().map(|_| Ok(())).collect()
    }
}

/// Positions that are kept in memory.
#[derive(Default)]
struct InMemory(Mutex<BTreeMap<String, Checkpoint>>);

#[async_trait]
impl PositionStore for InMemory {
    async fn load(&self, _: &str) -> Result<BTreeMap<String, Checkpoint>, ApplyError> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn save(&self, _: &str, checkpoint: &Checkpoint, _: u64) -> Result<Saved, ApplyError> {
        let shard = checkpoint.position.shard.clone();
        self.0.lock().unwrap().insert(shard, checkpoint.clone());
        Ok(Saved::Yes)
    }

    async fn forget(&self, _: &str, shard: &str) -> Result<(), ApplyError> {
        self.0.lock().unwrap().remove(shard);
        Ok(())
    }
}

async fn until(bank: &Bank, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..1_200 {
        if is_so().await {
            return;
        }
        bank.keeping.runtime.sleep(Duration::from_millis(25)).await;
    }
    panic!("{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_floods_delays_another_by_a_round_and_is_caught_up_alone() {
    let bank = Bank::new().await;
    let (flood, calm) = (&bank.scope, headwater_tenancy::testing::scope("calm").await);
    let recorder = Recorder {
        calls: Arc::default(),
        permits: Arc::new(Semaphore::new(0)),
    };
    let consumer = Consumer {
        projection: "recorder",
        generation: 1,
        followers: vec![Arc::new(recorder.clone())],
        eager: false,
        positions: Arc::new(InMemory::default()),
        only: None,
        held: Arc::default(),
        fresh: Arc::default(),
    };
    let sources = Sources {
        log: bank.keeping.log.clone(),
        views: bank.keeping.views.clone(),
        authority: bank.keeping.authority.clone(),
        contexts: vec![CONTEXT.to_owned()],
    };
    let runner = Runner::start(sources, vec![consumer], narrow(), &bank.keeping.runtime);
    // The first pass over an empty log is done once a commit comes by the stream.
    until(&bank, "it is not attached", async || {
        runner.status().iter().any(|one| one.drained && one.at_tip)
    })
    .await;
    deposit(&bank, flood, "first", 1).await;
    for n in 0..150 {
        deposit(&bank, flood, &format!("F{n}"), 1).await;
    }
    deposit(&bank, &calm, "C", 1).await;
    until(
        &bank,
        "the calm tenant's commit does not wait beside the flood",
        async || {
            let status = runner.status();
            status
                .iter()
                .any(|one| one.recovering && one.behind.contains_key(calm.tenant()))
        },
    )
    .await;
    recorder.permits.add_permits(1_000);
    until(&bank, "the calm tenant's commit is not applied", async || {
        recorder
            .calls
            .lock()
            .unwrap()
            .iter()
            .flatten()
            .any(|of| of == calm.tenant())
    })
    .await;
    let before = {
        let calls = recorder.calls.lock().unwrap();
        let at = calls.iter().position(|call| call.contains(calm.tenant())).unwrap();
        calls[..at].iter().map(Vec::len).sum::<usize>()
    };
    // The round under way, a part of what is read from the log, and its own round.
    assert!(before <= 3 * 4, "{before} of the flood came first");
    until(&bank, "the flood is not caught up", async || {
        runner.status().iter().all(|one| one.drained && !one.recovering)
    })
    .await;
    let calls = recorder.calls.lock().unwrap().clone();
    assert!(calls.iter().flatten().filter(|of| *of == flood.tenant()).count() >= 151);
    assert_eq!(
        calls.iter().flatten().filter(|of| *of == calm.tenant()).count(),
        1,
        "the calm tenant was not read from the log"
    );
    runner.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn catching_up_goes_through_the_whole_log_while_more_changes_than_can_be_remembered() {
    let bank = Bank::new().await;
    bank.deposit(120, 1, 0).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let load = async {
        let mut round = 1;
        while !*stopped.borrow() {
            bank.deposit(120, 1, round).await;
            round += 1;
        }
    };
    let check = async {
        bank.keeping.runtime.sleep(Duration::from_millis(200)).await;
        let runner = bank.keeping.start(narrow());
        let rows = bank.keeping.repository(BALANCES);
        until(&bank, "what was there is not applied while more comes", async || {
            let mut there = 0;
            for n in 0..120 {
                let key = Balance::key(&Id::new(format!("A{n}")).unwrap());
                there += usize::from(rows.find::<Balance>(&bank.scope, &key).await.unwrap().is_some());
            }
            there == 120
        })
        .await;
        stop.send_replace(true);
        runner
    };
    let ((), runner) = futures::join!(load, check);
    bank.keeping.settled(&bank.scope).await;
    runner.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_can_be_remembered_fails_and_all_of_it_is_parked() {
    let bank = Bank::new().await;
    poison(1_010, true);
    for n in 0..60 {
        bank.send(&format!("bad{n}"), 1, Command::Deposit { cents: 2_000 })
            .await;
        bank.send(&format!("bad{n}"), 2, Command::Withdraw { cents: 1_010 })
            .await;
    }
    bank.deposit(20, 2, 1).await;
    let runner = bank.keeping.start(narrow());
    let parking = Parking::new(bank.databases.rebuildable.clone());
    until(&bank, "not all is parked", async || {
        parking.list("balances.1", None).await.unwrap().len() == 60
    })
    .await;
    until(&bank, "catching up does not end", async || {
        runner.status().iter().all(|one| one.drained && !one.recovering)
    })
    .await;
    runner.shut_down().await;
    poison(1_010, false);
}
