//! Which writes happen: each expectation against each state of the row, and deletions.

use crate::{
    rows::{Account, account},
    world::World,
};
use headwater_dynamo_repository::{Error, Expect};
use headwater_dynamo_schema::Entity;

#[tokio::test]
async fn each_expectation_lets_through_what_it_says() {
    let world = World::new().await;
    // The version the row is at, what is expected, and whether a save at version 7 happens.
    let cases = [
        (None, Expect::New, true),
        (Some(1), Expect::New, false),
        (None, Expect::Version(1), false),
        (Some(1), Expect::Version(1), true),
        (Some(2), Expect::Version(1), false),
        (Some(0), Expect::Version(1), false),
        (None, Expect::UpTo(5), true),
        (Some(4), Expect::UpTo(5), true),
        (Some(5), Expect::UpTo(5), true),
        (Some(6), Expect::UpTo(5), false),
        (Some(u64::MAX - 1), Expect::UpTo(u64::MAX), true),
        (Some(u64::MAX), Expect::UpTo(u64::MAX - 1), false),
    ];
    for (n, (stored, expect, happens)) in cases.into_iter().enumerate() {
        let row = account(format!("a{n}"));
        let (repository, acme) = (&world.repository, &world.acme);
        if let Some(version) = stored {
            repository.save(acme, &row, version, Expect::New).await.unwrap();
        }
        let saved = repository
            .save(acme, &Account { rank: 7, ..row.clone() }, 7, expect)
            .await;
        let found = repository.find::<Account>(acme, &row.row_key()).await.unwrap();
        if happens {
            saved.unwrap();
            assert_eq!(
                found.map(|row| (row.version, row.entity.rank)),
                Some((7, 7)),
                "case {n}"
            );
        } else {
            assert!(matches!(saved, Err(Error::Conflict)), "case {n}: {saved:?}");
            assert_eq!(
                found.map(|row| (row.version, row.entity.rank)),
                stored.map(|version| (version, 0)),
                "case {n}"
            );
        }
    }
}

#[tokio::test]
async fn a_deletion_does_not_reach_a_newer_row() {
    let world = World::new().await;
    let (repository, acme, row) = (&world.repository, &world.acme, account("a"));
    let key = row.row_key();
    repository.save(acme, &row, 5, Expect::New).await.unwrap();
    let refused = repository.delete::<Account>(acme, &key, 4).await;
    assert!(matches!(refused, Err(Error::Conflict)));
    assert!(repository.find::<Account>(acme, &key).await.unwrap().is_some());
    repository.delete::<Account>(acme, &key, 6).await.unwrap();
    assert!(repository.find::<Account>(acme, &key).await.unwrap().is_none());
    repository.delete::<Account>(acme, &key, 6).await.unwrap();
}

#[tokio::test]
async fn an_update_of_another_version_changes_nothing() {
    let world = World::new().await;
    let (repository, acme, row) = (&world.repository, &world.acme, account("a"));
    repository.save(acme, &row, 3, Expect::New).await.unwrap();
    for expected in [2, 4] {
        let answer = repository
            .update::<Account>(acme, &row.row_key(), expected, 9, |row| row.rank = 9)
            .await;
        assert!(matches!(answer, Err(Error::Conflict)));
    }
    let found = repository.find::<Account>(acme, &row.row_key()).await.unwrap().unwrap();
    assert_eq!((found.entity, found.version), (row, 3));
}

/// Of many writers that saw the same version one wins.
#[tokio::test]
async fn of_racing_updates_one_happens() {
    let world = World::new().await;
    let (repository, acme, row) = (&world.repository, &world.acme, account("a"));
    repository.save(acme, &row, 1, Expect::New).await.unwrap();
    let key = &row.row_key();
    let racers = (0..8).map(|n| repository.update::<Account>(acme, key, 1, 2, move |row| row.rank = n));
    let answers = futures::future::join_all(racers).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Ok(_) | Err(Error::Conflict)))
    );
}
