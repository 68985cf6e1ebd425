//! Rebuilding projections while commands go on: nothing is missing, whatever is killed, cancelled, throttled or damaged.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]

mod changed;
mod checks;
mod documents;
mod interrupted;
mod metrics;
mod paced;
mod sums;
mod tenants;
mod world;

use headwater_dynamo_repository::GenerationState;
use headwater_projectors::{Budget, ReplayError, Retried};
use headwater_tests::{
    account::Command,
    projections::{BALANCES, NUMBERS, poison},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_takes_over_while_commands_go_on_and_nothing_is_missing() {
    let world = Arc::new(World::new().await);
    world.fill(&world.acme, 150).await;
    let keeper = world.keep();
    let replays = keeper.replays().clone();
    world.settled(&world.acme, BALANCES, 1).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (writing, stopped) = (Arc::clone(&world), Arc::clone(&stop));
    let writer = tokio::task::spawn(async move {
        let mut n = 0;
        while !stopped.load(Ordering::SeqCst) {
            let (id, key) = (format!("A{}", n % 200), format!("w{n}"));
            writing
                .send(&writing.acme, &id, &key, Command::Deposit { cents: 3 })
                .await;
            let numbers = vec![format!("{n}-x")];
            if n % 7 == 0 {
                let key = format!("v{n}");
                writing
                    .send(&writing.acme, &id, &key, Command::Number { numbers })
                    .await;
            }
            n += 1;
        }
        n
    });
    for projection in [BALANCES, NUMBERS] {
        let replay = replays.start(projection, None, Budget::default()).await.unwrap();
        assert_eq!(replay.generation, 2);
    }
    for projection in [BALANCES, NUMBERS] {
        let progress = world.kept(&replays, projection, 2).await;
        assert!(
            progress.live && progress.segments_done == progress.segments,
            "{progress:?}"
        );
        let check = progress.check.unwrap();
        assert!(check.is_right() && check.total.aggregates >= 150, "{check:?}");
        assert_eq!(check.tenants, 1);
        assert_eq!(world.live(&world.acme, projection).await, 2);
    }
    stop.store(true, Ordering::SeqCst);
    assert!(writer.await.unwrap() > 5, "commands went on");
    for projection in [BALANCES, NUMBERS] {
        world.settled(&world.acme, projection, 2).await;
        world.settled(&world.acme, projection, 1).await;
        let (differences, totals) = replays
            .dry_run(projection, None)
            .await
            .unwrap()
            .collect()
            .await
            .unwrap();
        assert_eq!(differences, []);
        assert!(totals.is_right() && totals.generation == 2, "{totals:?}");
    }
    keeper.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn back_to_the_old_generation_and_forth_is_one_command_each_and_what_is_live_cannot_be_dropped() {
    let world = World::new().await;
    world.fill(&world.acme, 20).await;
    let keeper = world.keep();
    let replays = keeper.replays().clone();
    replays.start(NUMBERS, None, Budget::default()).await.unwrap();
    world.kept(&replays, NUMBERS, 2).await;
    let refused = replays.drop(NUMBERS, 2, Budget::default()).await;
    assert!(matches!(refused, Err(ReplayError::Live(2))), "{refused:?}");
    replays.switch(NUMBERS, 1, None).await.unwrap();
    assert_eq!(world.live(&world.acme, NUMBERS).await, 1);
    // It went on following while it was not live.
    world
        .send(
            &world.acme,
            "A1",
            "new",
            Command::Number {
                numbers: vec!["z".into()],
            },
        )
        .await;
    world.settled(&world.acme, NUMBERS, 1).await;
    world.settled(&world.acme, NUMBERS, 2).await;
    replays.switch(NUMBERS, 2, None).await.unwrap();
    assert_eq!(world.live(&world.acme, NUMBERS).await, 2);
    let registered = replays.registered().await.unwrap();
    let switches: Vec<_> = registered[NUMBERS]
        .switches
        .iter()
        .map(|one| (one.from, one.to, one.asked))
        .collect();
    assert_eq!(switches, [(1, 2, false), (2, 1, true), (1, 2, true)]);

    assert!(!world.keys(NUMBERS, 1).await.is_empty());
    replays.drop(NUMBERS, 1, Budget::default()).await.unwrap();
    world
        .until("generation 1 is gone", async || {
            replays.registered().await.unwrap()[NUMBERS].generation(1).is_none()
        })
        .await;
    assert_eq!(world.keys(NUMBERS, 1).await, [""; 0]);
    assert!(!world.keys(BALANCES, 1).await.is_empty(), "the other projection's stay");
    world.settled(&world.acme, NUMBERS, 2).await;
    let gone = replays.switch(NUMBERS, 1, None).await;
    assert!(matches!(gone, Err(ReplayError::UnknownGeneration { .. })), "{gone:?}");
    keeper.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_folded_is_parked_and_hides_nothing_unasked() {
    let world = World::new().await;
    world.fill(&world.acme, 30).await;
    let keeper = world.keep();
    let replays = keeper.replays().clone();
    world.send(&world.acme, "A9", "3", Command::Withdraw { cents: 7 }).await;
    world.send(&world.acme, "A9", "4", Command::Deposit { cents: 1 }).await;
    world.settled(&world.acme, BALANCES, 1).await;
    poison(7, true);
    replays.start(BALANCES, None, Budget::default()).await.unwrap();
    let failed = async || {
        let progress = world::progress(&replays, BALANCES, 2).await;
        progress.filter(|progress| progress.state == GenerationState::CheckFailed && progress.problem.is_some())
    };
    world
        .until("its check has failed", async || failed().await.is_some())
        .await;
    let progress = failed().await.unwrap();
    assert_eq!((progress.parked, progress.live), (1, false));
    let check = progress.check.unwrap();
    assert_eq!((check.total.parked, check.is_right()), (1, true));
    // The live one shows all of it, and goes on doing so.
    let problem = progress.problem.unwrap();
    assert!(
        problem.contains("generation 1 shows, such as acme/accounts/A9;") && problem.contains("--check 2"),
        "{problem}"
    );
    assert_eq!(world.live(&world.acme, BALANCES).await, 1);
    let parking = headwater_projectors::Parking::new(world.keeping.views.clone());
    let parked = parking.list("balances.2", None).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!((parked[0].first_sequence, parked[0].up_to), (3, 4));
    poison(7, false);
    let different = world.differences(&world.acme, BALANCES, 2).await;
    assert!(different.len() == 1 && different[0].starts_with("A9:"), "{different:?}");
    assert!(
        different[0].contains("version: 2"),
        "what came before it is there: {different:?}"
    );
    // Once it is applied, the check passes and the generation goes live.
    let consumer = world.consumer(BALANCES, 2);
    let retried = parking.retry(&consumer, &world.acme, &parked[0].context, &parked[0].source, false);
    assert_eq!(retried.await.unwrap(), Retried::Applied);
    replays.check_again(BALANCES, 2).await.unwrap();
    let live = replays.check_again(BALANCES, 1).await;
    assert!(matches!(live, Err(ReplayError::NotFailed(1))), "{live:?}");
    world.kept(&replays, BALANCES, 2).await;
    assert_eq!(world.live(&world.acme, BALANCES).await, 2);
    // Or somebody wants it as it is.
    poison(7, true);
    replays.start(BALANCES, None, Budget::default()).await.unwrap();
    let failed = async || {
        let progress = world::progress(&replays, BALANCES, 3).await;
        progress.is_some_and(|progress| progress.state == GenerationState::CheckFailed)
    };
    world.until("its check has failed too", failed).await;
    replays.switch(BALANCES, 3, None).await.unwrap();
    assert_eq!(world.live(&world.acme, BALANCES).await, 3);
    poison(7, false);
    keeper.shut_down().await;
}
