//! A fold that has changed: its rebuild starts by itself where that is configured.

use crate::world::{World, quick, runner};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::Id;
use headwater_projectors::{Budget, Catalogue, Keeper, ReplayOptions, Replays};
use headwater_read_models::{EventContext, Fold, ProjectionRegistry, RowFold};
use headwater_tests::{
    account::{Account, Event},
    projections::BALANCES,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The balance as the next build has it: in whole units, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(table = "bank", entity = "BALANCE", pk = "TENANT#{tenant_id}", sk = "BALANCE#{id}")]
struct Balance {
    id: Id,
    cents: i64,
    #[serde(default)]
    units: i64,
}

impl Fold for Balance {
    type Source = Account;
    const VERSION: u32 = 2;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            cents: 0,
            units: 0,
        }
    }

    fn apply(&mut self, _: &EventContext<'_>, event: &Event) {
        if let Event::Deposited { cents } = event {
            self.cents += cents;
            self.units = self.cents / 100;
        }
    }
}

impl RowFold for Balance {
    fn key_of(id: &Id) -> RowKey {
        Self::key(id)
    }
}

fn next_build(world: &World, options: ReplayOptions) -> Replays {
    let mut catalogue = Catalogue::new(world.stores());
    catalogue.row::<Balance>(BALANCES);
    Replays::new(world.sources(), catalogue, options, world.runtime.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_somebody_cancelled_does_not_begin_by_itself_again() {
    let world = World::new().await;
    world.fill(&world.acme, 10).await;
    let keeper = world.keep();
    world.settled(&world.acme, BALANCES, 1).await;
    keeper.shut_down().await;

    let options = ReplayOptions {
        rebuild_on_change: true,
        ..quick()
    };
    // Slow enough to be cancelled.
    let slow = ReplayOptions {
        budget: Budget {
            write_units_per_second: Some(1.0),
        },
        ..options.clone()
    };
    let keeper = Keeper::start(&next_build(&world, slow), runner(), &world.runtime);
    let generations = async |keeper: &Keeper| {
        let registered = keeper.replays().registered().await.unwrap();
        let all = registered[BALANCES].generations.iter();
        all.map(|one| one.number).collect::<Vec<_>>()
    };
    world
        .until("it begins", async || generations(&keeper).await.len() == 2)
        .await;
    keeper.replays().cancel(BALANCES).await.unwrap();
    world
        .until("it is gone", async || generations(&keeper).await == [1])
        .await;
    keeper.shut_down().await;

    // Nor in a process that starts after that, which keeps no generation of that fold.
    let keeper = Keeper::start(&next_build(&world, options), runner(), &world.runtime);
    world
        .until("it has looked", async || !keeper.consumers().is_empty())
        .await;
    assert_eq!(generations(&keeper).await, [1]);
    // Asked for, it is made.
    let replays = keeper.replays().clone();
    replays.start(BALANCES, None, Budget::default()).await.unwrap();
    world.kept(&replays, BALANCES, 3).await;
    keeper.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_fold_is_rebuilt_when_it_is_deployed_and_an_older_build_leaves_it_alone() {
    let world = World::new().await;
    world.fill(&world.acme, 10).await;
    let keeper = world.keep();
    world.settled(&world.acme, BALANCES, 1).await;
    keeper.shut_down().await;

    // Without being configured so, it only tells.
    let keeper = Keeper::start(&next_build(&world, quick()), runner(), &world.runtime);
    world
        .until("it is told", async || {
            keeper.replays().outdated().await.unwrap().contains_key(BALANCES)
        })
        .await;
    assert_eq!(
        keeper.replays().registered().await.unwrap()[BALANCES].generations.len(),
        1
    );
    keeper.shut_down().await;

    let options = ReplayOptions {
        rebuild_on_change: true,
        ..quick()
    };
    let keeper = Keeper::start(&next_build(&world, options.clone()), runner(), &world.runtime);
    let replays = keeper.replays().clone();
    world
        .until("it begins", async || {
            replays.registered().await.unwrap()[BALANCES].generations.len() == 2
        })
        .await;
    world.kept(&replays, BALANCES, 2).await;
    assert!(replays.outdated().await.unwrap().is_empty());
    let id = Id::new("A9").unwrap();
    let row = world
        .keeping
        .repository(BALANCES)
        .at_generation(2)
        .find::<Balance>(&world.acme, &Balance::key(&id))
        .await
        .unwrap();
    assert_eq!(row.unwrap().entity.cents, 10);
    keeper.shut_down().await;

    // The build before it neither keeps that generation nor makes another one.
    let older = Keeper::start(&world.replays(options), runner(), &world.runtime);
    world
        .until("it keeps what is its own", async || !older.consumers().is_empty())
        .await;
    let kept: Vec<String> = older
        .consumers()
        .iter()
        .map(headwater_projectors::Consumer::name)
        .collect();
    assert_eq!(kept, ["balances.1", "numbers.1"]);
    assert_eq!(
        older.replays().registered().await.unwrap()[BALANCES].generations.len(),
        2
    );
    older.shut_down().await;
}
