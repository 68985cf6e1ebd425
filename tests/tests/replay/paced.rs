//! What a rebuild takes: one write for each row, and no more in a second than it may.

use crate::world::{World, budget, progress, quick, rows_of, runner};
use futures::future::BoxFuture;
use headwater_kernel::Timestamp;
use headwater_projectors::{Budget, Keeper};
use headwater_runtime::{Environment, Runtime, Task};
use headwater_tests::{
    account::Command,
    projections::{BALANCES, NUMBERS},
};
use std::time::Duration;

/// Time that passes faster than it does.
struct Fast(Runtime);

const SPEED: u32 = 20;

impl Environment for Fast {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
    fn monotonic(&self) -> Duration {
        self.0.monotonic() * SPEED
    }
    fn fill(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&(0..bytes.len()).map(|_| self.0.random::<1>()[0]).collect::<Vec<_>>());
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration / SPEED)
    }
    fn spawn(&self, task: BoxFuture<'static, ()>) -> Task {
        self.0.spawn(task)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_row_is_written_once_and_takes_what_one_put_takes() {
    let world = World::new().await;
    world.fill(&world.acme, 120).await;
    world.fill(&world.beta, 7).await;
    let keeper = world.keep();
    let replays = keeper.replays().clone();
    for projection in [BALANCES, NUMBERS] {
        world.settled(&world.acme, projection, 1).await;
        let before = world.usage();
        replays.start(projection, None, Budget::default()).await.unwrap();
        let progress = world.kept(&replays, projection, 2).await;
        let rows = rows_of(127)[projection];
        assert_eq!(progress.rows, rows);
        // Rows below a KB, in no index: a unit each, whatever the number of commits.
        assert!(
            (world.bulk_units(&before) - rows as f64).abs() < 1e-9,
            "{}",
            world.bulk_units(&before)
        );
        assert!((progress.write_units - rows as f64).abs() < 1e-9, "{progress:?}");
        assert_eq!(progress.commits, 2 * 127);
    }
    keeper.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_holds_in_every_stretch_of_time() {
    let fast = Runtime::new(Fast(Runtime::tokio()));
    let world = World::open(tempfile::tempdir().unwrap(), fast.clone()).await;
    world.fill(&world.acme, 1_000).await;
    let times = headwater_projectors::RunnerOptions {
        lease: Duration::from_secs(60),
        ..runner()
    };
    let slow = headwater_projectors::ReplayOptions {
        poll: Duration::from_secs(2),
        in_flight: 2,
        ..quick()
    };
    let keeper = Keeper::start(&world.replays(slow), times, &fast);
    let replays = keeper.replays().clone();
    let allowed = 50.0;
    replays.start(BALANCES, None, budget(allowed)).await.unwrap();
    // What was spent, by the time of the budget.
    let mut spent = vec![(fast.monotonic(), 0.0)];
    let before = world.usage();
    while spent.last().unwrap().1 < 1_000.0 {
        Runtime::tokio().sleep(Duration::from_millis(20)).await;
        // The time is read after the sum: what is in the sum was spent by then.
        let units = world.bulk_units(&before);
        spent.push((fast.monotonic(), units));
        assert!(spent.len() < 3_000, "{spent:?}");
    }
    // Of any stretch: the budget, a second's worth that had been saved, and what was under way.
    for (n, (from, units)) in spent.iter().enumerate() {
        let started = spent[n.saturating_sub(1)].0.min(*from);
        for (to, later) in &spent[n..] {
            let seconds = (*to - started).as_secs_f64();
            assert!(
                later - units <= allowed * (seconds + 1.0) + 75.0,
                "{} in {seconds} s",
                later - units
            );
        }
    }
    let seconds = (spent.last().unwrap().0 - spent[0].0).as_secs_f64();
    assert!(seconds >= 1_000.0 / allowed - 2.0, "{seconds}");
    world.kept(&replays, BALANCES, 2).await;
    keeper.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_generation_that_is_filled_cannot_remember_is_caught_up_by_one_pass_that_writes_only_what_is_missing() {
    let world = World::new().await;
    world.fill(&world.acme, 300).await;
    let narrow = headwater_projectors::RunnerOptions {
        waiting_commits: 4,
        waiting_commits_per_tenant: 4,
        waiting_aggregates: 10,
        waiting_aggregates_per_tenant: 10,
        round: 16,
        ..runner()
    };
    let keeper = Keeper::start(&world.replays(quick()), narrow, &world.runtime);
    let replays = keeper.replays().clone();
    world.settled(&world.acme, BALANCES, 1).await;
    world.settled(&world.acme, NUMBERS, 1).await;
    replays.start(BALANCES, None, budget(100.0)).await.unwrap();
    world
        .until("it is half filled", async || {
            let progress = progress(&replays, BALANCES, 2).await;
            progress.is_some_and(|progress| progress.rows > 100)
        })
        .await;
    let before = world.usage();
    for n in 0..60 {
        let deposit = Command::Deposit { cents: 5 };
        world.send(&world.acme, &format!("A{n}"), "late", deposit).await;
    }
    let filling = progress(&replays, BALANCES, 2).await.unwrap();
    assert!(!filling.live && filling.segments_done < filling.segments, "{filling:?}");
    world.kept(&replays, BALANCES, 2).await;
    world.settled(&world.acme, BALANCES, 2).await;
    // The rows of 60 accounts in both generations, some of them filled as they are already. None is written, or tried, for the rest.
    let usage = world.databases.rebuildable.accounting().since(&before);
    let saves: u64 = usage
        .iter()
        .filter(|one| one.pattern == "repository.save")
        .map(|one| one.calls)
        .sum();
    assert!((60..=150).contains(&saves), "{saves}");
    keeper.shut_down().await;
}

/// What waits for its budget waits for minutes here; who cancels does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_does_not_wait_for_the_budget() {
    let world = World::new().await;
    world.fill(&world.acme, 120).await;
    let keeper = world.keep();
    let replays = keeper.replays().clone();
    world.settled(&world.acme, BALANCES, 1).await;
    let before = world.usage();
    replays.start(BALANCES, None, budget(0.02)).await.unwrap();
    world
        .until("something is written", async || world.bulk_units(&before) > 0.0)
        .await;
    replays.cancel(BALANCES).await.unwrap();
    world
        .until("the generation is gone", async || {
            replays.registered().await.unwrap()[BALANCES].generation(2).is_none()
        })
        .await;
    assert_eq!(world.keys(BALANCES, 2).await, [""; 0]);
    keeper.shut_down().await;
}
