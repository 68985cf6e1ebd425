//! Several writes at once: all or none, heads, and what happens past a transaction's size.

use crate::{
    rows::{Account, CapsuleAccount, account, id},
    world::World,
};
use headwater_dynamo_repository::{Error, Expect, Head, Write};
use headwater_dynamo_schema::{Entity, RowItem};
use serde_json::json;

fn put(row: &impl Entity, version: u64, expect: Expect) -> Write {
    Write::Put {
        row: RowItem::of(row).unwrap(),
        version,
        expect,
    }
}

fn head(version: u64, expect: Expect) -> Write {
    let head = Head {
        version,
        state: json!({ "at": version, "text": "#🦀", "float": 2.5 }),
    };
    Write::Head {
        table: "crm",
        aggregate: "accounts",
        id: id("a#1"),
        head,
        expect,
    }
}

#[tokio::test]
async fn moving_a_row_is_one_step() {
    let world = World::new().await;
    let (repository, acme) = (&world.repository, &world.acme);
    let at = |capsule: &str| CapsuleAccount {
        id: id("a"),
        capsule_id: id(capsule),
    };
    repository
        .write_together(acme, vec![put(&at("old"), 1, Expect::New), head(1, Expect::New)])
        .await
        .unwrap();
    let gone = Write::Delete {
        table: "crm",
        key: at("old").row_key(),
        version: 2,
    };
    let writes = vec![gone, put(&at("new"), 2, Expect::UpTo(2)), head(2, Expect::Version(1))];
    repository.write_together(acme, writes.clone()).await.unwrap();
    assert_eq!(
        world
            .all::<CapsuleAccount>(&CapsuleAccount::in_capsule(&id("old")))
            .await,
        []
    );
    assert_eq!(
        world
            .all::<CapsuleAccount>(&CapsuleAccount::in_capsule(&id("new")))
            .await,
        [at("new")]
    );
    let found = repository
        .head(acme, "crm", "accounts", &id("a#1"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        found,
        Head {
            version: 2,
            state: json!({ "at": 2, "text": "#🦀", "float": 2.5 })
        }
    );
    assert!(
        repository
            .head(acme, "crm", "accounts", &id("a"))
            .await
            .unwrap()
            .is_none()
    );
    // The same again, from someone who was late.
    assert!(matches!(
        repository.write_together(acme, writes).await,
        Err(Error::Conflict)
    ));
    repository.write_together(acme, vec![]).await.unwrap();
}

#[tokio::test]
async fn one_conflict_leaves_everything_as_it_was() {
    let world = World::new().await;
    let (repository, acme) = (&world.repository, &world.acme);
    repository
        .write_together(acme, vec![put(&account("kept"), 5, Expect::New), head(5, Expect::New)])
        .await
        .unwrap();
    let delete = |version| Write::Delete {
        table: "crm",
        key: account("kept").row_key(),
        version,
    };
    let new = || put(&account("new"), 6, Expect::New);
    for writes in [
        vec![new(), put(&account("kept"), 6, Expect::New)],
        vec![new(), put(&account("kept"), 6, Expect::Version(4))],
        vec![new(), put(&account("kept"), 6, Expect::UpTo(4))],
        vec![new(), delete(4)],
        vec![delete(6), head(6, Expect::Version(4))],
        vec![delete(6), head(6, Expect::New)],
    ] {
        let refused = repository.write_together(acme, writes).await;
        assert!(matches!(refused, Err(Error::Conflict)), "{refused:?}");
        let rows = repository
            .find_many::<Account>(acme, &[account("kept").row_key(), account("new").row_key()])
            .await
            .unwrap();
        assert_eq!(rows[0].as_ref().map(|row| row.version), Some(5));
        assert!(rows[1].is_none());
        assert_eq!(
            repository
                .head(acme, "crm", "accounts", &id("a#1"))
                .await
                .unwrap()
                .unwrap()
                .version,
            5
        );
    }
}

#[tokio::test]
async fn more_than_a_transaction_holds_is_refused() {
    let world = World::new().await;
    let writes = (0..101).map(|n| put(&account(format!("a{n:03}")), 1, Expect::New));
    let refused = world.repository.write_together(&world.acme, writes.collect()).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert_eq!(world.all::<Account>(&Account::all()).await, []);
}

#[tokio::test]
async fn one_row_twice_in_a_transaction_is_refused() {
    let world = World::new().await;
    let twice = vec![
        put(&account("a"), 1, Expect::New),
        put(&account("a"), 2, Expect::UpTo(2)),
    ];
    let refused = world.repository.write_together(&world.acme, twice).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert_eq!(world.all::<Account>(&Account::all()).await, []);
}
