//! Search documents: a generation is an index of its own, and searches go to the one that is live.

use crate::world::{World, quick, runner};
use headwater_catalog::product::{Command, Product};
use headwater_dynamo_repository::Generations;
use headwater_dynamodb::tables;
use headwater_event_log::AggregateStore;
use headwater_kernel::{Id, Rejection};
use headwater_projectors::{Budget, Catalogue, FolderIndexes, Indexes, Keeper, LiveIndex, Replays, Sources, Stores};
use headwater_read_models::{
    ProjectionRegistry,
    product_search::{PROJECTION, ProductDocument},
    search::SearchDocument,
};
use headwater_search::{Query, SearchIndex};
use headwater_tests::{bytes, request, sealing_key};
use serde_json::{Value, json};
use std::time::Duration;

async fn send(world: &World, id: &str, command: &str, payload: Value) {
    let products = AggregateStore::<Product>::new(world.keeping.log.clone());
    let body = bytes(&payload);
    let key = format!("{id}-{command}");
    let decide = || {
        let command: Command = serde_json::from_value(json!({ command: payload })).unwrap();
        Ok::<_, Rejection>(command)
    };
    let id = Id::new(id).unwrap();
    let sent = products.execute(&world.acme, &id, request(&key, command, &body), decide);
    sent.await.unwrap();
}

async fn found(index: &LiveIndex, world: &World) -> u64 {
    let hits = index
        .search(
            &world.acme,
            &Query {
                limit: 1,
                ..Query::default()
            },
        )
        .await;
    hits.map_or(0, |hits| hits.total)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_index_is_rebuilt_beside_the_live_one_and_searches_move_over() {
    let world = World::new().await;
    world.keeping.log.ensure_tables("catalog").await.unwrap();
    world
        .keeping
        .views
        .ensure_table(&tables::views_table("catalog"))
        .await
        .unwrap();
    for n in 0..60 {
        let title = format!("Lamp number {n}");
        let payload = json!({ "sku": format!("S{n}"), "title": title, "brand": "B", "price_cents": n });
        send(&world, &format!("P{n}"), "create", payload).await;
    }
    for n in 0..10 {
        send(&world, &format!("P{n}"), "discontinue", json!({})).await;
    }
    let folder = world.dir.path().join("search");
    let indexes = Indexes::new(FolderIndexes::new(
        &folder,
        vec![ProductDocument::mapping().kind],
        sealing_key(),
        world.runtime.clone(),
    ));
    let mut catalogue = Catalogue::new(Stores {
        indexes: indexes.clone(),
        metrics: headwater_projectors::Metrics::none(),
        ..world.stores()
    });
    catalogue.document::<ProductDocument>(PROJECTION);
    let sources = Sources {
        contexts: vec!["catalog".to_owned()],
        ..world.sources()
    };
    let replays = Replays::new(sources, catalogue, quick(), world.runtime.clone());
    let keeper = Keeper::start(&replays, runner(), &world.runtime);
    let live = LiveIndex {
        indexes,
        generations: Generations::new(world.keeping.views.clone(), world.runtime.clone()),
        projection: PROJECTION,
        table: "catalog",
        mapping: ProductDocument::mapping(),
    };
    world
        .until("all are found", async || found(&live, &world).await == 50)
        .await;

    replays.start(PROJECTION, None, Budget::default()).await.unwrap();
    send(
        &world,
        "P99",
        "create",
        json!({ "sku": "S99", "title": "Lamp", "brand": "B", "price_cents": 1 }),
    )
    .await;
    let progress = world.kept(&replays, PROJECTION, 2).await;
    let check = progress.check.unwrap();
    assert!(check.is_right() && check.total.rows == 61, "{check:?}");
    live.generations.forget();
    let generation = live.generations.live(&world.acme, "catalog", PROJECTION).await.unwrap();
    assert_eq!(generation, 2);
    world
        .until("the new one is found in it", async || found(&live, &world).await == 51)
        .await;
    let (differences, totals) = replays
        .dry_run(PROJECTION, None)
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert!(
        differences.is_empty() && totals.total.rows == 61,
        "{differences:?} {totals:?}"
    );

    replays.drop(PROJECTION, 1, Budget::default()).await.unwrap();
    world
        .until("generation 1 is gone", async || {
            replays.registered().await.unwrap()[PROJECTION].generation(1).is_none()
        })
        .await;
    let left = headwater_search::tantivy::TantivyIndex::list(&folder).unwrap();
    assert_eq!(
        left.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["products-product-search-2"]
    );
    let wait = Duration::from_secs(10);
    send(
        &world,
        "P98",
        "create",
        json!({ "sku": "S98", "title": "Lamp", "brand": "B", "price_cents": 1 }),
    )
    .await;
    assert!(
        live.await_visible(&world.acme, &Id::new("P98").unwrap(), 1, wait)
            .await
            .unwrap()
    );
    keeper.shut_down().await;
}
