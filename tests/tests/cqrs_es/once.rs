//! A command happens once, whoever else writes and whatever is repeated or lost.

use super::*;
use futures::future::join_all;
use headwater_dynamodb::{
    Databases,
    faults::{Fault, Faults, Rule},
};
use headwater_event_log::{AggregateStore, EventLog, Executed, Options};
use headwater_runtime::Runtime;
use headwater_tests::{account::CONTEXT, sealing_key};

#[tokio::test]
async fn of_two_frameworks_one_conflicts() {
    let fixture = LogFixture::new().await;
    let (ours, _) = framework(&fixture);
    let store = fixture.log.cqrs::<Account>().scoped(&fixture.scope);
    // Theirs has loaded when ours commits.
    let late = store.load_aggregate("A1").await.unwrap();
    ours.execute("A1", Command::Deposit { cents: 1 }).await.unwrap();
    let conflict = store.commit(vec![deposited(10)], late, HashMap::new()).await;
    assert!(
        matches!(conflict, Err(AggregateError::AggregateConflict)),
        "{conflict:?}"
    );
    // At once: every command was committed or told that it was not.
    let (theirs, seen) = framework(&fixture);
    let both = [&ours, &theirs];
    let all = join_all((0..20).map(|n| both[n % 2].execute("A1", Command::Deposit { cents: 1 }))).await;
    let committed = all.iter().filter(|result| result.is_ok()).count();
    assert!(
        all.iter()
            .all(|result| matches!(result, Ok(()) | Err(AggregateError::AggregateConflict)))
    );
    assert!((1..20).contains(&committed), "{committed}");
    assert_eq!(state(&store, "A1").await, (1 + committed as i64, 1 + committed as u64));
    assert!(seen.sequences().len() <= committed);
}

#[tokio::test]
async fn a_repeated_command_is_answered_and_not_repeated() {
    let fixture = LogFixture::new().await;
    let (framework, seen) = framework(&fixture);
    let store = fixture.log.cqrs::<Account>().scoped(&fixture.scope);
    let send = |command_id: &str, command| framework.execute_with_metadata("A1", command, named(command_id));
    send("c1", Command::Deposit { cents: 5 }).await.unwrap();
    send("c1", Command::Deposit { cents: 5 }).await.unwrap();
    assert_eq!(state(&store, "A1").await, (5, 1));
    // What would be refused by now was done then.
    send("c2", Command::Withdraw { cents: 5 }).await.unwrap();
    send("c2", Command::Withdraw { cents: 5 }).await.unwrap();
    assert_eq!(code(send("c3", Command::Withdraw { cents: 5 }).await), "too-little");
    assert_eq!(
        code(framework.execute("A1", Command::Withdraw { cents: 5 }).await),
        "too-little"
    );
    assert_eq!(state(&store, "A1").await, (0, 2));
    // A refused id is free for another command.
    send("c3", Command::Deposit { cents: 1 }).await.unwrap();
    assert_eq!(
        code(send("c1", Command::Deposit { cents: 6 }).await),
        "idempotency-key-reused"
    );
    // Queries see a repeated answer marked as such.
    assert_eq!(seen.sequences(), [1, 1, 2, 2, 3]);
    let dispatched = seen.0.lock().unwrap().clone();
    let marked: Vec<_> = dispatched
        .iter()
        .map(|event| event.metadata.contains_key(metadata::REPLAYED))
        .collect();
    assert_eq!(marked, [false, true, false, true, false]);
    // Sent twice at once through two processes: one commit.
    let stores: Vec<_> = (0..8).map(|_| super::framework(&fixture).0).collect();
    let twice = stores
        .iter()
        .map(|each| each.execute_with_metadata("A1", Command::Deposit { cents: 7 }, named("c4")));
    for answer in join_all(twice).await {
        answer.unwrap();
    }
    assert_eq!(state(&store, "A1").await, (8, 4));
}

