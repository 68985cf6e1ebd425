//! Commits that cannot be applied.

use super::{Bank, quick};
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
