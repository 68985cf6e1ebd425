//! Unique values: one owner each, more of them than a transaction holds.

use crate::{committed, id, send};
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join_all;
use headwater_dynamodb::faults::{Fault, Rule};
use headwater_event_log::{Executed, Refusal};
use headwater_tests::{LogFixture, account::Command};
use std::time::Duration;

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

/// A claim that its owner's history does not bear out may be dropped by a rival. Between the rival's look and its delete the owner may
/// take the value after all, and then it is the owner's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_was_taken_again_is_not_dropped() {
    let fixture = LogFixture::new().await;
    let database = &fixture.databases.durable;
    let table = database.table("bank-claims");
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let number = |value: &str| AttributeValue::N(value.to_owned());
    // What a commit that never came has left behind long ago.
    database
        .client()
        .put_item()
        .table_name(&table)
        .item("PK", text("TENANT#acme#accounts#number#7"))
        .item("v", number("1"))
        .item("owner", text("A1"))
        .item("at", number("1"))
        .send()
        .await
        .unwrap();
    let late = Fault::Delay(Duration::from_secs(1));
    fixture
        .faults
        .add(Rule::new(late).operation("DeleteItem").table(&table).nth(1));
    let store = fixture.accounts();
    let seven = || Command::Number {
        numbers: vec!["7".into()],
    };
    let rival = send(&store, &fixture.scope, "A2", "c1", seven());
    let owner = async {
        while fixture.faults.injected() == 0 {
            fixture.runtime.sleep(Duration::from_millis(5)).await;
        }
        send(&store, &fixture.scope, "A1", "c1", seven()).await
    };
    let (rival, owner) = futures::join!(rival, owner);
    committed(owner.unwrap());
    assert!(
        matches!(rival, Err(Refusal::Rejected(ref r)) if r.code == "already-taken"),
        "{rival:?}"
    );
}
