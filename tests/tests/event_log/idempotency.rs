//! A command counts once: repeated, in parallel, from a cold cache, after a restart.

use crate::{committed, id, send};
use futures::future::join_all;
use headwater_dynamodb::faults::{Fault, Rule};
use headwater_event_log::{AggregateStore, EventLog, Executed, Options, Refusal};
use headwater_tests::{
    LogFixture,
    account::{Account, Command},
    sealing_key,
};

#[tokio::test]
async fn a_command_is_committed_once_whatever_is_repeated() {
    let fixture = LogFixture::new().await;
    let store = fixture.accounts();
    let deposit = Command::Deposit { cents: 5 };
    // In parallel, through two caches, as two processes would.
    let other = fixture.accounts();
    let all = join_all((0..20).map(|n| {
        let store = if n % 2 == 0 { &store } else { &other };
        send(store, &fixture.scope, "A1", "c1", deposit.clone())
    }))
    .await;
    let firsts = all
        .iter()
        .filter(|result| matches!(result, Ok(Executed::Committed(_))))
        .count();
    let repeats = all
        .iter()
        .filter(|result| matches!(result, Ok(Executed::Replayed { commit, .. }) if commit.version() == 1));
    assert_eq!((firsts, repeats.count()), (1, 19));
    // Again from a cold cache, and with another payload.
    let cold = fixture.accounts();
    assert!(matches!(
        send(&cold, &fixture.scope, "A1", "c1", deposit).await,
        Ok(Executed::Replayed { version: 1, .. })
    ));
    let reused = send(&cold, &fixture.scope, "A1", "c1", Command::Deposit { cents: 6 }).await;
    assert!(matches!(reused, Err(Refusal::CommandIdReused)), "{reused:?}");
    assert_eq!(cold.read(&fixture.scope, &id("A1")).await.unwrap().0.cents, 5);
}

#[tokio::test]
async fn the_window_survives_snapshots_and_restarts() {
    let options = Options {
        snapshot_every: 10,
        ..Options::default()
    };
    let fixture = LogFixture::with(options.clone()).await;
    let store = fixture.accounts();
    for n in 0..35 {
        committed(
            send(
                &store,
                &fixture.scope,
                "A1",
                &format!("c{n}"),
                Command::Deposit { cents: 1 },
            )
            .await
            .unwrap(),
        );
    }
    // Snapshots are written in the background; the last of them holds 30 events.
    let reads = |log: &EventLog| {
        let log = log.clone();
        let scope = fixture.scope.clone();
        async move {
            AggregateStore::<Account>::new(log)
                .read(&scope, &id("A1"))
                .await
                .unwrap()
        }
    };
    assert_eq!(reads(&fixture.log).await.1, 35);
    let again = EventLog::new(
        fixture.databases.durable.clone(),
        sealing_key(),
        options,
        fixture.runtime.clone(),
    );
    let cold = AggregateStore::<Account>::new(again.clone());
    for n in [0, 9, 29, 34] {
        let repeat = send(
            &cold,
            &fixture.scope,
            "A1",
            &format!("c{n}"),
            Command::Deposit { cents: 1 },
        )
        .await
        .unwrap();
        assert!(
            matches!(repeat, Executed::Replayed { ref commit, .. } if commit.version() == n + 1),
            "{repeat:?}"
        );
    }
    assert_eq!(reads(&again).await.0.cents, 35);
}

/// The SDK sends a put again whose answer was lost, and that one meets the first. It is still this call that committed.
#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_no_repetition() {
    let fixture = LogFixture::new().await;
    let store = fixture.accounts();
    let numbers = |n: usize| Command::Number {
        numbers: vec![n.to_string()],
    };
    let mut version = 0;
    for (n, fault) in [Fault::TimeoutAfter, Fault::InternalErrorAfter].into_iter().enumerate() {
        // With claims the put is one of a transaction.
        for (operation, command) in [
            ("PutItem", Command::Deposit { cents: 1 }),
            ("TransactWriteItems", numbers(n)),
        ] {
            let before = fixture.faults.injected();
            fixture.faults.add(Rule::new(fault).operation(operation).times(1));
            version += 1;
            let id = format!("c{version}");
            let executed = send(&store, &fixture.scope, "A1", &id, command.clone()).await.unwrap();
            assert_eq!(committed(executed), version, "{operation} {fault:?}");
            assert_eq!(fixture.faults.injected(), before + 1);
            let again = send(&store, &fixture.scope, "A1", &id, command).await.unwrap();
            assert!(matches!(again, Executed::Replayed { .. }), "{again:?}");
        }
    }
    // A repetition stays one when answers are lost while it is sent: the commit is not its own.
    let other = fixture.accounts();
    fixture
        .faults
        .add(Rule::new(Fault::TimeoutAfter).operation("PutItem").times(1));
    let deposit = Command::Deposit { cents: 1 };
    let all = join_all([&store, &other].map(|store| send(store, &fixture.scope, "A1", "twice", deposit.clone()))).await;
    let firsts = all
        .iter()
        .filter(|executed| matches!(executed, Ok(Executed::Committed(_))));
    assert_eq!(firsts.count(), 1, "{all:?}");
}
