//! The event log on the embedded engine: order, races, idempotency, claims, exact costs.
#![allow(clippy::unwrap_used, reason = "a test")]

use futures::future::join_all;
use headwater_event_log::{AggregateStore, EventLog, Executed, Options, Refusal};
use headwater_kernel::{AggregateType, Id};
use headwater_tenancy::TenantScope;
use headwater_tests::{
    LogFixture,
    account::{Account, Command},
    bytes, request, sealing_key,
};

fn id(id: &str) -> Id {
    Id::new(id).unwrap()
}

async fn send(
    store: &AggregateStore<Account>,
    scope: &TenantScope,
    to: &str,
    command_id: &str,
    command: Command,
) -> Result<Executed, Refusal> {
    let (name, payload) = headwater_kernel::encode_command(&command).unwrap();
    let payload = bytes(&payload);
    store
        .execute(scope, &id(to), request(command_id, &name, &payload), || {
            Ok(command.clone())
        })
        .await
}

fn committed(executed: Executed) -> u64 {
    match executed {
        Executed::Committed(commit) => commit.version(),
        other => panic!("not committed: {other:?}"),
    }
}

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
async fn racing_writers_lose_nothing() {
    let fixture = LogFixture::with(Options {
        max_attempts: 100,
        ..Options::default()
    })
    .await;
    let stores: Vec<_> = (0..4).map(|_| fixture.accounts()).collect();
    let all = join_all((0..60).map(|n| {
        let (store, scope) = (&stores[n % 4], &fixture.scope);
        async move { send(store, scope, "A1", &format!("c{n}"), Command::Deposit { cents: 1 }).await }
    }))
    .await;
    let mut versions: Vec<_> = all.into_iter().map(|result| committed(result.unwrap())).collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=60).collect::<Vec<_>>());
    assert_eq!(
        fixture.accounts().read(&fixture.scope, &id("A1")).await.unwrap(),
        (
            Account {
                cents: 60,
                numbers: vec![]
            },
            60
        )
    );
}

#[tokio::test]
async fn a_stale_cache_never_answers_for_the_table() {
    let fixture = LogFixture::new().await;
    let (ours, theirs) = (fixture.accounts(), fixture.accounts());
    committed(
        send(&ours, &fixture.scope, "A1", "c1", Command::Deposit { cents: 1 })
            .await
            .unwrap(),
    );
    committed(
        send(&theirs, &fixture.scope, "A1", "c2", Command::Deposit { cents: 10 })
            .await
            .unwrap(),
    );
    // From our cache this is refused; from the table it is not.
    assert_eq!(
        committed(
            send(&ours, &fixture.scope, "A1", "c3", Command::Withdraw { cents: 11 })
                .await
                .unwrap()
        ),
        3
    );
    let refused = send(&theirs, &fixture.scope, "A1", "c4", Command::Withdraw { cents: 1 }).await;
    assert!(
        matches!(refused, Err(Refusal::Rejected(ref r)) if r.code == "too-little"),
        "{refused:?}"
    );
    // Nothing to do is confirmed too, and tells the real version.
    committed(
        send(&theirs, &fixture.scope, "A1", "c5", Command::Deposit { cents: 1 })
            .await
            .unwrap(),
    );
    let unchanged = send(&ours, &fixture.scope, "A1", "c6", Command::Deposit { cents: 0 })
        .await
        .unwrap();
    assert!(matches!(unchanged, Executed::Unchanged { version: 4 }), "{unchanged:?}");
}

