//! Commits that cannot be applied.

use super::{Bank, quick};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_kernel::Id;
use headwater_projectors::{Parked, Parking, Retried, RunnerOptions, SourceKey};
use headwater_tests::{
    account::{CONTEXT, Command},
    projections::{BALANCES, Balance, poison},
};
use std::time::Duration;

fn parking(bank: &Bank) -> Parking {
    Parking::new(bank.databases.rebuildable.clone())
}

async fn until_parked(bank: &Bank, count: usize) -> Vec<Parked> {
    for _ in 0..600 {
        let parked = parking(bank).list("balances.1", None).await.unwrap();
        if parked.len() == count {
            return parked;
        }
        bank.keeping.runtime.sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing was parked");
}

fn source(bank: &Bank, id: &str) -> SourceKey {
    SourceKey {
        tenant: bank.scope.tenant().clone(),
        aggregate: "accounts".into(),
        id: Id::new(id).unwrap(),
    }
}

async fn balance(bank: &Bank, id: &str) -> Option<(i64, u64)> {
    let rows = bank.keeping.repository(BALANCES);
    let row = rows
        .find::<Balance>(&bank.scope, &Balance::key(&Id::new(id).unwrap()))
        .await
        .unwrap();
    row.map(|row| (row.entity.cents, row.version))
}

/// An account with a deposit, a commit that panics, and another deposit; others beside it.
async fn poisoned(bank: &Bank, cents: i64) {
    poison(cents, true);
    bank.send("bad", 1, Command::Deposit { cents: cents + 10 }).await;
    bank.send("bad", 2, Command::Withdraw { cents }).await;
    bank.send("bad", 3, Command::Deposit { cents: 5 }).await;
    bank.deposit(20, 3, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_commit_parks_its_aggregate_and_the_rest_goes_on() {
    let bank = Bank::new().await;
    poisoned(&bank, 1_001).await;
    let runner = bank.keeping.start(quick());
    let parked = until_parked(&bank, 1).await;
    assert_eq!((parked[0].source.id.as_str(), parked[0].first_sequence), ("bad", 2));
    assert_eq!(parked[0].reason, "the fold panicked");
    assert_eq!(
        balance(&bank, "bad").await,
        Some((1_011, 1)),
        "it is applied up to the bad commit"
    );

    // Later commits wait behind it, and the item knows how far.
    bank.send("bad", 4, Command::Deposit { cents: 1 }).await;
    bank.deposit(20, 1, 2).await;
    let differences = async || {
        let all = bank.keeping.differences(&bank.scope).await;
        all.into_iter()
            .filter(|one| !one.starts_with("bad:"))
            .collect::<Vec<_>>()
    };
    poison(1_001, false);
    for _ in 0..600 {
        let known = parking(&bank).list("balances.1", None).await.unwrap();
        if differences().await.is_empty() && known[0].up_to == 4 {
            break;
        }
        bank.keeping.runtime.sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(differences().await, [""; 0]);
    assert_eq!(balance(&bank, "bad").await, Some((1_011, 1)));

    // The bug is mended: once more.
    let consumers = bank.keeping.consumers();
    let consumer = consumers.iter().find(|one| one.projection == BALANCES).unwrap();
    let retried = parking(&bank)
        .retry(consumer, &bank.scope, CONTEXT, &source(&bank, "bad"), false)
        .await;
    assert_eq!(retried.unwrap(), Retried::Applied);
    assert_eq!(balance(&bank, "bad").await, Some((16, 4)));
    let again = parking(&bank)
        .retry(consumer, &bank.scope, CONTEXT, &source(&bank, "bad"), false)
        .await;
    assert_eq!(again.unwrap(), Retried::NotParked);
    // The worker believed it parked; what comes next is applied all the same.
    bank.send("bad", 5, Command::Deposit { cents: 2 }).await;
    bank.keeping.settled(&bank.scope).await;
    runner.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_discarded_commit_has_no_effect_and_the_rest_has() {
    let bank = Bank::new().await;
    poisoned(&bank, 1_002).await;
    let runner = bank.keeping.start(quick());
    until_parked(&bank, 1).await;
    let consumers = bank.keeping.consumers();
    let consumer = consumers.iter().find(|one| one.projection == BALANCES).unwrap();
    let bad = source(&bank, "bad");
    let retried = parking(&bank)
        .retry(consumer, &bank.scope, CONTEXT, &bad, false)
        .await
        .unwrap();
    let Retried::StillParked(still) = retried else {
        panic!("it cannot be applied: {retried:?}")
    };
    assert_eq!(still.first_sequence, 2);
    let discarded = parking(&bank)
        .retry(consumer, &bank.scope, CONTEXT, &bad, true)
        .await
        .unwrap();
    assert_eq!(discarded, Retried::Applied);
    assert_eq!(balance(&bank, "bad").await, Some((1_017, 3)));
    runner.shut_down().await;
    poison(1_002, false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_parked_stays_parked_over_a_restart_and_a_lost_position() {
    let bank = Bank::new().await;
    poisoned(&bank, 1_003).await;
    let runner = bank.keeping.start(quick());
    until_parked(&bank, 1).await;
    runner.shut_down().await;
    // No position is believed after no time: everything is read from the log again.
    let runner = bank.keeping.start(RunnerOptions {
        believe_for: Duration::ZERO,
        ..quick()
    });
    bank.deposit(20, 1, 3).await;
    bank.send("bad", 9, Command::Deposit { cents: 1 }).await;
    for _ in 0..600 {
        let parked = parking(&bank)
            .list("balances.1", Some(bank.scope.tenant()))
            .await
            .unwrap();
        assert_eq!(parked.len(), 1);
        if parked[0].up_to == 4 {
            break;
        }
        bank.keeping.runtime.sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(balance(&bank, "bad").await, Some((1_013, 1)));
    runner.shut_down().await;
    poison(1_003, false);
}

/// Writes items of the log by hand: those of a build whose layout this one does not know, and copies.
async fn put_log_item(bank: &Bank, id: &str, from: u64, to: u64, change: impl FnOnce(&mut LogItem)) {
    let log = &bank.databases.durable;
    let table = log.table("bank-events");
    let key = |sequence: u64| AttributeValue::S(format!("{sequence:020}"));
    let partition = AttributeValue::S(format!("TENANT#acme#accounts#{id}"));
    let read = log.client().get_item().table_name(&table);
    let read = read.key("PK", partition).key("SK", key(from)).consistent_read(true);
    let mut item = read.send().await.unwrap().item.unwrap();
    item.insert("SK".into(), key(to));
    item.insert("command_id".into(), AttributeValue::S(format!("by-hand-{to}")));
    change(&mut item);
    let put = log.client().put_item().table_name(&table);
    put.set_item(Some(item)).send().await.unwrap();
}

type LogItem = std::collections::HashMap<String, AttributeValue>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_cannot_be_read_stops_its_aggregate_there_and_can_be_discarded() {
    for (says_how_many, follows) in [(true, true), (false, true), (true, false)] {
        let bank = Bank::new().await;
        bank.send("odd", 1, Command::Deposit { cents: 10 }).await;
        bank.send("odd", 2, Command::Deposit { cents: 20 }).await;
        // Two events, of which this build can read none.
        put_log_item(&bank, "odd", 2, 3, |item| {
            item.insert("v".into(), AttributeValue::N("99".into()));
            item.insert("n".into(), AttributeValue::N("2".into()));
            if !says_how_many {
                item.remove("n");
            }
        })
        .await;
        if follows {
            put_log_item(&bank, "odd", 1, 5, |_| {}).await;
        }
        let runner = bank.keeping.start(quick());
        let parked = until_parked(&bank, 1).await;
        assert_eq!(parked[0].first_sequence, 3, "{parked:?}");
        assert_eq!(balance(&bank, "odd").await, Some((30, 2)), "all before it is applied");
        let consumers = bank.keeping.consumers();
        let consumer = consumers.iter().find(|one| one.name() == "balances.1").unwrap();
        let retry = async |discard| {
            parking(&bank)
                .retry(consumer, &bank.scope, CONTEXT, &source(&bank, "odd"), discard)
                .await
                .unwrap()
        };
        let again = retry(false).await;
        assert!(
            matches!(&again, Retried::StillParked(parked) if parked.first_sequence == 3),
            "{again:?}"
        );
        assert_eq!(retry(true).await, Retried::Applied);
        let after = if follows { Some((40, 5)) } else { Some((30, 4)) };
        assert_eq!(balance(&bank, "odd").await, after);
        runner.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_are_paged_and_counted_without_reading_them_all() {
    let bank = Bank::new().await;
    let parking = parking(&bank);
    for n in 0..130_u64 {
        let context = if n < 100 { CONTEXT } else { "crm" };
        let parked = Parked {
            consumer: "balances.1".into(),
            context: context.into(),
            source: source(&bank, &format!("#{n:03} %")),
            first_sequence: 1,
            up_to: 1,
            reason: "a test".into(),
            since: headwater_kernel::Timestamp::from_nanos(1),
        };
        parking.park(&parked).await.unwrap();
    }
    let counts = parking.count("balances.1", None).await.unwrap();
    assert_eq!(counts, [(CONTEXT.to_owned(), 100), ("crm".to_owned(), 30)].into());
    let nobody = headwater_kernel::TenantId::new("acm").unwrap();
    assert!(parking.count("balances.1", Some(&nobody)).await.unwrap().is_empty());
    for limit in [1, 50, 65, 130, 200] {
        let mut all: Vec<Parked> = Vec::new();
        loop {
            let after = all.last().map(|last| (last.context.as_str(), &last.source));
            let tenant = Some(bank.scope.tenant());
            let (page, more) = parking.page("balances.1", tenant, after, limit).await.unwrap();
            assert!(page.len() == limit || !more);
            all.extend(page);
            if !more {
                break;
            }
        }
        assert_eq!(all, parking.list("balances.1", None).await.unwrap(), "by {limit}");
        assert_eq!(all.len(), 130);
    }
    let (none, more) = parking.page("balances.1", None, None, 0).await.unwrap();
    assert!(none.is_empty() && more);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_does_not_know_to_be_parked_is_found_by_its_key() {
    let bank = Bank::new().await;
    bank.deposit(1, 1, 1).await;
    let runner = bank.keeping.start(quick());
    bank.keeping.settled(&bank.scope).await;
    // Another process parks it after this one has read what is.
    let item = Parked {
        consumer: "balances.1".into(),
        context: CONTEXT.into(),
        source: source(&bank, "bad"),
        first_sequence: 2,
        up_to: 2,
        reason: "found by another".into(),
        since: headwater_kernel::Timestamp::from_nanos(1),
    };
    parking(&bank).park(&item).await.unwrap();
    poisoned(&bank, 1_701).await;
    for _ in 0..600 {
        let known = until_parked(&bank, 1).await;
        if known[0].up_to == 3 {
            break;
        }
        bank.keeping.runtime.sleep(Duration::from_millis(50)).await;
    }
    let known = until_parked(&bank, 1).await;
    assert_eq!((known[0].up_to, known[0].reason.as_str()), (3, "found by another"));
    poison(1_701, false);
    runner.shut_down().await;
}
