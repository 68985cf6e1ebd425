//! Replays that are killed, cancelled, and taken over.

use crate::world::{World, budget, progress, quick, runner};
use headwater_dynamo_repository::GenerationState;
use headwater_dynamodb::faults::{Fault, Rule};
use headwater_projectors::{Budget, Keeper, ReplayError};
use headwater_runtime::Runtime;
use headwater_tests::{account::Command, projections::BALANCES};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_that_was_killed_goes_on_where_it_was() {
    let mut world = World::new().await;
    world.fill(&world.acme, 600).await;
    // A process of its own, as far as may be: everything of it ends with its runtime.
    let process = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let replays = world.replays(quick());
    let keeper = {
        let _inside = process.enter();
        Keeper::start(&replays, runner(), &Runtime::tokio())
    };
    replays.start(BALANCES, None, budget(300.0)).await.unwrap();
    world
        .until("some segments are done", async || {
            let progress = progress(&replays, BALANCES, 2).await.unwrap();
            assert_eq!(progress.segments, 8);
            progress.segments_done >= 2
        })
        .await;
    process.shutdown_background();
    drop(keeper);
    let before = progress(&replays, BALANCES, 2).await.unwrap();
    assert_eq!(before.state, GenerationState::Filling, "it was in the middle");
    assert!(before.segments_done < before.segments);
    drop(replays);
    world = world.reopen().await;
    // While nobody is there, too, commands go on.
    for n in 0..50 {
        let id = format!("A{n}");
        world
            .send(&world.acme, &id, "meanwhile", Command::Deposit { cents: 5 })
            .await;
    }
    let usage = world.usage();
    let keeper = world.keep();
    let after = world.kept(keeper.replays(), BALANCES, 2).await;
    assert!(after.live && after.check.clone().unwrap().is_right(), "{after:?}");
    world.settled(&world.acme, BALANCES, 2).await;
    let written = world.bulk_units(&usage);
    assert!(
        written > 0.0 && written <= 600.0 - before.rows as f64,
        "{written} beside {}",
        before.rows
    );
    keeper.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_worker_takes_a_replay_over() {
    let world = World::new().await;
    world.fill(&world.acme, 400).await;
    let shared = headwater_projectors::RunnerOptions {
        alone: false,
        ..runner()
    };
    let first = Keeper::start(&world.replays(quick()), shared.clone(), &world.runtime);
    let replays = first.replays().clone();
    replays.start(BALANCES, None, budget(200.0)).await.unwrap();
    world
        .until("it is under way", async || {
            progress(&replays, BALANCES, 2).await.is_some_and(|one| one.rows > 0)
        })
        .await;
    let second = Keeper::start(&world.replays(quick()), shared, &world.runtime);
    first.shut_down().await;
    let progress = world.kept(second.replays(), BALANCES, 2).await;
    assert!(progress.live, "{progress:?}");
    world.settled(&world.acme, BALANCES, 2).await;
    second.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_after_a_replay_was_put_down() {
    let world = World::new().await;
    world.fill(&world.acme, 400).await;
    // Pages of one segment that are not waited for one by one.
    let one = headwater_projectors::ReplayOptions {
        segments: 1,
        save_every: std::time::Duration::from_secs(60),
        ..quick()
    };
    let keeper = Keeper::start(&world.replays(one), runner(), &world.runtime);
    // The first request makes room for one that is stopped, while others are still under way.
    for (nth, millis) in [(Some(1), 20), (None, 550)] {
        let slow = Fault::Delay(std::time::Duration::from_millis(millis));
        let rule = Rule::new(slow).operation("BatchWriteItem");
        world.faults.add(nth.map_or(rule.clone(), |nth| rule.nth(nth)));
    }
    keeper.replays().start(BALANCES, None, Budget::default()).await.unwrap();
    world
        .until("writes are under way", async || world.faults.injected() > 0)
        .await;
    keeper.shut_down().await;
    let written = world.keys(BALANCES, 2).await.len();
    world.runtime.sleep(std::time::Duration::from_millis(2_000)).await;
    assert_eq!(world.keys(BALANCES, 2).await.len(), written);
    assert!(written < 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_replay_leaves_nothing_behind() {
    let world = World::new().await;
    world.fill(&world.acme, 300).await;
    let keeper = world.keep();
    let replays = keeper.replays().clone();
    let none = replays.cancel(BALANCES).await;
    assert!(matches!(none, Err(ReplayError::NoReplay(_))), "{none:?}");
    replays.start(BALANCES, None, budget(200.0)).await.unwrap();
    let busy = replays.start(BALANCES, None, Budget::default()).await;
    assert!(matches!(busy, Err(ReplayError::Busy { number: 2, .. })), "{busy:?}");
    world
        .until("rows were written", async || {
            progress(&replays, BALANCES, 2).await.is_some_and(|one| one.rows > 0)
        })
        .await;
    assert!(!world.keys(BALANCES, 2).await.is_empty());
    replays.cancel(BALANCES).await.unwrap();
    world
        .until("it is gone", async || progress(&replays, BALANCES, 2).await.is_none())
        .await;
    assert_eq!(world.keys(BALANCES, 2).await, [""; 0]);
    assert_eq!(world.live(&world.acme, BALANCES).await, 1);
    world.settled(&world.acme, BALANCES, 1).await;
    let next = replays.start(BALANCES, None, Budget::default()).await.unwrap();
    assert_eq!(next.generation, 3, "no number is given twice");
    world.kept(&replays, BALANCES, 3).await;
    assert_eq!(world.live(&world.acme, BALANCES).await, 3);
    keeper.shut_down().await;
}