#[tokio::test]
async fn an_expected_version_is_compared_with_the_table() {
    let fixture = LogFixture::new().await;
    let (ours, theirs) = (fixture.accounts(), fixture.accounts());
    committed(
        send(&ours, &fixture.scope, "A1", "c1", Command::Deposit { cents: 1 })
            .await
            .unwrap(),
    );
    committed(
        send(&theirs, &fixture.scope, "A1", "c2", Command::Deposit { cents: 1 })
            .await
            .unwrap(),
    );
    let expecting = |version, command_id: &str| {
        let mut request = request(command_id, "deposit", b"{}");
        request.expected_version = Some(version);
        let (ours, scope) = (&ours, &fixture.scope);
        async move {
            ours.execute(scope, &id("A1"), request, || Ok(Command::Deposit { cents: 1 }))
                .await
        }
    };
    let refused = expecting(1, "c3").await;
    assert!(
        matches!(
            refused,
            Err(Refusal::VersionConflict {
                expected: 1,
                current: 2
            })
        ),
        "{refused:?}"
    );
    assert_eq!(committed(expecting(2, "c3").await.unwrap()), 3);
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

#[tokio::test]
async fn a_claimed_value_has_one_owner_until_it_is_released() {
    let fixture = LogFixture::new().await;
    let store = fixture.accounts();
    let number = |numbers: &[&str]| Command::Number {
        numbers: numbers.iter().map(|n| (*n).to_owned()).collect(),
    };
    committed(
        send(&store, &fixture.scope, "A1", "c1", number(&["1", "2"]))
            .await
            .unwrap(),
    );
    let taken = send(&store, &fixture.scope, "A2", "c1", number(&["3", "2"])).await;
    assert!(
        matches!(taken, Err(Refusal::Rejected(ref r)) if r.code == "already-taken" && r.pointer == "/numbers"),
        "{taken:?}"
    );
    // Nothing of a refused command stays behind.
    committed(send(&store, &fixture.scope, "A3", "c1", number(&["3"])).await.unwrap());
    // Released with the commit that drops it, and another tenant never competes.
    committed(send(&store, &fixture.scope, "A1", "c2", number(&["1"])).await.unwrap());
    committed(send(&store, &fixture.scope, "A2", "c2", number(&["2"])).await.unwrap());
    let other = headwater_tenancy::testing::scope("other").await;
    committed(
        send(&store, &other, "A1", "c1", number(&["1", "2", "3"]))
            .await
            .unwrap(),
    );
}

#[tokio::test]
async fn one_of_many_rivals_gets_a_value() {
    let fixture = LogFixture::new().await;
    let store = fixture.accounts();
    let all = join_all((0..16).map(|n| {
        let (store, scope) = (&store, &fixture.scope);
        async move {
            send(
                store,
                scope,
                &format!("A{n}"),
                "c",
                Command::Number {
                    numbers: vec!["7".into()],
                },
            )
            .await
        }
    }))
    .await;
    assert_eq!(
        all.iter()
            .filter(|result| matches!(result, Ok(Executed::Committed(_))))
            .count(),
        1,
        "{all:?}"
    );
}

#[tokio::test]
async fn more_claims_than_a_transaction_holds() {
    let fixture = LogFixture::new().await;
    let store = fixture.accounts();
    let numbers: Vec<_> = (0..250).map(|n| n.to_string()).collect();
    committed(
        send(
            &store,
            &fixture.scope,
            "A1",
            "c1",
            Command::Number {
                numbers: numbers.clone(),
            },
        )
        .await
        .unwrap(),
    );
    for taken in ["0", "100", "249"] {
        let refused = send(
            &store,
            &fixture.scope,
            "A2",
            taken,
            Command::Number {
                numbers: vec![taken.into()],
            },
        )
        .await;
        assert!(matches!(refused, Err(Refusal::Rejected(_))), "{taken}: {refused:?}");
    }
    // A rival with many values loses as a whole.
    let mut rival: Vec<_> = (1_000..1_250).map(|n| n.to_string()).collect();
    rival.push("249".into());
    assert!(
        send(&store, &fixture.scope, "A3", "c1", Command::Number { numbers: rival })
            .await
            .is_err()
    );
    assert_eq!(fixture.accounts().read(&fixture.scope, &id("A3")).await.unwrap().1, 0);
}

#[tokio::test]
async fn costs_are_exact() {
    let fixture = LogFixture::new().await;
    let store = fixture.accounts();
    committed(
        send(&store, &fixture.scope, "A1", "c1", Command::Deposit { cents: 1 })
            .await
            .unwrap(),
    );
    let units = |before: &[headwater_dynamodb::Usage]| {
        let sum = |usage: &[headwater_dynamodb::Usage]| {
            usage.iter().fold((0.0, 0.0), |(r, w), usage| {
                (r + usage.read_units, w + usage.write_units)
            })
        };
        let (now, then) = (sum(&fixture.databases.durable.accounting().snapshot()), sum(before));
        (now.0 - then.0, now.1 - then.1)
    };
    let before = fixture.databases.durable.accounting().snapshot();
    committed(
        send(&store, &fixture.scope, "A1", "c2", Command::Deposit { cents: 1 })
            .await
            .unwrap(),
    );
    assert_eq!(units(&before), (0.0, 1.0), "a warm command of one small event");
    let before = fixture.databases.durable.accounting().snapshot();
    let many = committed(
        send(
            &store,
            &fixture.scope,
            "A1",
            "c3",
            Command::DepositTimes { cents: 1, times: 10 },
        )
        .await
        .unwrap(),
    );
    assert_eq!(many, 12);
    assert_eq!(units(&before), (0.0, 1.0), "ten small events are below 1 KB together");
    let before = fixture.databases.durable.accounting().snapshot();
    committed(
        send(
            &store,
            &fixture.scope,
            "A1",
            "c4",
            Command::DepositTimes { cents: 1, times: 100 },
        )
        .await
        .unwrap(),
    );
    let (_, commit) = {
        let account = AggregateType::of::<Account>();
        let all = fixture
            .log
            .commits(&fixture.scope, &account, &id("A1"), 13)
            .await
            .unwrap();
        assert_eq!(all.len(), 1);
        (0, all.into_iter().next().unwrap())
    };
    let events = serde_json::to_string(&commit.events).unwrap().len();
    let expected = ((events + 250) as f64 / 1024.0).ceil();
    let wcu = units(&before).1;
    assert!(
        (expected - wcu).abs() <= 1.0 && wcu < 8.0,
        "{wcu} WCU for {events} bytes of events"
    );
}

#[tokio::test]
async fn a_commit_too_large_is_refused_before_it_is_sent() {
    let fixture = LogFixture::new().await;
    let store = fixture.accounts();
    let before = fixture
        .databases
        .durable
        .accounting()
        .snapshot()
        .iter()
        .map(|usage| usage.calls)
        .sum::<u64>();
    let numbers = vec!["x".repeat(400_000)];
    let refused = send(&store, &fixture.scope, "A1", "c", Command::Number { numbers }).await;
    assert!(
        matches!(refused, Err(Refusal::Log(headwater_event_log::Error::TooLarge { .. }))),
        "{refused:?}"
    );
    let after = fixture.databases.durable.accounting().snapshot();
    let writes = after
        .iter()
        .filter(|usage| usage.write_units > 0.0 && usage.table.starts_with("bank"))
        .count();
    assert_eq!(writes, 0, "{after:?}");
    assert!(
        after.iter().map(|usage| usage.calls).sum::<u64>() > before,
        "it was loaded"
    );
}

#[tokio::test]
async fn a_long_history_is_never_truncated() {
    let fixture = LogFixture::with(Options {
        snapshot_every: u64::MAX,
        ..Options::default()
    })
    .await;
    let store = fixture.accounts();
    for n in 0..1_203 {
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
    assert_eq!(
        fixture
            .accounts()
            .read(&fixture.scope, &id("A1"))
            .await
            .unwrap()
            .0
            .cents,
        1_203
    );
    let account = AggregateType::of::<Account>();
    assert_eq!(
        fixture
            .log
            .commits(&fixture.scope, &account, &id("A1"), 1)
            .await
            .unwrap()
            .len(),
        1_203
    );
    assert_eq!(
        fixture
            .log
            .commits(&fixture.scope, &account, &id("A1"), 1_000)
            .await
            .unwrap()[0]
            .first_sequence,
        1_000
    );
}
