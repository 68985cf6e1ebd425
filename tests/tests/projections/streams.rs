//! A worker over streams that split, end and forget, and over stores that hang or fail in one place: scripted, on the simulation's time.

use super::stage::{EVENTS, Stage};
use headwater_dynamodb::{
    Store,
    simulated::{Network, Outcome},
};
use headwater_event_log::consumer::{Lease, LeaseTable};
use headwater_projectors::Runner;
use headwater_tests::simulation::world::OUTSIDE;
use std::time::Duration;

#[test]
fn the_feed_lacks_nothing_after_an_outage_that_outlives_a_shard() {
    Stage::new().play(async |stage| {
        let (_, worker) = stage.worker("w1");
        stage.deposit(12, 1).await;
        stage.settled().await;
        worker.shut_down().await;
        // Nobody reads these, and then the shards that have them are gone.
        stage.deposit(12, 2).await;
        let now = stage.runtime().now();
        stage.roll_over();
        stage.engine.trim(EVENTS, 1_000, now);
        stage.deposit(12, 3).await;
        let (_, worker) = stage.worker("w2");
        stage.settled().await;
        worker.shut_down().await;
    });
}

#[test]
fn a_shard_that_was_read_to_its_end_needs_no_repair_of_its_children() {
    Stage::new().play(async |stage| {
        let (_, worker) = stage.worker("w1");
        stage.deposit(6, 1).await;
        stage.settled().await;
        stage.until_whole().await;
        let scans = stage.count("Scan");
        for round in 2..6 {
            stage.roll_over();
            stage.deposit(6, round).await;
            stage.settled_without_scan().await;
        }
        worker.shut_down().await;
        stage.roll_over();
        let (_, worker) = stage.worker("w2");
        stage.deposit(6, 6).await;
        stage.settled_without_scan().await;
        worker.shut_down().await;
        assert_eq!(stage.count("Scan"), scans, "somebody read the whole log");
    });
}

impl Stage {
    /// The watcher itself scans the log; so this only waits.
    async fn settled_without_scan(&self) {
        self.sleep(Duration::from_secs(8)).await;
    }
}

#[test]
fn a_repair_comes_to_its_end_under_load() {
    Stage::new().play(async |stage| {
        stage.deposit(3, 0).await;
        // One page of the log takes longer than it takes to fill any queue.
        stage.trouble(|call| {
            let slow = call.operation == "Scan" && call.client == "w1";
            slow.then_some((Duration::from_secs(4), Outcome::Answered))
        });
        let process = stage.world.process();
        let worker = stage.feeder("w1", process, Vec::new());
        let load = stage.clone();
        let mut loading = stage.runtime().spawn(async move {
            for round in 1..900 {
                load.deposit(1, round).await;
                load.sleep(Duration::from_millis(20)).await;
            }
        });
        let runtime = stage.runtime();
        let whole = runtime.timeout(Duration::from_secs(15), stage.until_whole()).await;
        assert!(whole.is_ok(), "the repair begins again and again");
        let loaded = runtime.timeout(Duration::from_millis(1), loading.ended()).await;
        assert!(loaded.is_err(), "the load was over before the repair was");
        loading.ended().await;
        stage.fed().await;
        worker.shut_down().await;
    });
}

#[test]
fn a_shard_is_not_finished_before_the_feed_has_it_or_owns_up_to_the_hole() {
    Stage::new().play(async |stage| {
        let (_, worker) = stage.worker("w1");
        stage.deposit(6, 1).await;
        stage.settled().await;
        stage.until_whole().await;
        let writes = ["PutItem", "UpdateItem", "TransactWriteItems"];
        stage.trouble(move |call| {
            let hit = call.client == "w1" && call.store == Store::Durable && writes.contains(&call.operation);
            hit.then_some((Duration::from_millis(1), Outcome::Failed))
        });
        stage.deposit(6, 2).await;
        stage.roll_over();
        stage.deposit(6, 3).await;
        for _ in 0..20 {
            stage.sleep(Duration::from_secs(10)).await;
            let leases = stage.leases().await;
            assert!(leases.iter().all(|lease| !lease.finished), "{leases:?}");
        }
        stage.trouble(|_| None);
        stage.settled().await;
        worker.shut_down().await;
    });
}