#[tokio::test]
async fn receipts_hold_across_the_command_bus_and_the_framework() {
    let fixture = LogFixture::new().await;
    let (framework, seen) = framework(&fixture);
    let accounts: AggregateStore<Account> = fixture.accounts();
    let id = Id::new("A1").unwrap();
    let on_the_bus = |command_id: &'static str, command: Command| {
        let (accounts, scope, id) = (&accounts, &fixture.scope, &id);
        async move {
            let (name, payload) = headwater_kernel::encode_command(&command).unwrap();
            let payload = bytes(&payload);
            let request = request(command_id, &name, &payload);
            accounts
                .execute(scope, id, request, || Ok(command.clone()))
                .await
                .unwrap()
        }
    };
    let both = || Command::DepositTimes { cents: 2, times: 3 };
    framework
        .execute_with_metadata("A1", both(), named("c1"))
        .await
        .unwrap();
    let repeated = on_the_bus("c1", both()).await;
    assert!(
        matches!(repeated, Executed::Replayed { version: 3, .. }),
        "{repeated:?}"
    );
    let first = on_the_bus("c2", Command::Deposit { cents: 1 }).await;
    assert!(matches!(first, Executed::Committed(_)), "{first:?}");
    framework
        .execute_with_metadata("A1", Command::Deposit { cents: 1 }, named("c2"))
        .await
        .unwrap();
    assert_eq!(accounts.read(&fixture.scope, &id).await.unwrap().0.cents, 7);
    assert_eq!(seen.sequences(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_found_again() {
    let (dir, runtime, faults) = (tempfile::tempdir().unwrap(), Runtime::tokio(), Faults::seeded(3));
    let databases = Databases::embedded_with_faults(dir.path(), runtime.clone(), faults.clone()).unwrap();
    let log = EventLog::new(databases.durable.clone(), sealing_key(), Options::default(), runtime);
    log.ensure_tables(CONTEXT).await.unwrap();
    let scope = headwater_tenancy::testing::scope("acme").await;
    let seen = Seen::default();
    let store = log.cqrs::<Account>().scoped(&scope);
    let framework = store.clone().framework(vec![Box::new(seen.clone())]);
    faults.add(Rule::new(Fault::TimeoutAfter).operation("PutItem").nth(1));
    framework.execute("A1", Command::Deposit { cents: 1 }).await.unwrap();
    assert_eq!(faults.injected(), 1);
    assert_eq!(state(&store, "A1").await, (1, 1));
    assert_eq!(seen.sequences(), [1]);
    // A store that does not answer at all is not the caller's fault.
    faults.clear();
    faults.add(Rule::new(Fault::InternalError));
    let failed = framework.execute("A1", Command::Deposit { cents: 1 }).await;
    assert!(
        matches!(failed, Err(AggregateError::DatabaseConnectionError(_))),
        "{failed:?}"
    );
}

#[tokio::test]
async fn snapshots_are_those_of_the_command_bus() {
    let fixture = LogFixture::with(Options {
        snapshot_every: 10,
        ..Options::default()
    })
    .await;
    let (framework, _) = framework(&fixture);
    for n in 0..25 {
        let command = Command::Deposit { cents: 1 };
        framework
            .execute_with_metadata("A1", command, named(&format!("c{n}")))
            .await
            .unwrap();
    }
    let id = Id::new("A1").unwrap();
    let snapshots = fixture.databases.durable.accounting().snapshot();
    assert!(
        snapshots
            .iter()
            .any(|usage| usage.pattern == "event-log.snapshot-write")
    );
    assert_eq!(fixture.accounts().read(&fixture.scope, &id).await.unwrap().0.cents, 25);
    // A repetition from before the snapshot, through a cold store.
    let (cold, seen) = super::framework(&fixture);
    cold.execute_with_metadata("A1", Command::Deposit { cents: 1 }, named("c3"))
        .await
        .unwrap();
    assert_eq!(seen.sequences(), [4]);
}

#[tokio::test]
async fn events_without_a_command_are_told_apart_by_themselves() {
    let fixture = LogFixture::new().await;
    let store = fixture.log.cqrs::<Account>().scoped(&fixture.scope);
    let commit = |cents| {
        let store = &store;
        async move {
            let context = store.load_aggregate("A1").await.unwrap();
            store.commit(vec![deposited(cents)], context, named("c1")).await
        }
    };
    for replayed in [false, true] {
        let events = commit(1).await.unwrap();
        assert_eq!(events[0].metadata.contains_key(metadata::REPLAYED), replayed);
    }
    assert_eq!(code(commit(2).await.map(drop)), "idempotency-key-reused");
    assert_eq!(state(&store, "A1").await, (1, 1));
}
