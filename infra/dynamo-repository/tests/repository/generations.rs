//! Generations: readers see one, builders another, a switch changes which, per tenant and projection.

use crate::{
    rows::{Account, account, id},
    world::{PROJECTION, Steps, World, secret},
};
use headwater_dynamo_repository::{Expect, Generations, Head, PageRequest, Repository, Write};
use headwater_dynamo_schema::{Entity, RowItem};
use headwater_runtime::Runtime;
use headwater_tenancy::testing;

#[tokio::test]
async fn a_switch_shows_the_other_rows_at_once() {
    let world = World::new().await;
    let (repository, acme, generations) = (&world.repository, &world.acme, &world.generations);
    let (builder, key) = (repository.at_generation(2), account("a").row_key());
    repository.save(acme, &account("a"), 1, Expect::New).await.unwrap();
    builder
        .save(
            acme,
            &Account {
                rank: 2,
                owner_id: Some(id("o")),
                ..account("a")
            },
            1,
            Expect::New,
        )
        .await
        .unwrap();
    let rank = || async {
        repository
            .find::<Account>(acme, &key)
            .await
            .unwrap()
            .unwrap()
            .entity
            .rank
    };
    assert_eq!(
        (
            rank().await,
            world.all::<Account>(&Account::by_owner_id(&id("o"))).await.len()
        ),
        (0, 0)
    );
    let page = PageRequest { limit: 1, cursor: None };
    assert_eq!(
        builder
            .query::<Account>(acme, &Account::all(), &page)
            .await
            .unwrap()
            .items[0]
            .entity
            .rank,
        2
    );

    assert_eq!(generations.live(acme, "crm", PROJECTION).await.unwrap(), 1);
    world.switch(generations, PROJECTION, 2).await;
    assert_eq!(generations.live(acme, "crm", PROJECTION).await.unwrap(), 2);
    assert_eq!(
        (
            rank().await,
            world.all::<Account>(&Account::by_owner_id(&id("o"))).await.len()
        ),
        (2, 1)
    );
    // The old generation is still there, for readers that believe in it.
    assert_eq!(
        repository
            .at_generation(1)
            .find::<Account>(acme, &key)
            .await
            .unwrap()
            .unwrap()
            .entity
            .rank,
        0
    );

    world.switch(generations, PROJECTION, 1).await;
    assert_eq!(rank().await, 0, "and back");
    let other = testing::scope("other").await;
    assert_eq!(generations.live(&other, "crm", PROJECTION).await.unwrap(), 1);
    assert_eq!(generations.live(acme, "crm", "another").await.unwrap(), 1);
}

#[tokio::test]
async fn another_process_believes_the_old_generation_for_five_seconds() {
    let clock = Steps::default();
    let world = World::with(Runtime::new(clock.clone())).await;
    let elsewhere = Generations::new(world.databases.rebuildable.clone(), Runtime::tokio());
    let live = || async { world.generations.live(&world.acme, "crm", PROJECTION).await.unwrap() };
    assert_eq!(live().await, 1);
    world.switch(&elsewhere, PROJECTION, 2).await;
    clock.advance(4);
    assert_eq!(live().await, 1);
    clock.advance(1);
    assert_eq!(live().await, 2);
    // Whoever switches believes nothing older.
    world.switch(&elsewhere, PROJECTION, 3).await;
    world.switch(&world.generations, PROJECTION, 4).await;
    assert_eq!(live().await, 4);
}

/// Whatever a call touches is of one generation, also when the answer is never believed: it is asked for once.
#[tokio::test]
async fn a_call_stays_in_one_generation() {
    let world = World::with(Runtime::new(Steps::striding())).await;
    let (repository, acme) = (&world.repository, &world.acme);
    let row = Account {
        owner_id: Some(id("o")),
        note: Some("n".into()),
        ..account("a")
    };
    let asked = |before: &[_]| world.pattern_calls(before, "generations.live");
    let before = world.usage();
    repository.save(acme, &row, 1, Expect::New).await.unwrap();
    assert_eq!(asked(&before), 1, "save");
    let before = world.usage();
    repository
        .update::<Account>(acme, &row.row_key(), 1, 2, |row| row.rank = 2)
        .await
        .unwrap();
    assert_eq!(asked(&before), 1, "update");
    let keys: Vec<_> = (0..5).map(|n| account(format!("a{n}")).row_key()).collect();
    let before = world.usage();
    repository.find_many::<Account>(acme, &keys).await.unwrap();
    assert_eq!(asked(&before), 1, "find_many");
    let before = world.usage();
    let head = Head {
        version: 1,
        state: serde_json::json!({}),
    };
    let write = |name: &str| Write::Put {
        row: RowItem::of(&account(name)).unwrap(),
        version: 1,
        expect: Expect::New,
    };
    let head = Write::Head {
        table: "crm",
        aggregate: "accounts",
        id: id("a"),
        head,
        expect: Expect::New,
    };
    repository
        .write_together(acme, vec![write("b"), write("c"), head])
        .await
        .unwrap();
    assert_eq!(asked(&before), 1, "write_together");
}

#[tokio::test]
async fn projections_in_one_table_do_not_see_each_other() {
    let world = World::new().await;
    let other = Repository::new(
        world.databases.rebuildable.clone(),
        "other",
        world.generations.clone(),
        secret(),
    );
    world.save(&account("a")).await;
    assert!(
        other
            .find::<Account>(&world.acme, &account("a").row_key())
            .await
            .unwrap()
            .is_none()
    );
    other.save(&world.acme, &account("b"), 1, Expect::New).await.unwrap();
    assert_eq!(world.all::<Account>(&Account::all()).await, [account("a")]);
}
