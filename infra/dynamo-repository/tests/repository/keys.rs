//! What keys keep apart and what follows a change: nasty ids, siblings, indexes, sizes.

use crate::{
    rows::{Account, CapsuleAccount, Impostor, LineItem, Opportunity, Tree, account, id, line_item, opportunity},
    world::World,
};
use headwater_dynamo_repository::{Error, Expect, PageRequest};
use headwater_dynamo_schema::{Entity, Range};
use headwater_kernel::MAX_ID_BYTES;

const NASTY: &[&str] = &[
    "#",
    "/",
    "%23",
    "%",
    "🦀",
    "a#b",
    "a",
    "a#",
    "#a",
    "a%23b",
    "~",
    "~account-tree.1",
    "~projections",
    "\u{10FFFF}",
    "HEAD",
    " a ",
    "é",
    "ACCOUNT#1",
    "1",
    "10",
];

#[tokio::test]
async fn nasty_ids_stay_themselves() {
    let world = World::new().await;
    for name in NASTY {
        world
            .save(&Account {
                owner_id: Some(id(name)),
                ..account(name)
            })
            .await;
        world
            .save(&CapsuleAccount {
                id: id("x"),
                capsule_id: id(name),
            })
            .await;
        world.save(&opportunity(name, name)).await;
        world.save(&line_item(name, name, name)).await;
    }
    for name in NASTY {
        let it = &id(name);
        let found = world
            .repository
            .find::<Account>(&world.acme, &Account::key(it))
            .await
            .unwrap();
        assert_eq!(found.unwrap().entity.id, *it);
        let tree = world.all::<Tree>(&Account::tree_of_account(it)).await;
        let expected = [
            Tree::Account(Account {
                owner_id: Some(it.clone()),
                ..account(name)
            }),
            Tree::Opportunity(opportunity(name, name)),
            Tree::LineItem(line_item(name, name, name)),
        ];
        assert_eq!(tree, expected, "{name}");
        assert_eq!(world.all::<Account>(&Account::by_owner_id(it)).await.len(), 1, "{name}");
        assert_eq!(
            world.all::<CapsuleAccount>(&CapsuleAccount::in_capsule(it)).await.len(),
            1,
            "{name}"
        );
        assert_eq!(
            world.all::<LineItem>(&LineItem::in_opportunity(it, it)).await.len(),
            1,
            "{name}"
        );
        assert_eq!(
            world.all::<Opportunity>(&Opportunity::in_account(it)).await.len(),
            1,
            "{name}"
        );
    }
    assert_eq!(world.all::<Account>(&Account::all()).await.len(), NASTY.len());
}

#[tokio::test]
async fn account_1_never_returns_account_10() {
    let world = World::new().await;
    for name in ["1", "10", "1 0", "1#0", "1$", "100"] {
        world.save(&account(name)).await;
        world.save(&opportunity(name, "p")).await;
        world.save(&opportunity(name, "p0")).await;
        world.save(&line_item(name, "p", "l")).await;
        world.save(&line_item(name, "p0", "l")).await;
    }
    let tree = world.all::<Tree>(&Account::tree_of_account(&id("1"))).await;
    assert_eq!(tree.len(), 5);
    for row in tree {
        let owner = match row {
            Tree::Account(row) => row.id,
            Tree::Opportunity(row) => row.account_id,
            Tree::LineItem(row) => row.account_id,
        };
        assert_eq!(owner, id("1"));
    }
    assert_eq!(
        world
            .all::<Tree>(&Opportunity::tree_of_opportunity(&id("1"), &id("p")))
            .await
            .len(),
        2
    );
    assert_eq!(
        world
            .all::<LineItem>(&LineItem::in_opportunity(&id("1"), &id("p")))
            .await
            .len(),
        1
    );
}

