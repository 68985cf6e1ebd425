//! What calls consume, exactly: one query for a tree of several entities, and the units of each operation.

use crate::{
    rows::{Account, CapsuleAccount, Tree, account, id, line_item, opportunity},
    world::World,
};
use headwater_dynamo_repository::{Expect, Head, PageRequest, Write};
use headwater_dynamo_schema::{Entity, RowItem};

#[tokio::test]
async fn a_tree_of_three_entities_is_one_query() {
    let world = World::new().await;
    for name in ["a", "b"] {
        world.save(&account(name)).await;
        for p in ["p", "q"] {
            world.save(&opportunity(name, p)).await;
            world.save(&line_item(name, p, "l")).await;
        }
    }
    let before = world.usage();
    let tree = world.all::<Tree>(&Account::tree_of_account(&id("a"))).await;
    assert_eq!((world.calls(&before, "Query"), world.calls(&before, "GetItem")), (1, 0));
    assert_eq!(world.units(&before), (0.5, 0.0), "five small rows are half a unit");
    let expected = [
        Tree::Account(account("a")),
        Tree::Opportunity(opportunity("a", "p")),
        Tree::LineItem(line_item("a", "p", "l")),
        Tree::Opportunity(opportunity("a", "q")),
        Tree::LineItem(line_item("a", "q", "l")),
    ];
    assert_eq!(tree, expected);
}

#[tokio::test]
async fn a_page_of_a_capsule_is_one_query() {
    let world = World::new().await;
    for n in 0..30 {
        world
            .save(&CapsuleAccount {
                id: id(format!("a{n}")),
                capsule_id: id("c"),
            })
            .await;
    }
    let before = world.usage();
    let page = PageRequest {
        limit: 20,
        cursor: None,
    };
    let range = CapsuleAccount::in_capsule(&id("c"));
    let page = world
        .repository
        .query::<CapsuleAccount>(&world.acme, &range, &page)
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.next_cursor.is_some()), (20, true));
    assert_eq!((world.calls(&before, "Query"), world.units(&before)), (1, (0.5, 0.0)));
}

/// What was written before is read where DynamoDB can promise it, and that costs twice; of an index it cannot.
#[tokio::test]
async fn consistent_reads_of_the_table_and_never_of_an_index() {
    let world = World::new().await;
    let owned = Account {
        owner_id: Some(id("o")),
        ..account("a")
    };
    world.save(&owned).await;
    let consistent = world.repository.consistent();
    let page = PageRequest { limit: 5, cursor: None };
    for (range, expected) in [
        (Account::tree_of_account(&id("a")), 1.0),
        (Account::by_owner_id(&id("o")), 0.5),
    ] {
        for (repository, units) in [(&world.repository, 0.5), (&consistent, expected)] {
            let before = world.usage();
            let read = repository.query::<Account>(&world.acme, &range, &page).await.unwrap();
            assert_eq!((read.items.len(), world.units(&before)), (1, (units, 0.0)), "{range:?}");
        }
    }
    for (repository, units) in [(&world.repository, 0.5), (&consistent, 1.0)] {
        let before = world.usage();
        repository
            .find_many::<Account>(&world.acme, &[owned.row_key()])
            .await
            .unwrap();
        assert_eq!(world.units(&before), (units, 0.0));
    }
}

#[tokio::test]
async fn units_of_single_rows() {
    let world = World::new().await;
    let (repository, acme) = (&world.repository, &world.acme);
    let (plain, owned) = (
        account("a"),
        Account {
            owner_id: Some(id("o")),
            ..account("b")
        },
    );
    let before = world.usage();
    repository.save(acme, &plain, 1, Expect::New).await.unwrap();
    assert_eq!(world.units(&before), (0.0, 1.0), "a row in no index");
    let before = world.usage();
    repository.save(acme, &owned, 1, Expect::New).await.unwrap();
    assert_eq!(world.units(&before), (0.0, 2.0), "a row in one index");
    let before = world.usage();
    repository.find::<Account>(acme, &plain.row_key()).await.unwrap();
    assert_eq!(world.units(&before), (1.0, 0.0), "found");
    let before = world.usage();
    repository.find::<Account>(acme, &Account::key(&id("z"))).await.unwrap();
    assert_eq!(world.units(&before), (1.0, 0.0), "not found");
    let before = world.usage();
    repository
        .find_many::<Account>(acme, &[plain.row_key(), owned.row_key()])
        .await
        .unwrap();
    assert_eq!(world.units(&before), (1.0, 0.0), "two of many");
    let before = world.usage();
    repository.delete::<Account>(acme, &plain.row_key(), 1).await.unwrap();
    assert_eq!(world.units(&before), (0.0, 1.0), "deleted");
    let before = world.usage();
    let moved = |row: &mut Account| row.owner_id = Some(id("p"));
    repository
        .update::<Account>(acme, &owned.row_key(), 1, 2, moved)
        .await
        .unwrap();
    assert_eq!(
        world.units(&before),
        (1.0, 3.0),
        "read, written, out of one index partition and into another"
    );
    let before = world.usage();
    repository.delete::<Account>(acme, &owned.row_key(), 2).await.unwrap();
    assert_eq!(world.units(&before), (0.0, 2.0), "deleted from an index too");
}

#[tokio::test]
async fn units_of_a_transaction() {
    let world = World::new().await;
    let (repository, acme) = (&world.repository, &world.acme);
    let head = Head {
        version: 1,
        state: serde_json::json!({ "n": 1 }),
    };
    let writes = vec![
        Write::Put {
            row: RowItem::of(&account("a")).unwrap(),
            version: 1,
            expect: Expect::New,
        },
        Write::Head {
            table: "crm",
            aggregate: "accounts",
            id: id("a"),
            head,
            expect: Expect::New,
        },
    ];
    let before = world.usage();
    repository.write_together(acme, writes).await.unwrap();
    assert_eq!(world.calls(&before, "TransactWriteItems"), 1);
    assert_eq!(world.units(&before), (0.0, 4.0), "two units for each row and the head");
    let before = world.usage();
    repository.head(acme, "crm", "accounts", &id("a")).await.unwrap();
    assert_eq!(world.units(&before), (1.0, 0.0));
}