#[test]
fn a_worker_hands_over_within_a_second_although_everything_hangs() {
    Stage::new().play(async |stage| {
        let (_, worker) = stage.worker("w1");
        stage.deposit(6, 1).await;
        stage.settled().await;
        stage.trouble(|call| (call.client == "w1").then_some((Duration::ZERO, Outcome::Lost)));
        stage.deposit(6, 2).await;
        stage.sleep(Duration::from_secs(2)).await;
        let began = stage.world.elapsed();
        worker.shut_down().await;
        let took = stage.world.elapsed() - began;
        assert!(took < Duration::from_millis(1_700), "{took:?}");
    });
}

#[test]
fn leases_live_on_while_streams_cannot_be_described() {
    Stage::new().play(async |stage| {
        let (_, first) = stage.worker("w1");
        stage.deposit(6, 1).await;
        stage.settled().await;
        let before = stage.leases().await;
        stage.trouble(|call| {
            let hit = call.operation == "DescribeStream" && call.client == "w1";
            hit.then_some((Duration::ZERO, Outcome::Lost))
        });
        stage.sleep(Duration::from_secs(20)).await;
        let after = stage.leases().await;
        let fences = |leases: &[Lease]| leases.iter().map(|lease| lease.fence).collect::<Vec<_>>();
        assert_eq!(fences(&before), fences(&after));
        for (before, after) in before.iter().zip(&after) {
            assert!(after.beat >= before.beat + 10, "{before:?} {after:?}");
        }
        stage.trouble(|_| None);
        first.shut_down().await;
    });
}

#[test]
fn the_lease_of_a_vanished_worker_goes_with_its_shard() {
    Stage::new().play(async |stage| {
        let (process, worker) = stage.worker("w1");
        stage.deposit(6, 1).await;
        stage.settled().await;
        stage.world.crash(process);
        drop(worker);
        stage.roll_over();
        let now = stage.runtime().now();
        stage.engine.trim(EVENTS, 1_000, now);
        stage.roll_over();
        stage.engine.trim(EVENTS, 1_000, now);
        let (_, worker) = stage.worker("w2");
        stage.deposit(6, 2).await;
        stage.settled().await;
        stage.sleep(Duration::from_secs(10)).await;
        let leases = stage.leases().await;
        assert_eq!(leases.len(), 2, "{leases:?}");
        worker.shut_down().await;
    });
}

#[test]
fn one_repair_at_a_time_whoever_wants_one() {
    Stage::new().play(async |stage| {
        stage.deposit(3, 0).await;
        let now = stage.runtime().now();
        for _ in 0..6 {
            stage.engine.split(EVENTS, 0, true, now);
        }
        stage.trouble(|call| (call.operation == "Scan").then_some((Duration::from_secs(2), Outcome::Answered)));
        let workers: Vec<Runner> = ["w1", "w2", "w3"]
            .map(|name| stage.feeder(name, stage.world.process(), Vec::new()))
            .into();
        stage.until_whole().await;
        stage.sleep(Duration::from_secs(10)).await;
        assert_eq!(stage.scans_at_once(), 1);
        assert!(stage.count("Scan") <= 4, "{} scans", stage.count("Scan"));
        stage.trouble(|_| None);
        stage.deposit(6, 1).await;
        stage.fed().await;
        for worker in workers {
            worker.shut_down().await;
        }
    });
}

#[test]
fn a_feed_that_was_written_by_a_clock_ahead_goes_on_after_leases_are_lost() {
    Stage::new().play(async |stage| {
        let ahead = stage.world.process();
        stage.world.set_clock(ahead, 3_600_000_000_000);
        let worker = stage.feeder("w1", ahead, Vec::new());
        stage.deposit(6, 1).await;
        stage.fed().await;
        stage.until_whole().await;
        worker.shut_down().await;
        // The file with the leases goes.
        let keeping = stage.keeping("watcher", OUTSIDE);
        let table = LeaseTable::new(keeping.views, "watcher", keeping.runtime);
        for lease in stage.leases().await {
            table.forget(&lease).await.unwrap();
        }
        let worker = stage.feeder("w2", stage.world.process(), Vec::new());
        stage.deposit(6, 2).await;
        stage.fed().await;
        worker.shut_down().await;
    });
}