#[tokio::test]
async fn index_keys_follow_an_update() {
    let world = World::new().await;
    let row = Account {
        owner_id: Some(id("old")),
        rank: 9,
        ..account("a")
    };
    world.save(&row).await;
    world
        .save(&Account {
            owner_id: Some(id("new")),
            rank: 10,
            ..account("b")
        })
        .await;
    let updated = world
        .repository
        .update::<Account>(&world.acme, &row.row_key(), 1, 2, |row| {
            row.owner_id = Some(id("new"));
            row.rank = 11;
        })
        .await
        .unwrap()
        .unwrap();
    assert_eq!((updated.version, updated.entity.rank), (2, 11));
    assert_eq!(world.all::<Account>(&Account::by_owner_id(&id("old"))).await, []);
    let new = world.all::<Account>(&Account::by_owner_id(&id("new"))).await;
    assert_eq!(
        new.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(),
        ["b", "a"],
        "in the order of ranks, as numbers"
    );
    // Without an owner it leaves the index, and is still there.
    world
        .repository
        .update::<Account>(&world.acme, &row.row_key(), 2, 3, |row| row.owner_id = None)
        .await
        .unwrap();
    assert_eq!(world.all::<Account>(&Account::by_owner_id(&id("new"))).await.len(), 1);
    let moved = world
        .repository
        .update::<Account>(&world.acme, &row.row_key(), 3, 4, |row| row.id = id("c"))
        .await;
    assert!(matches!(moved, Err(Error::KeyChanged)));
    let none = world
        .repository
        .update::<Account>(&world.acme, &Account::key(&id("z")), 3, 4, |_| ())
        .await;
    assert_eq!(none.unwrap(), None);
}

#[tokio::test]
async fn an_index_is_sparse_and_its_sort_key_may_be_a_label() {
    let world = World::new().await;
    world.save(&account("a")).await;
    world
        .save(&Account {
            note: Some("n".into()),
            ..account("b")
        })
        .await;
    world
        .save(&Account {
            note: Some(String::new()),
            ..account("c")
        })
        .await;
    let ids = |rows: Vec<Account>| rows.into_iter().map(|row| row.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(world.all(&Account::by_note("n")).await), ["b"]);
    assert_eq!(ids(world.all(&Account::by_note("")).await), ["c"]);
    assert_eq!(ids(world.all(&Account::by_owner_id(&id("o"))).await), [""; 0]);
    // All keys of such an index are the same; pages go on by the table's key.
    for name in ["d", "e", "f"] {
        let note = Some("n".into());
        world.save(&Account { note, ..account(name) }).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit: 1, cursor };
        let page = world
            .repository
            .query::<Account>(&world.acme, &Account::by_note("n"), &page)
            .await
            .unwrap();
        seen.extend(page.items.into_iter().map(|row| row.entity.id.to_string()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    seen.sort();
    assert_eq!(seen, ["b", "d", "e", "f"]);
}

#[tokio::test]
async fn a_key_that_is_too_long_is_refused_before_it_is_sent() {
    let world = World::new().await;
    let long = &id("x".repeat(MAX_ID_BYTES));
    let row = LineItem {
        id: long.clone(),
        account_id: long.clone(),
        opportunity_id: long.clone(),
        quantity: 1,
    };
    world.save(&row).await;
    assert_eq!(
        world.all::<LineItem>(&LineItem::in_opportunity(long, long)).await,
        [row]
    );
    let deep = headwater_dynamo_schema::RowKey {
        partition: String::new(),
        sort: "ACCOUNT#".to_owned() + &"x".repeat(1_017),
    };
    let before = world.usage();
    let page = PageRequest { limit: 1, cursor: None };
    let too_long = |answer: Result<(), Error>| assert!(matches!(answer, Err(Error::KeyTooLong { .. })), "{answer:?}");
    let (repository, acme) = (&world.repository, &world.acme);
    too_long(repository.find::<Account>(acme, &deep).await.map(drop));
    too_long(
        repository
            .find_many::<Account>(acme, std::slice::from_ref(&deep))
            .await
            .map(drop),
    );
    too_long(repository.delete::<Account>(acme, &deep, 1).await);
    too_long(
        repository
            .query::<Account>(acme, &Range::subtree("crm", deep), &page)
            .await
            .map(drop),
    );
    let range = Account::by_note(&"x".repeat(2_048));
    too_long(repository.query::<Account>(acme, &range, &page).await.map(drop));
    let row = Account {
        note: Some("x".repeat(2_048)),
        ..account("a")
    };
    too_long(repository.save(acme, &row, 1, Expect::New).await);
    let sent: u64 = ["GetItem", "PutItem", "Query", "DeleteItem", "BatchGetItem"]
        .iter()
        .map(|operation| world.calls(&before, operation))
        .sum();
    assert_eq!(sent, 0);
}

#[tokio::test]
async fn a_key_of_another_entity_is_not_read_as_this_one() {
    let world = World::new().await;
    world.save(&Impostor { id: id("a") }).await;
    let found = world
        .repository
        .find::<Account>(&world.acme, &Account::key(&id("a")))
        .await;
    assert!(matches!(found, Err(Error::Unreadable { entity, .. }) if entity == "IMPOSTOR"));
    assert_eq!(world.all::<Account>(&Account::all()).await, []);
}
