//! The writer: order, once, fences, lost answers, several shards and many tenants, and what it costs.

use crate::given::{Given, Record, assert_whole, at, pump, scope};
use futures::future::join_all;
use headwater_dynamodb::faults::{Fault, Rule};
use headwater_event_log::{FeedCursor, FeedError, FeedPlace};
use headwater_tests::account::CONTEXT;

/// `versions` deposits to each of `accounts` accounts of a tenant, interleaved.
async fn deposits(given: &Given, tenant: &str, accounts: usize, versions: usize) {
    let scope = scope(tenant).await;
    for version in 0..versions {
        for account in 0..accounts {
            given.deposit(&scope, &format!("A{account}"), 1 + version as i64).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_has_every_commit_once_in_order_whatever_is_delivered_again() {
    let given = Given::new().await;
    deposits(&given, "acme", 5, 8).await;
    deposits(&given, "other", 2, 3).await;
    let records = given.records().await;
    assert_eq!(records.len(), 46);
    let writer = given.writer();
    pump(&writer, "s1", 1, &records, 9).await.unwrap();
    // All over again, from a position that an earlier owner had, from none at all, and from a writer that remembers nothing.
    for before in [None, Some(at("s1", &records[4].0))] {
        let after = at("s1", &records.last().unwrap().0);
        let moved = given.writer().append(before.as_ref(), &after, 1, &records).await;
        // It finds its own aim reached, which is what a lost answer looks like.
        assert_eq!(moved.unwrap().references, 0);
        let less = at("s1", &records[20].0);
        let moved = given.writer().append(before.as_ref(), &less, 1, &records[..=20]).await;
        assert!(matches!(moved, Err(FeedError::Moved { current: Some(_) })), "{moved:?}");
    }
    pump(&given.writer(), "s1", 2, &records, 46).await.unwrap();
    // Doubled and reordered within an answer.
    let (acme, other) = (scope("acme").await, scope("other").await);
    deposits(&given, "acme", 5, 1).await;
    let mut new: Vec<Record> = given.records().await.split_off(46);
    new.extend(new.clone());
    new.reverse();
    pump(&writer, "s1", 2, &new, 100).await.unwrap();
    assert_whole(&given.feed(&acme).await, 5, 9);
    assert_whole(&given.feed(&other).await, 2, 3);
    assert_eq!(given.feed(&scope("nobody").await).await, []);
    // In the order of arrival, too.
    let arrived: Vec<_> = records
        .iter()
        .filter(|(_, logged)| logged.scope.tenant().as_str() == "acme")
        .map(|(_, logged)| (logged.commit.id.to_string(), logged.commit.first_sequence))
        .collect();
    assert_eq!(given.feed(&acme).await[..40], arrived);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_shards_share_a_tenants_numbers_without_a_gap_or_a_repeat() {
    let given = Given::new().await;
    deposits(&given, "acme", 12, 10).await;
    let (even, odd): (Vec<_>, Vec<_>) = given
        .records()
        .await
        .into_iter()
        .partition(|(_, logged)| logged.commit.id.as_str().as_bytes().last().unwrap() % 2 == 0);
    // As two processes would: no memory is shared.
    let (one, two) = (given.writer(), given.writer());
    let (a, b) = tokio::join!(pump(&one, "s1", 1, &even, 3), pump(&two, "s2", 1, &odd, 3));
    let transactions = a.unwrap().len() + b.unwrap().len();
    let acme = scope("acme").await;
    assert_whole(&given.feed(&acme).await, 12, 10);
    assert_eq!(
        given.log.feed_end(&acme, CONTEXT).await.unwrap(),
        1 + transactions as u64
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_fence_is_refused_once_a_higher_one_has_written() {
    let given = Given::new().await;
    deposits(&given, "acme", 1, 6).await;
    let records = given.records().await;
    let (old, new) = (given.writer(), given.writer());
    let first = pump(&old, "s1", 7, &records[..2], 10).await.unwrap().remove(0).position;
    let second = pump(&new, "s1", 9, &records[..4], 10).await.unwrap().remove(0).position;
    let late = old
        .append(Some(&first), &at("s1", &records[5].0), 7, &records[2..])
        .await;
    assert!(matches!(late, Err(FeedError::Fenced { fence: 9 })), "{late:?}");
    // Also when it knows the position.
    let late = old
        .append(Some(&second), &at("s1", &records[5].0), 7, &records[2..])
        .await;
    assert!(matches!(late, Err(FeedError::Fenced { fence: 9 })), "{late:?}");
    let known = new.position("s1").await.unwrap().unwrap();
    assert_eq!((known.position, known.fence), (second, 9));
    pump(&new, "s1", 9, &records, 10).await.unwrap();
    assert_whole(&given.feed(&scope("acme").await).await, 1, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_found_out_and_a_lost_call_is_made_again() {
    let given = Given::new().await;
    deposits(&given, "acme", 4, 5).await;
    let records = given.records().await;
    let feed_table = given.table("feed");
    for (n, fault) in [Fault::TimeoutAfter, Fault::InternalErrorAfter, Fault::TimeoutBefore]
        .into_iter()
        .enumerate()
    {
        given.faults.clear();
        // Once; the SDK's own second try meets the failed condition.
        given
            .faults
            .add(Rule::new(fault).operation("TransactWriteItems").nth(1));
        let batch = &records[n * 4..n * 4 + 4];
        pump(&given.writer(), "s1", 1, batch, 4).await.unwrap();
    }
    given.faults.clear();
    // Every try times out, after the effect.
    given
        .faults
        .add(Rule::new(Fault::TimeoutAfter).operation("TransactWriteItems").times(5));
    pump(&given.writer(), "s1", 1, &records[12..16], 4).await.unwrap();
    given.faults.clear();
    // The process dies in between: another one goes on from the position that is written down.
    given
        .faults
        .add(Rule::new(Fault::TimeoutBefore).operation("TransactWriteItems"));
    let before = given.writer().position("s1").await.unwrap().map(|known| known.position);
    let died = given
        .writer()
        .append(before.as_ref(), &at("s1", &records[19].0), 1, &records[16..])
        .await;
    assert!(died.as_ref().is_err_and(FeedError::is_retryable), "{died:?}");
    given.faults.clear();
    pump(&given.writer(), "s1", 2, &records, 100).await.unwrap();
    given
        .faults
        .add(Rule::new(Fault::Throttle).table(&feed_table).probability(0.2));
    deposits(&given, "acme", 4, 3).await;
    pump(&given.writer(), "s1", 2, &given.records().await, 2).await.unwrap();
    given.faults.clear();
    assert_whole(&given.feed(&scope("acme").await).await, 4, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_mix_of_failures_on_two_shards_loses_and_repeats_nothing() {
    let given = Given::new().await;
    deposits(&given, "acme", 6, 12).await;
    deposits(&given, "other", 6, 6).await;
    let records = given.records().await;
    for fault in [
        Fault::TimeoutAfter,
        Fault::InternalErrorAfter,
        Fault::TimeoutBefore,
        Fault::Throttle,
    ] {
        given
            .faults
            .add(Rule::new(fault).table(&given.table("feed")).probability(0.1));
    }
    let (even, odd): (Vec<Record>, Vec<Record>) = records
        .into_iter()
        .partition(|(_, logged)| logged.commit.id.as_str().as_bytes().last().unwrap() % 2 == 0);
    // Three holders after one another, each starting over a little earlier than it should.
    let shard = async |name: &'static str, records: Vec<Record>| {
        for (n, upto) in [records.len() / 3, records.len() * 2 / 3, records.len()]
            .into_iter()
            .enumerate()
        {
            let writer = given.writer();
            while pump(&writer, name, n as u64, &records[..upto], 4)
                .await
                .is_err_and(|error| error.is_retryable())
            {}
        }
    };
    tokio::join!(shard("s1", even), shard("s2", odd));
    assert!(given.faults.injected() > 10);
    given.faults.clear();
    assert_whole(&given.feed(&scope("acme").await).await, 6, 12);
    assert_whole(&given.feed(&scope("other").await).await, 6, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_many_tenants_takes_several_transactions() {
    let given = Given::new().await;
    let tenants: Vec<String> = (0..210).map(|n| format!("t{n}")).collect();
    join_all(tenants.iter().map(async |tenant| {
        let scope = scope(tenant).await;
        given.deposit(&scope, "A1", 1).await;
        given.deposit(&scope, "A1", 2).await;
    }))
    .await;
    let records = given.records().await;
    let appended = pump(&given.writer(), "s1", 1, &records, 1_000).await.unwrap();
    assert_eq!(appended.len(), 1);
    assert_eq!(appended[0].references, 420);
    assert!(
        (3..=6).contains(&appended[0].transactions),
        "{}",
        appended[0].transactions
    );
    for tenant in &tenants {
        assert_whole(&given.feed(&scope(tenant).await).await, 1, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_costs_a_fraction_of_a_write_per_commit() {
    let given = Given::new().await;
    deposits(&given, "acme", 100, 1).await;
    let records = given.records().await;
    let accounting = given.databases.durable.accounting();
    let units = |operation: &str, before: &[_]| {
        let rows = accounting.since(before);
        let of = rows
            .iter()
            .filter(|row| row.table == given.table("feed") && row.operation == operation);
        of.map(|row| row.write_units + row.read_units).sum::<f64>()
    };
    let writer = given.writer();
    let before = accounting.snapshot();
    pump(&writer, "s1", 1, &records, 100).await.unwrap();
    let written = units("TransactWriteItems", &before);
    println!(
        "100 commits of one tenant in one batch: {written} WCU, {} RCU",
        units("Query", &before) + units("GetItem", &before)
    );
    assert!(written <= 12.0, "{written}");
    // One at a time is the worst: a transaction for each.
    deposits(&given, "acme", 1, 10).await;
    let before = accounting.snapshot();
    pump(&writer, "s1", 1, &given.records().await[100..], 1).await.unwrap();
    let written = units("TransactWriteItems", &before) / 10.0;
    println!(
        "one commit a batch: {written} WCU a commit, {} RCU",
        units("Query", &before) / 10.0
    );
    assert!(written <= 4.0, "{written}");
    assert!(units("Query", &before) == 0.0, "the last number is remembered");
    let before = accounting.snapshot();
    let acme = scope("acme").await;
    given
        .log
        .feed_page(&acme, CONTEXT, FeedPlace::START, 100)
        .await
        .unwrap();
    println!("reading 100 of them: {} RCU", units("Query", &before));
    assert!(units("Query", &before) <= 4.0);
}

#[tokio::test]
async fn a_cursor_is_good_for_its_tenant_alone() {
    let given = Given::new().await;
    let (acme, other) = (scope("acme").await, scope("other").await);
    let mut cursor = FeedCursor::new();
    cursor.set(CONTEXT, FeedPlace::from((3, 1, 2)));
    let text = given.log.seal_feed_cursor(&acme, &cursor);
    assert_eq!(given.log.open_feed_cursor(&acme, &text).unwrap(), cursor);
    assert!(given.log.open_feed_cursor(&other, &text).is_err());
    assert!(given.log.open_feed_cursor(&acme, "abc").is_err());
}
