//! Many rows by key: in order, with repeats and gaps, a hundred keys a call.

use crate::{
    rows::{Account, account},
    world::World,
};
use headwater_dynamo_repository::Write;
use headwater_dynamo_schema::{Entity, RowItem};

#[tokio::test]
async fn answers_stand_in_the_order_of_the_keys() {
    let world = World::new().await;
    let row = |n: u32| Account {
        rank: n,
        ..account(format!("a{n}"))
    };
    // Every third is missing.
    let rows: Vec<_> = (0..200).filter(|n| n % 3 != 0).map(row).collect();
    for group in rows.chunks(100) {
        let put = |row: &Account| Write::Put {
            row: RowItem::of(row).unwrap(),
            version: u64::from(row.rank),
            expect: headwater_dynamo_repository::Expect::New,
        };
        world
            .repository
            .write_together(&world.acme, group.iter().map(put).collect())
            .await
            .unwrap();
    }
    // 250 keys: 200 backwards, and 50 of them again.
    let asked: Vec<u32> = (0..200).rev().chain((0..50).map(|n| n * 4)).collect();
    let keys: Vec<_> = asked.iter().map(|n| row(*n).row_key()).collect();
    let before = world.usage();
    let found = world.repository.find_many::<Account>(&world.acme, &keys).await.unwrap();
    assert_eq!(world.calls(&before, "BatchGetItem"), 2, "repeats are asked for once");
    assert_eq!(found.len(), 250);
    for (n, found) in asked.into_iter().zip(found) {
        let expected = (n % 3 != 0).then(|| (row(n), u64::from(n)));
        assert_eq!(found.map(|row| (row.entity, row.version)), expected);
    }
    let none = world.repository.find_many::<Account>(&world.acme, &[]).await.unwrap();
    assert!(none.is_empty());
}

/// Past 16 MB an answer leaves keys open, which are asked for again.
#[tokio::test]
async fn what_an_answer_left_open_is_asked_for_again() {
    let world = World::new().await;
    let names: Vec<_> = (0..50).map(|n| account(format!("a{n}"))).collect();
    for row in &names {
        let mut row = RowItem::of(row).unwrap();
        row.attributes.insert("padding".into(), "x".repeat(390_000).into());
        let new = headwater_dynamo_repository::Expect::New;
        world.repository.save_item(&world.acme, row, 1, new).await.unwrap();
    }
    let keys: Vec<_> = names.iter().map(Entity::row_key).collect();
    let found = world.repository.find_many::<Account>(&world.acme, &keys).await.unwrap();
    assert_eq!(found.iter().flatten().count(), 50);
}
