//! Points of metric series: as many as there are events, each with the value that it has by its history, whatever is delivered again, lost on
//! the way, or done by two workers, and also when the store is lost.

use crate::{Bank, quick};
use headwater_dynamodb::faults::{Fault, Rule};
use headwater_kernel::{AggregateType, Id, Timestamp};
use headwater_metrics::{Bin, Fill, Query, Stat};
use headwater_projectors::{FolderMetrics, Metrics, Projections, Runner, RunnerOptions, SourceCommits, Stores};
use headwater_tests::{account, levels};
use std::{collections::BTreeMap, path::Path, time::Duration};

impl Bank {
    fn stores(&self, folder: &Path) -> Metrics {
        Metrics::new(FolderMetrics::new(folder, self.keeping.runtime.clone()))
    }

    fn measure(&self, metrics: &Metrics, options: RunnerOptions) -> Runner {
        let stores = Stores {
            metrics: metrics.clone(),
            ..self.keeping.stores()
        };
        let mut projections = Projections::new(stores, 1);
        levels::register(&mut projections);
        Runner::start(
            self.keeping.sources(),
            projections.consumers(),
            options,
            &self.keeping.runtime,
        )
    }

    /// How many points each account has, their sum, and the greatest.
    async fn measured(&self, metrics: &Metrics) -> BTreeMap<String, [i64; 3]> {
        let store = metrics.get(1).unwrap().unwrap();
        let mut measured = BTreeMap::new();
        for (n, stat) in [Stat::Count, Stat::Sum, Stat::Max].into_iter().enumerate() {
            let today = Bin::DAY.start(self.keeping.runtime.now());
            let query = Query {
                series: levels::LEVEL.to_owned(),
                from: Timestamp::from_nanos(today.nanos() - Bin::DAY.nanos()),
                to: today.plus(Bin::DAY.duration()),
                bin: Bin::DAY,
                stat,
                filters: BTreeMap::new(),
                group_by: vec!["account".to_owned()],
                fill: Fill::None,
            };
            for item in store.query(&self.scope, &query).await.unwrap().items {
                let of_account: &mut [i64; 3] = measured.entry(item.group["account"].clone()).or_default();
                // Midnight may have passed meanwhile.
                match stat {
                    Stat::Max => of_account[n] = of_account[n].max(item.value.unwrap() as i64),
                    _ => of_account[n] += item.value.unwrap() as i64,
                }
            }
        }
        measured
    }

