//! How many subscribers there may be and what they share, and what becomes of slow ones.

use crate::{
    given::{Given, scope},
    serving::{feed, ids, options, parameters, service, take},
};
use futures::future::join_all;
use headwater_query_service::{EndReason, Message, SubscriptionOptions};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_subscribers_share_one_reader() {
    let given = Given::new().await;
    let acme = scope("acme").await;
    let service = service(&given, options());
    let writer = given.writer();
    for n in 0..20 {
        given.deposit(&acme, &format!("A{n}"), 1).await;
    }
    feed(&given, &writer).await;
    let mut subscriptions = Vec::new();
    for n in 0..2_000 {
        let after: &[_] = if n % 2 == 0 { &[] } else { &[("after", "now")] };
        subscriptions.push(service.subscribe(&acme, parameters(after), None).await.unwrap());
    }
    let before = given.databases.durable.accounting().snapshot();
    let reading = join_all(subscriptions.into_iter().enumerate().map(|(n, mut subscription)| {
        given
            .runtime
            .clone()
            .spawn(async move {
                let expected = if n % 2 == 0 { 60 } else { 40 };
                let seen = ids(take(&mut subscription, expected).await.0);
                let first = if n % 2 == 0 { 1 } else { 2 };
                for account in 0..20 {
                    let of: Vec<u64> = seen
                        .iter()
                        .filter(|(id, _)| *id == format!("A{account}"))
                        .map(|(_, n)| *n)
                        .collect();
                    assert_eq!(of, (first..=3).collect::<Vec<_>>());
                }
            })
            .join()
    }));
    let writing = async {
        for _ in 0..2 {
            for n in 0..20 {
                given.deposit(&acme, &format!("A{n}"), 1).await;
            }
            feed(&given, &writer).await;
        }
    };
    let started = given.runtime.monotonic();
    let (read, ()) = tokio::join!(reading, writing);
    assert!(read.iter().all(Result::is_ok));
    let took = given.runtime.monotonic() - started;
    let since = given.databases.durable.accounting().since(&before);
    let reads: u64 = since
        .iter()
        .filter(|row| row.pattern.starts_with("event-log.feed-re"))
        .map(|row| row.calls)
        .sum();
    println!("100,000 events to 2,000 subscribers in {took:?} with {reads} reads of the store");
    assert!(reads < 100, "{reads}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_subscriber_is_sent_away_with_a_cursor_that_resumes() {
    let given = Given::new().await;
    let acme = scope("acme").await;
    let service = service(
        &given,
        SubscriptionOptions {
            most_behind: 10,
            ..options()
        },
    );
    let writer = given.writer();
    given.deposit(&acme, "A1", 1).await;
    feed(&given, &writer).await;
    let mut slow = service.subscribe(&acme, parameters(&[]), None).await.unwrap();
    let mut quick = service.subscribe(&acme, parameters(&[]), None).await.unwrap();
    take(&mut slow, 1).await;
    // It has to have been live: whoever reads what is old may take its time.
    let waited = given.runtime.timeout(Duration::from_millis(300), slow.next()).await;
    assert!(waited.is_err(), "{waited:?}");
    for _ in 0..3 {
        for _ in 0..8 {
            given.deposit(&acme, "A1", 1).await;
        }
        feed(&given, &writer).await;
        take(&mut quick, 8).await;
    }
    given.runtime.sleep(Duration::from_millis(300)).await;
    let Some(Message::End { cursor, reason }) = slow.next().await else {
        panic!("not ended");
    };
    assert_eq!(reason, EndReason::TooSlow);
    assert!(slow.next().await.is_none());
    let mut again = service
        .subscribe(&acme, parameters(&[("after", &cursor)]), None)
        .await
        .unwrap();
    assert_eq!(
        ids(take(&mut again, 24).await.0),
        (2..=25).map(|n| ("A1".to_owned(), n)).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_are_bounded_and_sent_home() {
    let given = Given::new().await;
    let (acme, other) = (scope("acme").await, scope("other").await);
    let service = service(
        &given,
        SubscriptionOptions {
            per_tenant: 2,
            in_all: 3,
            longest: Duration::from_millis(300),
            ..options()
        },
    );
    let subscribe = async |scope| service.subscribe(scope, parameters(&[]), None).await;
    let (mut one, two) = (subscribe(&acme).await.unwrap(), subscribe(&acme).await.unwrap());
    let third = subscribe(&acme).await.unwrap_err();
    assert_eq!((third.status().as_u16(), third.code()), (429, "too-many-subscribers"));
    let mut theirs = subscribe(&other).await.unwrap();
    let full = subscribe(&other).await.unwrap_err();
    assert_eq!((full.status().as_u16(), full.code()), (503, "overloaded"));
    drop(two);
    let mut two = subscribe(&acme).await.unwrap();
    assert!(matches!(one.next().await, Some(Message::Heartbeat { .. })));
    let ended = one.next().await;
    assert!(
        matches!(
            ended,
            Some(Message::End {
                reason: EndReason::Expired,
                ..
            })
        ),
        "{ended:?}"
    );
    service.close_subscriptions();
    for subscription in [&mut two, &mut theirs] {
        let ended = subscription.next().await;
        assert!(
            matches!(
                ended,
                Some(Message::End {
                    reason: EndReason::Closing,
                    ..
                })
            ),
            "{ended:?}"
        );
    }
    drop((one, two, theirs));
    assert_eq!(subscribe(&acme).await.unwrap_err().code(), "closing");
}
