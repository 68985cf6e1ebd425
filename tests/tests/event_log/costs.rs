//! What a command costs, to the unit.

use crate::{committed, id, send};
use headwater_event_log::Refusal;
use headwater_kernel::AggregateType;
use headwater_tests::{
    LogFixture,
    account::{Account, Command},
};

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
