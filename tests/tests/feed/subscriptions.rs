//! Subscriptions in process: from the feed into live without a gap or a repeat, several contexts, filters, tenants, failures.

use crate::{
    given::{Given, Record, assert_whole, pump, scope},
    notes::NOTES,
    serving::{feed, ids, options, parameters, service, take},
};
use futures::future::join_all;
use headwater_dynamodb::faults::{Fault, Rule};
use headwater_query_service::{Message, SubscriptionOptions};
use headwater_tests::account::{CONTEXT, Command};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn from_the_feed_into_live_nothing_is_missing_and_nothing_comes_twice() {
    let given = Given::new().await;
    let acme = scope("acme").await;
    let service = service(&given, options());
    for version in 0..10 {
        for account in 0..6 {
            given.deposit(&acme, &format!("A{account}"), 1 + version).await;
        }
    }
    let records = given.records().await;
    let (even, odd): (Vec<Record>, Vec<Record>) = records
        .into_iter()
        .partition(|(_, logged)| logged.commit.id.as_str().as_bytes().last().unwrap() % 2 == 0);
    // Half is there before, half comes while subscribers that began at different times read; two shards write.
    let (one, two) = (given.writer(), given.writer());
    pump(&one, "s1", 1, &even[..15], 4).await.unwrap();
    pump(&two, "s2", 1, &odd[..15], 4).await.unwrap();
    let subscribe = async |late: u64| {
        given.runtime.sleep(Duration::from_millis(late)).await;
        let mut subscription = service.subscribe(&acme, parameters(&[]), None).await.unwrap();
        // Cut off again and again, also within a batch, and resumed by the cursor.
        let mut all = Vec::new();
        for part in [7, 1, 30, 22] {
            let (seen, cursor) = take(&mut subscription, part).await;
            all.extend(ids(seen));
            subscription = service
                .subscribe(&acme, parameters(&[("after", &cursor)]), None)
                .await
                .unwrap();
        }
        all
    };
    let writing = async {
        tokio::join!(async { pump(&one, "s1", 1, &even, 2).await.unwrap() }, async {
            pump(&two, "s2", 1, &odd, 1).await.unwrap()
        })
    };
    let (seen, _) = tokio::join!(join_all((0..40).map(|n| subscribe(n * 3))), writing);
    let expected = given.feed(&acme).await;
    assert_whole(&expected, 6, 10);
    for all in seen {
        assert_eq!(all, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_several_events_is_resumed_in_its_middle() {
    let given = Given::new().await;
    let acme = scope("acme").await;
    let service = service(&given, options());
    given
        .command(&acme, "A1", Command::DepositTimes { cents: 1, times: 5 })
        .await;
    given.deposit(&acme, "A1", 1).await;
    feed(&given, &given.writer()).await;
    let mut cursor = None;
    let mut all = Vec::new();
    for _ in 0..6 {
        let after = cursor.as_deref().map(|cursor| [("after", cursor)]);
        let after = after.as_ref().map_or(&[][..], |after| &after[..]);
        let mut subscription = service.subscribe(&acme, parameters(after), None).await.unwrap();
        let (seen, last) = take(&mut subscription, 1).await;
        all.extend(ids(seen));
        cursor = Some(last);
    }
    assert_eq!(all, (1..=6).map(|n| ("A1".to_owned(), n)).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_cursor_holds_the_places_of_several_contexts() {
    let given = Given::new().await;
    let acme = scope("acme").await;
    let service = service(&given, options());
    for _ in 0..4 {
        given.deposit(&acme, "A1", 1).await;
        given.write_note(&acme, "N1").await;
    }
    feed(&given, &given.writer()).await;
    given.feed_notes().await;
    let mut both = service.subscribe(&acme, parameters(&[]), None).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..8 {
        let (one, next) = take(&mut both, 1).await;
        seen.extend(one);
        cursor = next;
        both = service
            .subscribe(&acme, parameters(&[("after", &cursor)]), None)
            .await
            .unwrap();
    }
    let of = |context: &str| {
        seen.iter()
            .filter(|event| event.0 == context)
            .map(|event| event.2)
            .collect::<Vec<_>>()
    };
    assert_eq!((of(CONTEXT), of(NOTES)), (vec![1, 2, 3, 4], vec![1, 2, 3, 4]));
    // One context alone; what came meanwhile in the other is not lost to its cursor.
    given.deposit(&acme, "A1", 1).await;
    given.write_note(&acme, "N1").await;
    feed(&given, &given.writer()).await;
    given.feed_notes().await;
    let only = [("after", cursor.as_str()), ("context", NOTES)];
    let mut notes = service.subscribe(&acme, parameters(&only), None).await.unwrap();
    let (seen, cursor) = take(&mut notes, 1).await;
    assert_eq!(seen, [(NOTES.to_owned(), "N1".to_owned(), 5, "LineWritten".to_owned())]);
    let mut both = service
        .subscribe(&acme, parameters(&[("after", &cursor)]), None)
        .await
        .unwrap();
    let (seen, _) = take(&mut both, 1).await;
    assert_eq!(seen, [(CONTEXT.to_owned(), "A1".to_owned(), 5, "Deposited".to_owned())]);
    // Whoever begins now with one begins now with all.
    let only = [("after", "now"), ("context", NOTES)];
    let mut notes = service.subscribe(&acme, parameters(&only), None).await.unwrap();
    let Some(Message::Heartbeat { cursor }) = notes.next().await else {
        panic!("no heartbeat");
    };
    let mut both = service
        .subscribe(&acme, parameters(&[("after", &cursor)]), None)
        .await
        .unwrap();
    let none = given
        .runtime
        .timeout(Duration::from_millis(300), take(&mut both, 1))
        .await;
    assert!(none.is_err(), "{none:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_appends_is_found_by_looking() {
    let given = Given::new().await;
    let acme = scope("acme").await;
    let service = service(&given, options());
    let mut subscription = service.subscribe(&acme, parameters(&[]), None).await.unwrap();
    subscription.next().await.unwrap();
    let elsewhere = given.other_process(given.runtime.clone());
    for sequence in 1..=3 {
        given.deposit(&acme, "A1", 1).await;
        feed(&given, &elsewhere).await;
        assert_eq!(ids(take(&mut subscription, 1).await.0), [("A1".to_owned(), sequence)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_sees_nothing_and_its_cursor_opens_nothing() {
    let given = Given::new().await;
    let (acme, other) = (scope("acme").await, scope("other").await);
    let service = service(&given, options());
    given.deposit(&acme, "A1", 1).await;
    given.deposit(&other, "B1", 1).await;
    feed(&given, &given.writer()).await;
    let mut subscription = service.subscribe(&acme, parameters(&[]), None).await.unwrap();
    let (seen, cursor) = take(&mut subscription, 1).await;
    assert_eq!(ids(seen), [("A1".to_owned(), 1)]);
    let more = given
        .runtime
        .timeout(Duration::from_millis(300), subscription.next())
        .await;
    assert!(more.is_err(), "{more:?}");
    let refused = service
        .subscribe(&other, parameters(&[("after", &cursor)]), None)
        .await
        .unwrap_err();
    assert_eq!((refused.status().as_u16(), refused.code()), (400, "invalid-cursor"));
    let refused = service
        .subscribe(&other, parameters(&[]), Some(&cursor))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "invalid-cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_pass_over_and_the_cursor_moves_all_the_same() {
    let given = Given::new().await;
    let acme = scope("acme").await;
    let service = service(
        &given,
        SubscriptionOptions {
            heartbeat: Duration::from_millis(100),
            ..options()
        },
    );
    for _ in 0..5 {
        given.deposit(&acme, "A1", 10).await;
    }
    given.command(&acme, "A1", Command::Withdraw { cents: 5 }).await;
    given.deposit(&acme, "A1", 10).await;
    feed(&given, &given.writer()).await;
    let only = [("type", "Withdrawn,Numbered"), ("context", CONTEXT)];
    let mut subscription = service.subscribe(&acme, parameters(&only), None).await.unwrap();
    let (seen, _) = take(&mut subscription, 1).await;
    assert_eq!(seen, [(CONTEXT.to_owned(), "A1".to_owned(), 6, "Withdrawn".to_owned())]);
    // A heartbeat says where to resume behind what was passed over.
    given.runtime.sleep(Duration::from_millis(150)).await;
    let Some(Message::Heartbeat { cursor: first }) = subscription.next().await else {
        panic!("no heartbeat");
    };
    let Some(Message::Heartbeat { cursor }) = subscription.next().await else {
        panic!("no heartbeat");
    };
    assert_ne!(first, cursor);
    let mut after = service
        .subscribe(&acme, parameters(&[("after", &cursor)]), None)
        .await
        .unwrap();
    given.deposit(&acme, "A1", 10).await;
    feed(&given, &given.writer()).await;
    assert_eq!(ids(take(&mut after, 1).await.0), [("A1".to_owned(), 8)]);
    for (name, value) in [
        ("type", "Withdrawm"),
        ("context", "bark"),
        ("after", "x"),
        ("since", "now"),
    ] {
        let refused = service
            .subscribe(&acme, parameters(&[(name, value)]), None)
            .await
            .unwrap_err();
        assert_eq!(refused.status().as_u16(), 400, "{name}");
        assert!(
            name == "after" || refused.detail().contains("did you mean") || name == "since",
            "{refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_for_a_while_only_delays() {
    let given = Given::new().await;
    let acme = scope("acme").await;
    let service = service(&given, options());
    let writer = given.writer();
    let mut subscription = service.subscribe(&acme, parameters(&[]), None).await.unwrap();
    for fault in [Fault::Throttle, Fault::InternalError] {
        for operation in ["Query", "BatchGetItem"] {
            given.faults.add(Rule::new(fault).operation(operation).probability(0.4));
        }
    }
    for _ in 0..10 {
        given.deposit_patiently(&acme, "A1").await;
        let records = given.records().await;
        pump(&writer, "s1", 1, &records, 3).await.unwrap();
    }
    let (seen, _) = take(&mut subscription, 10).await;
    assert_eq!(ids(seen), (1..=10).map(|n| ("A1".to_owned(), n)).collect::<Vec<_>>());
    assert!(given.faults.injected() > 5);
}
