//! Changes of more rows than one transaction holds: interrupted, overtaken, given up.

use super::Bank;
use headwater_dynamodb::faults::{Fault, Rule};
use headwater_kernel::{Id, Timestamp};
use headwater_projectors::{ApplyError, Consumer, Parked, Parking, Retried, SourceKey};
use headwater_tests::{
    account::{CONTEXT, Command},
    projections::{NUMBERS, NumberRow, poison},
};
use std::{ops::Range, time::Duration};

fn source(bank: &Bank) -> SourceKey {
    SourceKey {
        tenant: bank.scope.tenant().clone(),
        aggregate: "accounts".into(),
        id: Id::new("many").unwrap(),
    }
}

/// A worker's consumer, which remembers nothing yet.
fn worker(bank: &Bank) -> Consumer {
    let name = |consumer: &Consumer| consumer.name() == "numbers.1";
    bank.keeping.consumers().into_iter().find(name).unwrap()
}

async fn number(bank: &Bank, n: u64, numbers: Range<u32>) {
    let numbers = numbers.map(|n| format!("n{n}")).collect();
    bank.send("many", n, Command::Number { numbers }).await;
}

/// The worker applies whatever the log has.
async fn apply(bank: &Bank, worker: &Consumer, discard: Option<u64>) -> Result<Retried, ApplyError> {
    let parking = Parking::new(bank.databases.rebuildable.clone());
    let parked = Parked {
        consumer: worker.name(),
        context: CONTEXT.to_owned(),
        source: source(bank),
        first_sequence: discard.unwrap_or(0),
        up_to: 1_000,
        reason: "a test".into(),
        since: Timestamp::from_nanos(0),
    };
    parking.park(&parked).await.unwrap();
    parking
        .retry(worker, &bank.scope, CONTEXT, &source(bank), discard.is_some())
        .await
}

/// Exactly these rows are there.
async fn assert_rows(bank: &Bank, numbers: Range<u32>, when: &str) {
    let id = Id::new("many").unwrap();
    let keys: Vec<_> = (0..500).map(|n| NumberRow::key(&id, &format!("n{n}"))).collect();
    let rows = bank.keeping.repository(NUMBERS).consistent();
    let found = rows.find_many::<NumberRow>(&bank.scope, &keys).await.unwrap();
    let found: Vec<u32> = (0..500).filter(|n| found[*n as usize].is_some()).collect();
    let wanted: Vec<u32> = numbers.collect();
    let too_many: Vec<_> = found.iter().filter(|n| !wanted.contains(n)).collect();
    let missing: Vec<_> = wanted.iter().filter(|n| !found.contains(n)).collect();
    assert!(
        too_many.is_empty() && missing.is_empty(),
        "{when}: too many {too_many:?}, missing {missing:?}"
    );
}

/// The first transaction of what follows is made, and all others fail.
fn crash_after_the_first_group(bank: &Bank) {
    let first = Fault::Delay(Duration::ZERO);
    bank.faults.add(Rule::new(first).operation("TransactWriteItems").nth(1));
    bank.faults
        .add(Rule::new(Fault::TimeoutBefore).operation("TransactWriteItems"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_paused_between_two_groups_brings_nothing_back() {
    let bank = Bank::new().await;
    let (slow, quick) = (worker(&bank), worker(&bank));
    number(&bank, 1, 0..10).await;
    apply(&bank, &slow, None).await.unwrap();
    number(&bank, 2, 0..350).await;
    let pause = Fault::Delay(Duration::from_secs(2));
    bank.faults.add(Rule::new(pause).operation("TransactWriteItems").nth(2));
    let late = apply(&bank, &slow, None);
    let overtaking = async {
        bank.keeping.runtime.sleep(Duration::from_millis(700)).await;
        apply(&bank, &quick, None).await.unwrap();
        number(&bank, 3, 0..5).await;
        apply(&bank, &quick, None).await.unwrap();
        assert_rows(&bank, 0..5, "after the quick one").await;
    };
    let (late, ()) = futures::future::join(late, overtaking).await;
    assert_rows(&bank, 0..5, "after the late one").await;
    assert!(matches!(late, Ok(Retried::Applied | Retried::NotParked)), "{late:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_interrupted_is_put_right_by_a_step_that_reverts_it() {
    let bank = Bank::new().await;
    number(&bank, 1, 0..250).await;
    apply(&bank, &worker(&bank), None).await.unwrap();
    number(&bank, 2, 120..400).await;
    crash_after_the_first_group(&bank);
    let interrupted = apply(&bank, &worker(&bank), None).await;
    assert!(matches!(interrupted, Err(ApplyError::Retry(_))), "{interrupted:?}");
    bank.faults.clear();
    // From 1 to 3 in one step: nothing of it differs.
    number(&bank, 3, 0..250).await;
    apply(&bank, &worker(&bank), None).await.unwrap();
    assert_rows(&bank, 0..250, "after the revert").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_interrupted_at_the_first_commit_or_twice_is_put_right() {
    let bank = Bank::new().await;
    number(&bank, 1, 0..250).await;
    for _ in 0..2 {
        crash_after_the_first_group(&bank);
        let interrupted = apply(&bank, &worker(&bank), None).await;
        assert!(matches!(interrupted, Err(ApplyError::Retry(_))), "{interrupted:?}");
        bank.faults.clear();
        let head = bank.keeping.repository(NUMBERS);
        let head = head.head(&bank.scope, CONTEXT, "accounts", &source(&bank).id).await;
        assert_eq!(head.unwrap(), None, "nobody sees a head before the first commit");
        number(&bank, 2, 300..480).await;
    }
    number(&bank, 4, 0..3).await;
    apply(&bank, &worker(&bank), None).await.unwrap();
    assert_rows(&bank, 0..3, "at the end").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_discarded_half_way_leaves_nothing() {
    let bank = Bank::new().await;
    number(&bank, 1, 0..10).await;
    apply(&bank, &worker(&bank), None).await.unwrap();
    number(&bank, 2, 5..250).await;
    crash_after_the_first_group(&bank);
    let interrupted = apply(&bank, &worker(&bank), None).await;
    assert!(matches!(interrupted, Err(ApplyError::Retry(_))), "{interrupted:?}");
    bank.faults.clear();
    apply(&bank, &worker(&bank), Some(2)).await.unwrap();
    assert_rows(&bank, 0..10, "after it was discarded").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_build_that_cannot_go_on_shows_the_last_good_version() {
    for before in [0..10, 0..0] {
        let bank = Bank::new().await;
        let mut n = 0;
        if !before.is_empty() {
            n += 1;
            number(&bank, n, before.clone()).await;
            apply(&bank, &worker(&bank), None).await.unwrap();
        }
        number(&bank, n + 1, 5..250).await;
        crash_after_the_first_group(&bank);
        let interrupted = apply(&bank, &worker(&bank), None).await;
        assert!(matches!(interrupted, Err(ApplyError::Retry(_))), "{interrupted:?}");
        bank.faults.clear();
        // The fold of 245 numbers panics.
        poison(-245, true);
        let stopped = apply(&bank, &worker(&bank), None).await.unwrap();
        assert!(matches!(stopped, Retried::StillParked(_)), "{stopped:?}");
        assert_rows(&bank, before, "while it is parked").await;
        poison(-245, false);
        apply(&bank, &worker(&bank), None).await.unwrap();
        assert_rows(&bank, 5..250, "after a mended build").await;
    }
}
