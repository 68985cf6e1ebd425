//! A command counts once: repeated, in parallel, from a cold cache, after a restart.

use crate::{committed, id, send};
use futures::future::join_all;
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
