//! Metric points: a generation is a store of its own, filled from the log with whatever history is needed.

use crate::world::{World, quick, runner};
use headwater_dynamo_repository::Generations;
use headwater_dynamodb::tables;
use headwater_kernel::Id;
use headwater_metrics::{Bin, Fill, MetricStore, Query, Stat};
use headwater_projectors::{Budget, Catalogue, FolderMetrics, Keeper, LiveMetrics, Metrics, Replays, Stores};
use headwater_read_models::metrics::{PROJECTION, TABLE};
use headwater_tests::{account::Command, levels};
use std::collections::BTreeMap;

/// How many points there are, and their sum.
async fn measured(store: &dyn MetricStore, world: &World) -> [f64; 2] {
    let today = Bin::DAY.start(world.runtime.now());
    let mut measured = [0.0; 2];
    for (n, stat) in [Stat::Count, Stat::Sum].into_iter().enumerate() {
        let query = Query {
            series: levels::LEVEL.to_owned(),
            from: headwater_kernel::Timestamp::from_nanos(today.nanos() - Bin::DAY.nanos()),
            to: today.plus(Bin::DAY.duration()),
            bin: Bin::DAY,
            stat,
            filters: BTreeMap::new(),
            group_by: Vec::new(),
            fill: Fill::None,
        };
        let items = store.query(&world.acme, &query).await.map(|answer| answer.items);
        measured[n] = items.unwrap_or_default().iter().filter_map(|item| item.value).sum();
    }
    measured
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_are_made_anew_beside_the_live_ones_and_queries_move_over() {
    let world = World::new().await;
    world
        .keeping
        .views
        .ensure_table(&tables::views_table(TABLE))
        .await
        .unwrap();
    let deposit = |cents| Command::Deposit { cents };
    for round in 0..3 {
        for n in 0..20 {
            world
                .send(&world.acme, &format!("A{n}"), &format!("d{round}"), deposit(10))
                .await;
        }
    }
    // Of each account the levels 10, 20 and 30.
    let wanted = [60.0, 20.0 * 60.0];
    let folder = world.dir.path().join("metrics");
    let metrics = Metrics::new(FolderMetrics::new(&folder, world.runtime.clone()));
    let mut catalogue = Catalogue::new(Stores {
        metrics: metrics.clone(),
        ..world.stores()
    });
    levels::register(&mut catalogue);
    let replays = Replays::new(world.sources(), catalogue, quick(), world.runtime.clone());
    let keeper = Keeper::start(&replays, runner(), &world.runtime);
    let live = LiveMetrics {
        stores: metrics.clone(),
        generations: Generations::new(world.keeping.views.clone(), world.runtime.clone()),
    };
    world
        .until("all is measured", async || measured(&live, &world).await == wanted)
        .await;

    replays.start(PROJECTION, None, Budget::default()).await.unwrap();
    world.send(&world.acme, "A0", "more", deposit(70)).await;
    let wanted = [61.0, 20.0 * 60.0 + 100.0];
    let progress = world.kept(&replays, PROJECTION, 2).await;
    assert!(progress.check.unwrap().is_right());
    live.generations.forget();
    let second = metrics.get(2).unwrap().unwrap();
    for store in [&live as &dyn MetricStore, &*second] {
        world
            .until("the new one has it", async || measured(store, &world).await == wanted)
            .await;
    }
    drop(second);

    replays.drop(PROJECTION, 1, Budget::default()).await.unwrap();
    world
        .until("generation 1 is gone", async || {
            replays.registered().await.unwrap()[PROJECTION].generation(1).is_none()
        })
        .await;
    assert_eq!(FolderMetrics::list(&folder).unwrap(), [2]);
    assert_eq!(measured(&live, &world).await, wanted);
    // One aggregate, measured again, is what it was.
    let again = replays
        .aggregate(&world.acme, PROJECTION, "accounts", &Id::new("A0").unwrap())
        .await;
    again.unwrap();
    assert_eq!(measured(&live, &world).await, wanted);
    keeper.shut_down().await;
}
