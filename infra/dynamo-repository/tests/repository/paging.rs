//! Pages: never short while more exists, nothing twice, nothing left out, and few queries whatever stands between the rows.

use crate::{
    rows::{Account, Tree, account, id, line_item, opportunity},
    world::World,
};
use headwater_dynamo_repository::PageRequest;
use headwater_dynamo_schema::{FromRow, Range};

/// Walks a range page by page and checks each page's length.
async fn walk<T: FromRow>(world: &World, range: &Range, limit: usize, total: usize) -> Vec<T> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit, cursor };
        let page = world.repository.query::<T>(&world.acme, range, &page).await.unwrap();
        let expected = limit.min(total - all.len());
        assert_eq!(page.items.len(), expected, "limit {limit}, after {}", all.len());
        all.extend(page.items.into_iter().map(|row| row.entity));
        assert_eq!(
            page.next_cursor.is_some(),
            all.len() < total,
            "limit {limit}, after {}",
            all.len()
        );
        cursor = page.next_cursor;
        if cursor.is_none() {
            return all;
        }
    }
}

#[tokio::test]
async fn pages_of_any_limit_are_full_and_exact() {
    const TOTAL: usize = 23;
    let world = World::new().await;
    for n in 0..TOTAL {
        let name = format!("a{n:02}");
        // Ranks against the order of ids, with equals.
        let row = Account {
            owner_id: Some(id("o")),
            rank: 100 - (n as u32) / 2,
            ..account(&name)
        };
        world.save(&row).await;
        // What the page does not want stands between the accounts.
        for k in 0..n % 4 {
            world.save(&opportunity(&name, &format!("p{k}"))).await;
        }
    }
    let everything = TOTAL + (0..TOTAL).map(|n| n % 4).sum::<usize>();
    let ids: Vec<_> = (0..TOTAL).map(|n| id(format!("a{n:02}"))).collect();
    for limit in (1..=TOTAL + 1).chain([1_000]) {
        let walked: Vec<Account> = walk(&world, &Account::all(), limit, TOTAL).await;
        assert_eq!(walked.iter().map(|row| row.id.clone()).collect::<Vec<_>>(), ids);
        let mut back: Vec<Account> = walk(&world, &Account::all().descending(), limit, TOTAL).await;
        back.reverse();
        assert_eq!(back, walked);
        let owned: Vec<Account> = walk(&world, &Account::by_owner_id(&id("o")), limit, TOTAL).await;
        assert!(owned.is_sorted_by_key(|row| (row.rank, row.id.clone())) && owned.len() == TOTAL);
        let mut back: Vec<Account> = walk(&world, &Account::by_owner_id(&id("o")).descending(), limit, TOTAL).await;
        back.reverse();
        assert_eq!(back, owned);
        assert_eq!(
            walk::<Tree>(&world, &Account::all(), limit, everything).await.len(),
            everything
        );
    }
}

#[tokio::test]
async fn a_limit_is_kept_between_one_and_a_thousand() {
    let world = World::new().await;
    for n in 0..3 {
        world.save(&account(format!("a{n}"))).await;
    }
    for (limit, expected) in [(0, 1), (usize::MAX, 3)] {
        let page = PageRequest { limit, cursor: None };
        let page = world
            .repository
            .query::<Account>(&world.acme, &Account::all(), &page)
            .await
            .unwrap();
        assert_eq!(page.items.len(), expected);
    }
}

#[tokio::test]
async fn a_page_of_more_than_a_megabyte_is_full() {
    let world = World::new().await;
    for n in 0..9 {
        world
            .save(&Account {
                note: None,
                ..account(format!("a{n}"))
            })
            .await;
        let big = Account {
            id: id(format!("b{n}")),
            ..account("b")
        };
        let mut row = headwater_dynamo_schema::RowItem::of(&big).unwrap();
        row.attributes.insert("padding".into(), "x".repeat(190_000).into());
        world
            .repository
            .save_item(&world.acme, row, 1, headwater_dynamo_repository::Expect::New)
            .await
            .unwrap();
    }
    for limit in [1, 5, 12, 17, 18, 19] {
        assert_eq!(walk::<Account>(&world, &Account::all(), limit, 18).await.len(), 18);
    }
}

/// A small page must not become a hundred queries because one account has a large tree.
#[tokio::test]
async fn rows_that_are_not_wanted_cost_no_query_each() {
    let world = World::new().await;
    world.save(&account("a")).await;
    world.save(&account("b")).await;
    for n in 0..200 {
        world.save(&line_item("a", "o", &format!("l{n:03}"))).await;
    }
    let before = world.usage();
    let page = PageRequest { limit: 1, cursor: None };
    let page = world
        .repository
        .query::<Account>(&world.acme, &Account::all(), &page)
        .await
        .unwrap();
    assert_eq!(page.items[0].entity.id, id("a"));
    assert!(page.next_cursor.is_some());
    assert!(
        world.calls(&before, "Query") <= 3,
        "{} queries",
        world.calls(&before, "Query")
    );
}

#[tokio::test]
async fn a_narrowed_range_stays_inside_its_prefix() {
    let world = World::new().await;
    for name in ["1", "10", "2", "3"] {
        world
            .save(&Account {
                owner_id: Some(id("o")),
                rank: 5,
                ..account(name)
            })
            .await;
    }
    world.save(&opportunity("1", "p1")).await;
    world.save(&opportunity("1", "p2")).await;
    let ids = |rows: Vec<Account>| rows.into_iter().map(|row| row.id.to_string()).collect::<Vec<_>>();
    let bound = |text: &str| Some(text.to_owned());
    assert_eq!(
        ids(world.all(&Account::all().between(bound("10"), bound("2"))).await),
        ["10", "2"]
    );
    assert_eq!(
        ids(world.all(&Account::all().between(bound("2"), bound("10"))).await),
        [""; 0],
        "upside down is empty"
    );
    let twice = Account::all().between(bound("10"), None).between(None, bound("2"));
    assert_eq!(ids(world.all(&twice).await), ["10", "2"], "narrowed twice");
    // A tree's bounds are below its root, so that they cannot reach a sibling.
    let tree = Account::tree_of_account(&id("1"));
    for (from, to) in [
        (None, bound("0")),
        (bound("0"), None),
        (None, bound("OPPORTUNITY#p1")),
        (None, bound("\u{10FFFF}x")),
    ] {
        for row in world.all::<Tree>(&tree.clone().between(from.clone(), to.clone())).await {
            let inside = match &row {
                Tree::Account(row) => row.id == id("1"),
                Tree::Opportunity(row) => row.account_id == id("1"),
                Tree::LineItem(_) => false,
            };
            assert!(inside, "{row:?} is outside, with {from:?} to {to:?}");
        }
    }
    assert_eq!(
        world
            .all::<Tree>(&tree.between(bound("OPPORTUNITY#p2"), None))
            .await
            .len(),
        1
    );
}