    /// Waits until so many deposits into each of so many accounts, as [`Bank::deposit`] makes them, are measured: of account `n` the levels
    /// n+1, 2(n+1), ….
    async fn measured_are(&self, metrics: &Metrics, accounts: i64, times: i64) {
        let expected: BTreeMap<String, [i64; 3]> = (1..=accounts)
            .map(|cents| {
                let sum = cents * times * (times + 1) / 2;
                (format!("A{}", cents - 1), [times, sum, cents * times])
            })
            .collect();
        let mut measured = BTreeMap::new();
        for _ in 0..1_200 {
            measured = self.measured(metrics).await;
            if measured == expected {
                return;
            }
            self.keeping.runtime.sleep(Duration::from_millis(50)).await;
        }
        panic!("measured {measured:?}, expected {expected:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_one_point_through_reordering_duplicates_and_errors() {
    let bank = Bank::new().await;
    let folder = tempfile::tempdir().unwrap();
    let metrics = bank.stores(folder.path());
    bank.faults.add(Rule::new(Fault::ReorderRecords).probability(0.5));
    bank.faults.add(Rule::new(Fault::DuplicateRecords).probability(0.5));
    for fault in [Fault::Throttle, Fault::TimeoutAfter, Fault::InternalError] {
        bank.faults.add(Rule::new(fault).probability(0.02));
    }
    let first = bank.measure(&metrics, quick());
    bank.deposit(30, 10, 1).await;
    bank.measured_are(&metrics, 30, 10).await;
    first.shut_down().await;
    // The states of the accounts are known to nobody now.
    let second = bank.measure(&metrics, quick());
    bank.deposit(30, 5, 2).await;
    bank.measured_are(&metrics, 30, 15).await;
    assert!(bank.faults.injected() > 0);
    second.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_was_lost_is_filled_from_the_log() {
    let bank = Bank::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    let metrics = bank.stores(&one);
    let runner = bank.measure(&metrics, quick());
    bank.deposit(20, 10, 1).await;
    bank.measured_are(&metrics, 20, 10).await;
    runner.shut_down().await;
    drop(metrics);
    // Nothing remembers where it was but the file.
    let metrics = bank.stores(&other);
    let runner = bank.measure(&metrics, quick());
    bank.measured_are(&metrics, 20, 10).await;
    bank.deposit(20, 1, 2).await;
    bank.measured_are(&metrics, 20, 11).await;
    runner.shut_down().await;
    drop(metrics);
    // An old copy comes back: it goes on from where it was.
    let metrics = bank.stores(&one);
    let runner = bank.measure(&metrics, quick());
    bank.measured_are(&metrics, 20, 11).await;
    runner.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_longer_than_what_is_folded_at_a_time_is_measured_whole() {
    let bank = Bank::new().await;
    let folder = tempfile::tempdir().unwrap();
    let metrics = bank.stores(folder.path());
    for n in 0..6 {
        let many = account::Command::DepositTimes { cents: 1, times: 500 };
        bank.send("A0", n, many).await;
    }
    let runner = bank.measure(&metrics, quick());
    bank.measured_are(&metrics, 1, 3_000).await;
    runner.shut_down().await;
}

/// What a fold without history is given by a stream: commits in any order and by pieces, and after an outage only how far they go.
#[tokio::test(flavor = "multi_thread")]
async fn points_that_need_no_history_come_in_any_order() {
    let bank = Bank::new().await;
    bank.deposit(1, 4, 0).await;
    let id = Id::new("A0").unwrap();
    let account = AggregateType::of::<account::Account>();
    let log = &bank.keeping.log;
    let commits = log.commits(&bank.scope, &account, &id, 1).await.unwrap();
    assert_eq!(commits.len(), 4);
    let folder = tempfile::tempdir().unwrap();
    let metrics = bank.stores(folder.path());
    let stores = Stores {
        metrics: metrics.clone(),
        ..bank.keeping.stores()
    };
    let mut projections = Projections::new(stores, 1);
    levels::register_movements(&mut projections);
    let consumer = projections.consumers().remove(0);
    let counted = async || {
        let store = metrics.get(1).unwrap().unwrap();
        let now = bank.keeping.runtime.now();
        let query = Query {
            series: levels::MOVEMENT.to_owned(),
            from: Timestamp::from_nanos(Bin::DAY.start(now).nanos() - Bin::DAY.nanos()),
            to: Bin::DAY.start(now).plus(Bin::DAY.duration()),
            bin: Bin::DAY,
            stat: Stat::Count,
            filters: BTreeMap::new(),
            group_by: Vec::new(),
            fill: Fill::None,
        };
        let items = store
            .query(&bank.scope, &query)
            .await
            .map_or(Vec::new(), |answer| answer.items);
        items.iter().map(|item| item.value.unwrap() as i64).sum::<i64>()
    };
    let round = async |of: &[usize], from: u64, up_to: u64| {
        let source = SourceCommits {
            scope: bank.scope.clone(),
            id: id.clone(),
            commits: of.iter().map(|n| commits[*n].clone()).collect(),
            up_to,
            from,
            discard: None,
        };
        for result in consumer.followers[0].apply(vec![source]).await {
            result.unwrap();
        }
    };
    round(&[3], 0, 0).await;
    assert_eq!(counted().await, 1);
    // What was committed before comes after, with a gap in it.
    round(&[0, 2], 0, 0).await;
    assert_eq!(counted().await, 3);
    round(&[0, 2, 3], 0, 0).await;
    assert_eq!(counted().await, 3);
    // The commits were dropped while the store was away.
    round(&[], commits[1].first_sequence, commits[1].version()).await;
    assert_eq!(counted().await, 4);
}
