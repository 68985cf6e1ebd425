//! Sums in a rebuild: each aggregate counts once in the new generation, also when answers are lost, and with what comes meanwhile.

use crate::world::{World, quick, runner};
use headwater_dynamodb::faults::{Fault, Rule};
use headwater_kernel::{Aggregate, Id};
use headwater_projectors::{Budget, Catalogue, Keeper, ReplayError, Replays};
use headwater_tests::{
    account::{self, Account},
    totals::{self, TOTALS},
};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_counts_every_account_once() {
    let world = World::new().await;
    world.fill(&world.acme, 60).await;
    world.fill(&world.beta, 10).await;
    let mut catalogue = Catalogue::new(world.stores());
    totals::register(&mut catalogue);
    let replays = Replays::new(world.sources(), catalogue, quick(), world.runtime.clone());
    let keeper = Keeper::start(&replays, runner(), &world.runtime);
    let summed = async |scope, generation| {
        let totals = world.keeping.totals(scope, generation).await;
        totals[0] == totals[1]
    };
    world
        .until("the first generation is summed", async || summed(&world.acme, 1).await)
        .await;
    // Requests that had their effect are made again.
    let faults = &world.faults;
    faults.add(
        Rule::new(Fault::TimeoutAfter)
            .operation("TransactWriteItems")
            .probability(0.2),
    );
    let budget = Budget {
        write_units_per_second: Some(200.0),
    };
    replays.start(TOTALS, None, budget).await.unwrap();
    for n in 0..20 {
        let command = account::Command::Deposit { cents: 2_000 + n };
        world.send(&world.acme, &format!("A{n}"), "later", command).await;
        world.runtime.sleep(Duration::from_millis(20)).await;
    }
    world.kept(&replays, TOTALS, 2).await;
    faults.clear();
    for scope in [&world.acme, &world.beta] {
        world
            .until("both generations are summed", async || {
                summed(scope, 2).await && summed(scope, 1).await
            })
            .await;
    }
    let id = Id::new("A1").unwrap();
    let refused = replays.aggregate(&world.acme, TOTALS, Account::NAME, &id).await;
    assert!(matches!(refused, Err(ReplayError::HasSums(_))), "{refused:?}");
    replays.drop(TOTALS, 1, Budget::default()).await.unwrap();
    world
        .until("nothing of it is left", async || world.keys(TOTALS, 1).await.is_empty())
        .await;
    assert!(summed(&world.acme, 2).await);
    keeper.shut_down().await;
}
