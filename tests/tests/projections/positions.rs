//! Every way in which a position can be lost ends in repair from the log.

use super::{Bank, quick};
use headwater_event_log::{
    Position,
    consumer::{Checkpoint, Checkpoints, Saved},
};
use headwater_kernel::Timestamp;
use headwater_projectors::RunnerOptions;
use headwater_runtime::Runtime;
use headwater_tests::account::CONTEXT;
use std::time::Duration;

async fn checkpoints(bank: &Bank) -> Vec<Checkpoint> {
    let all = Checkpoints::new(bank.databases.rebuildable.clone(), Runtime::tokio());
    let all = all.load(CONTEXT, "balances.1").await.unwrap();
    all.into_values().collect()
}

async fn replace(bank: &Bank, change: impl Fn(&mut Checkpoint)) {
    let table = Checkpoints::new(bank.databases.rebuildable.clone(), Runtime::tokio());
    for consumer in ["balances.1", "numbers.1"] {
        for (_, mut checkpoint) in table.load(CONTEXT, consumer).await.unwrap() {
            change(&mut checkpoint);
            let saved = table.save(CONTEXT, consumer, &checkpoint, u64::MAX / 2).await.unwrap();
            assert_eq!(saved, Saved::Yes);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_were_trimmed_unread_are_repaired_from_the_log() {
    let bank = Bank::with_retention(Duration::from_millis(300)).await;
    let runner = bank.keeping.start(quick());
    bank.deposit(10, 2, 1).await;
    bank.keeping.settled(&bank.scope).await;
    runner.shut_down().await;
    // Nobody reads while the stream forgets.
    bank.deposit(20, 2, 2).await;
    bank.keeping.runtime.sleep(Duration::from_millis(800)).await;
    bank.deposit(1, 1, 3).await;
    let runner = bank.keeping.start(quick());
    bank.keeping.settled(&bank.scope).await;
    runner.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_in_another_stream_is_not_believed() {
    let bank = Bank::with_retention(Duration::from_millis(200)).await;
    let runner = bank.keeping.start(quick());
    bank.deposit(5, 1, 1).await;
    bank.keeping.settled(&bank.scope).await;
    runner.shut_down().await;
    bank.deposit(10, 1, 2).await;
    bank.keeping.runtime.sleep(Duration::from_millis(600)).await;
    replace(&bank, |checkpoint| {
        checkpoint.position.stream = "arn:of-the-table-before".into()
    })
    .await;
    let runner = bank.keeping.start(quick());
    bank.keeping.settled(&bank.scope).await;
    runner.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_that_is_too_old_is_not_believed() {
    let bank = Bank::with_retention(Duration::from_millis(200)).await;
    let runner = bank.keeping.start(quick());
    bank.deposit(5, 1, 1).await;
    bank.keeping.settled(&bank.scope).await;
    runner.shut_down().await;
    bank.deposit(10, 1, 2).await;
    bank.keeping.runtime.sleep(Duration::from_millis(600)).await;
    // At the beginning of the shard, as of long ago: the stream would give what it still has without a word.
    replace(&bank, |checkpoint| {
        checkpoint.position.sequence = None;
        checkpoint.at = Timestamp::from_nanos(0);
    })
    .await;
    let runner = bank.keeping.start(quick());
    bank.keeping.settled(&bank.scope).await;
    runner.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_ahead_of_its_effect_cannot_be_written() {
    let bank = Bank::new().await;
    let runner = bank.keeping.start(quick());
    bank.deposit(10, 3, 1).await;
    bank.keeping.settled(&bank.scope).await;
    runner.shut_down().await;
    let before = checkpoints(&bank).await;
    assert!(!before.is_empty() && before.iter().all(|one| one.position.sequence.is_some()));
    // A worker whose fence is old writes nothing.
    let table = Checkpoints::new(bank.databases.rebuildable.clone(), Runtime::tokio());
    let late = Checkpoint {
        position: Position {
            sequence: Some("99999999999999999999999".into()),
            ..before[0].position.clone()
        },
        ..before[0].clone()
    };
    assert_eq!(
        table.save(CONTEXT, "balances.1", &late, 1).await.unwrap(),
        Saved::Fenced
    );
    assert_eq!(checkpoints(&bank).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_in_the_middle_goes_on_where_it_was() {
    let bank = Bank::new().await;
    for round in 0..6 {
        let runner = bank.keeping.start(RunnerOptions { alone: true, ..quick() });
        bank.deposit(20, 2, round).await;
        runner.shut_down().await;
    }
    let runner = bank.keeping.start(quick());
    bank.keeping.settled(&bank.scope).await;
    runner.shut_down().await;
}
