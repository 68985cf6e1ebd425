//! Attacks: another tenant's rows under the same ids, and cursors taken elsewhere.

use crate::{
    rows::{Account, CapsuleAccount, Tree, account, id, opportunity},
    world::{PROJECTION, World, secret},
};
use headwater_dynamo_repository::{Error, Expect, Generations, PageRequest, Repository, Write};
use headwater_dynamo_schema::{Entity, Range, RowItem, RowKey};
use headwater_runtime::Runtime;
use headwater_tenancy::testing;

#[tokio::test]
async fn the_same_ids_in_two_tenants_are_different_rows() {
    let world = World::new().await;
    // One tenant's name begins with the other's.
    let (acme, acme2, repository) = (&world.acme, &testing::scope("acme2").await, &world.repository);
    let mine = Account {
        owner_id: Some(id("o")),
        rank: 1,
        ..account("a")
    };
    let theirs = Account {
        rank: 2,
        ..mine.clone()
    };
    repository.save(acme, &mine, 1, Expect::New).await.unwrap();
    repository.save(acme2, &theirs, 9, Expect::New).await.unwrap();
    for (scope, expected) in [(acme, &mine), (acme2, &theirs)] {
        let found = repository
            .find::<Account>(scope, &mine.row_key())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(&found.entity, expected);
        for range in [
            Account::tree_of_account(&mine.id),
            Account::all(),
            Account::by_owner_id(&id("o")),
        ] {
            let page = PageRequest {
                limit: 10,
                cursor: None,
            };
            let page = repository.query::<Account>(scope, &range, &page).await.unwrap();
            assert_eq!(page.items.iter().map(|row| &row.entity).collect::<Vec<_>>(), [expected]);
        }
        let many = repository.find_many::<Account>(scope, &[mine.row_key()]).await.unwrap();
        assert_eq!(many[0].as_ref().map(|row| &row.entity), Some(expected));
    }
    repository.delete::<Account>(acme, &mine.row_key(), 99).await.unwrap();
    assert!(
        repository
            .find::<Account>(acme, &mine.row_key())
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        repository
            .find::<Account>(acme2, &mine.row_key())
            .await
            .unwrap()
            .is_some()
    );
}

/// A key made by hand cannot leave the tenant either: what follows the tenant must begin with the delimiter.
#[tokio::test]
async fn a_forged_partition_does_not_name_another_tenant() {
    let world = World::new().await;
    let (acme, repository) = (&world.acme, &world.repository);
    let acme2 = testing::scope("acme2").await;
    repository.save(&acme2, &account("a"), 1, Expect::New).await.unwrap();
    let forged = RowKey {
        partition: "2".into(),
        sort: "ACCOUNT#a".into(),
    };
    assert!(repository.find::<Account>(acme, &forged).await.is_err());
    assert!(repository.delete::<Account>(acme, &forged, 9).await.is_err());
    let range = Range::subtree("crm", forged.clone());
    let page = PageRequest {
        limit: 10,
        cursor: None,
    };
    assert!(repository.query::<Account>(acme, &range, &page).await.is_err());
    let row = RowItem {
        key: forged,
        ..RowItem::of(&account("a")).unwrap()
    };
    let write = Write::Put {
        row,
        version: 9,
        expect: Expect::UpTo(9),
    };
    assert!(repository.write_together(acme, vec![write]).await.is_err());
    let left = repository
        .find::<Account>(&acme2, &account("a").row_key())
        .await
        .unwrap();
    assert_eq!(left.map(|row| row.version), Some(1));
}

#[tokio::test]
async fn a_cursor_works_for_its_query_and_for_nothing_else() {
    let world = World::new().await;
    let (acme, repository) = (&world.acme, &world.repository);
    let acme2 = testing::scope("acme2").await;
    for n in 0..4 {
        let row = Account {
            owner_id: Some(id("o")),
            ..account(format!("a{n}"))
        };
        repository.save(acme, &row, 1, Expect::New).await.unwrap();
        repository.save(&acme2, &row, 1, Expect::New).await.unwrap();
        world.save(&opportunity("a0", &format!("p{n}"))).await;
    }
    let range = Account::all();
    let first = PageRequest { limit: 2, cursor: None };
    let cursor = repository
        .query::<Account>(acme, &range, &first)
        .await
        .unwrap()
        .next_cursor
        .unwrap();
    let second = PageRequest {
        limit: 2,
        cursor: Some(cursor.clone()),
    };
    let page = repository.query::<Account>(acme, &range, &second).await.unwrap();
    assert_eq!(page.items.len(), 2);

    let refused = |answer: Result<_, Error>| assert!(matches!(answer, Err(Error::InvalidCursor)), "{answer:?}");
    let ask = |repository: &Repository, range: &Range, page: &PageRequest| {
        let (repository, range, page, acme) = (repository.clone(), range.clone(), page.clone(), acme.clone());
        async move { repository.query::<Account>(&acme, &range, &page).await }
    };
    refused(repository.query::<Account>(&acme2, &range, &second).await);
    for other in [
        Account::by_owner_id(&id("o")),
        Account::tree_of_account(&id("a0")),
        CapsuleAccount::in_capsule(&id("a0")),
        range.clone().descending(),
        range.clone().between(Some("a0".into()), None),
        range.clone().between(None, Some("a9".into())),
    ] {
        refused(ask(repository, &other, &second).await);
    }
    let generations = || Generations::new(world.databases.rebuildable.clone(), Runtime::tokio());
    let database = || world.databases.rebuildable.clone();
    let elsewhere = Repository::new(database(), "other", generations(), secret());
    refused(ask(&elsewhere, &range, &second).await);
    let other_key = headwater_tenancy::SealingKey::new([8; 32]);
    let forger = Repository::new(database(), PROJECTION, generations(), other_key);
    refused(ask(&forger, &range, &second).await);
    refused(ask(&repository.at_generation(2), &range, &second).await);
    let swapped: String = cursor.chars().rev().collect();
    for text in ["", "x", "🦀", &cursor[1..], &cursor[..cursor.len() - 2], &swapped] {
        refused(
            ask(
                repository,
                &range,
                &PageRequest {
                    limit: 2,
                    cursor: Some(text.into()),
                },
            )
            .await,
        );
    }
    // The cursor of one page of a tree goes on whatever it is read as; the last row decides, not the type.
    let page = repository.query::<Tree>(acme, &range, &second).await.unwrap();
    assert_eq!(page.items.len(), 2);
}
