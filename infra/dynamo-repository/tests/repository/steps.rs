//! Steps of more rows than one transaction holds: what they cost, who may go on, what is left for whom.

use crate::{
    rows::{Account, account, id},
    world::World,
};
use headwater_dynamo_repository::{Error, Head, Step, Unfinished};
use headwater_dynamo_schema::{Entity, RowItem};
use serde_json::json;

fn step(rows: std::ops::Range<u32>, before: u64, unfinished: Option<Unfinished>, after: u64) -> Step {
    let puts: Vec<_> = rows
        .map(|n| RowItem::of(&account(format!("a{n:03}"))).unwrap())
        .collect();
    Step {
        table: "crm",
        aggregate: "accounts",
        id: id("a#1"),
        before,
        unfinished,
        after: Head {
            version: after,
            state: json!({ "at": after }),
        },
        fresh: puts.iter().map(|row| row.key.clone()).collect(),
        puts,
        deletes: vec![],
        adds: Vec::new(),
    }
}

async fn at(world: &World) -> (u64, Option<Unfinished>) {
    let source = id("a#1");
    let stored = world.repository.stored_head(&world.acme, "crm", "accounts", &source);
    let stored = stored.await.unwrap();
    let version = world.repository.head(&world.acme, "crm", "accounts", &source);
    let version = version.await.unwrap().map_or(0, |head| head.version);
    (version, stored.and_then(|stored| stored.unfinished))
}

#[tokio::test]
async fn a_large_step_takes_a_mark_and_a_transaction_for_each_99_rows() {
    let world = World::new().await;
    let before = world.usage();
    world
        .repository
        .step(&world.acme, step(0..99, 0, None, 1))
        .await
        .unwrap();
    assert_eq!(world.calls(&before, "TransactWriteItems"), 1);
    assert_eq!(world.calls(&before, "UpdateItem"), 0);
    let before = world.usage();
    world
        .repository
        .step(&world.acme, step(0..200, 1, None, 2))
        .await
        .unwrap();
    assert_eq!(world.calls(&before, "UpdateItem"), 1);
    assert_eq!(world.calls(&before, "TransactWriteItems"), 3);
    assert_eq!(world.all::<Account>(&Account::all()).await.len(), 200);
    assert_eq!(at(&world).await, (2, None));
    // Whoever is behind changes nothing, not even the head.
    for late in [
        step(0..200, 1, None, 2),
        step(300..301, 1, None, 2),
        step(300..500, 0, None, 1),
    ] {
        let refused = world.repository.step(&world.acme, late).await;
        assert!(matches!(refused, Err(Error::Conflict)), "{refused:?}");
    }
    assert_eq!(at(&world).await, (2, None));
    assert_eq!(world.all::<Account>(&Account::all()).await.len(), 200);
}

#[tokio::test]
async fn a_step_that_stopped_half_way_is_found_and_taken_over() {
    let world = World::new().await;
    // The row of another aggregate, newer than this one's: the third group cannot be.
    let newer = account("a250");
    let newest = headwater_dynamo_repository::Expect::New;
    world.repository.save(&world.acme, &newer, 9, newest).await.unwrap();
    let refused = world.repository.step(&world.acme, step(0..300, 0, None, 1)).await;
    assert!(matches!(refused, Err(Error::Conflict)), "{refused:?}");
    let (version, unfinished) = at(&world).await;
    assert_eq!(version, 0, "a reader sees no head");
    let unfinished = unfinished.unwrap();
    assert_eq!(unfinished.keys().count(), 300);
    // Nobody goes on who does not know of it.
    let again = world.repository.step(&world.acme, step(0..5, 0, None, 1)).await;
    assert!(matches!(again, Err(Error::Conflict)), "{again:?}");
    world
        .repository
        .delete::<Account>(&world.acme, &newer.row_key(), 9)
        .await
        .unwrap();
    let mut taken = step(0..5, 0, Some(unfinished.clone()), 1);
    let kept = taken.fresh.clone();
    taken.deletes = unfinished.keys().filter(|key| !kept.contains(key)).collect();
    world.repository.step(&world.acme, taken.clone()).await.unwrap();
    assert_eq!(at(&world).await, (1, None));
    assert_eq!(world.all::<Account>(&Account::all()).await.len(), 5);
    // Its mark is worth nothing any more.
    let late = world.repository.step(&world.acme, taken).await;
    assert!(matches!(late, Err(Error::Conflict)), "{late:?}");
}
