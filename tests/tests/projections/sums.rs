//! Sums that many aggregates make: each contributes once, whatever is delivered again, lost on the way, or done by two workers at once.

use crate::{Bank, quick};
use headwater_dynamodb::faults::{Fault, Rule};
use headwater_projectors::{Consumer, Indexes, Metrics, Projections, Runner, RunnerOptions, Sources, Stores};
use headwater_tests::{account, totals};
use std::{sync::Arc, time::Duration};

impl Bank {
    fn totals(&self) -> Vec<Consumer> {
        let keeping = self.keeping.clone();
        let stores = Stores {
            log: self.keeping.log.clone(),
            views: self.keeping.views.clone(),
            repository: Arc::new(move |projection| keeping.repository(projection)),
            indexes: Indexes::none(),
            metrics: Metrics::none(),
        };
        let mut projections = Projections::new(stores, 1);
        totals::register(&mut projections);
        projections.consumers()
    }

    fn sum(&self, options: RunnerOptions) -> Runner {
        let sources = Sources {
            log: self.keeping.log.clone(),
            views: self.keeping.views.clone(),
            authority: self.keeping.authority.clone(),
            contexts: vec![account::CONTEXT.to_owned()],
        };
        Runner::start(sources, self.totals(), options, &self.keeping.runtime)
    }

    async fn summed(&self) {
        let mut totals = Default::default();
        for _ in 0..1_200 {
            totals = self.keeping.totals(&self.scope, 1).await;
            if totals[0] == totals[1] {
                return;
            }
            self.keeping.runtime.sleep(Duration::from_millis(50)).await;
        }
        panic!("stored and expected differ: {totals:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_account_counts_once_through_reordering_duplicates_and_lost_answers() {
    let bank = Bank::new().await;
    bank.faults.add(Rule::new(Fault::ReorderRecords).probability(0.5));
    bank.faults.add(Rule::new(Fault::DuplicateRecords).probability(0.5));
    for fault in [Fault::TimeoutAfter, Fault::TimeoutBefore, Fault::Throttle] {
        bank.faults
            .add(Rule::new(fault).operation("TransactWriteItems").probability(0.05));
    }
    let runner = bank.sum(quick());
    // Accounts 1 to 40 get ten times their number and some: many become large on the way.
    bank.deposit(40, 10, 1).await;
    bank.deposit(40, 20, 2).await;
    bank.summed().await;
    for n in 0..40 {
        bank.send(&format!("A{n}"), 99, account::Command::Withdraw { cents: n + 1 })
            .await;
    }
    bank.summed().await;
    let [stored, _] = bank.keeping.totals(&bank.scope, 1).await;
    assert!(
        stored[0].0 > 0 && stored[1].0 > 0 && stored[0].0 + stored[1].0 == 40,
        "{stored:?}"
    );
    assert!(bank.faults.injected() > 0);
    runner.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_that_both_believe_to_have_the_shard_add_nothing_twice() {
    let bank = Bank::new().await;
    let first = bank.sum(quick());
    bank.deposit(20, 5, 1).await;
    bank.summed().await;
    first.shut_down().await;
    // All of it is read from the beginning once more: every position is gone, the heads are not.
    let checkpoints = bank.keeping.views.client();
    let table = bank.keeping.views.table("checkpoints");
    let all = checkpoints.scan().table_name(&table).send().await.unwrap();
    for item in all.items() {
        let keys = [("PK", item["PK"].clone()), ("SK", item["SK"].clone())];
        let delete = checkpoints.delete_item().table_name(&table);
        let delete = keys
            .into_iter()
            .fold(delete, |delete, (name, value)| delete.key(name, value));
        delete.send().await.unwrap();
    }
    let (one, two) = (bank.sum(quick()), bank.sum(quick()));
    bank.deposit(20, 5, 2).await;
    bank.summed().await;
    one.shut_down().await;
    two.shut_down().await;
}
