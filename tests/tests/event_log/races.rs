//! Several writers with caches of their own: nothing is lost, nothing stale is answered.

use crate::{committed, id, send};
use futures::future::join_all;
use headwater_event_log::{Executed, Options, Refusal};
use headwater_tests::{
    LogFixture,
    account::{Account, Command},
    request,
};

#[tokio::test]
async fn racing_writers_lose_nothing() {
    let fixture = LogFixture::with(Options {
        max_attempts: 100,
        ..Options::default()
    })
    .await;
    let stores: Vec<_> = (0..4).map(|_| fixture.accounts()).collect();
    let all = join_all((0..60).map(|n| {
        let (store, scope) = (&stores[n % 4], &fixture.scope);
        async move { send(store, scope, "A1", &format!("c{n}"), Command::Deposit { cents: 1 }).await }
    }))
    .await;
    let mut versions: Vec<_> = all.into_iter().map(|result| committed(result.unwrap())).collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=60).collect::<Vec<_>>());
    assert_eq!(
        fixture.accounts().read(&fixture.scope, &id("A1")).await.unwrap(),
        (
            Account {
                cents: 60,
                numbers: vec![]
            },
            60
        )
    );
}

#[tokio::test]
async fn a_stale_cache_never_answers_for_the_table() {
    let fixture = LogFixture::new().await;
    let (ours, theirs) = (fixture.accounts(), fixture.accounts());
    committed(
        send(&ours, &fixture.scope, "A1", "c1", Command::Deposit { cents: 1 })
            .await
            .unwrap(),
    );
    committed(
        send(&theirs, &fixture.scope, "A1", "c2", Command::Deposit { cents: 10 })
            .await
            .unwrap(),
    );
    // From our cache this is refused; from the table it is not.
    assert_eq!(
        committed(
            send(&ours, &fixture.scope, "A1", "c3", Command::Withdraw { cents: 11 })
                .await
                .unwrap()
        ),
        3
    );
    let refused = send(&theirs, &fixture.scope, "A1", "c4", Command::Withdraw { cents: 1 }).await;
    assert!(
        matches!(refused, Err(Refusal::Rejected(ref r)) if r.code == "too-little"),
        "{refused:?}"
    );
    // Nothing to do is confirmed too, and tells the real version.
    committed(
        send(&theirs, &fixture.scope, "A1", "c5", Command::Deposit { cents: 1 })
            .await
            .unwrap(),
    );
    let unchanged = send(&ours, &fixture.scope, "A1", "c6", Command::Deposit { cents: 0 })
        .await
        .unwrap();
    assert!(matches!(unchanged, Executed::Unchanged { version: 4 }), "{unchanged:?}");
}

#[tokio::test]
async fn an_expected_version_is_compared_with_the_table() {
    let fixture = LogFixture::new().await;
    let (ours, theirs) = (fixture.accounts(), fixture.accounts());
    committed(
        send(&ours, &fixture.scope, "A1", "c1", Command::Deposit { cents: 1 })
            .await
            .unwrap(),
    );
    committed(
        send(&theirs, &fixture.scope, "A1", "c2", Command::Deposit { cents: 1 })
            .await
            .unwrap(),
    );
    let expecting = |version, command_id: &str| {
        let mut request = request(command_id, "deposit", b"{}");
        request.expected_version = Some(version);
        let (ours, scope) = (&ours, &fixture.scope);
        async move {
            ours.execute(scope, &id("A1"), request, || Ok(Command::Deposit { cents: 1 }))
                .await
        }
    };
    let refused = expecting(1, "c3").await;
    assert!(
        matches!(
            refused,
            Err(Refusal::VersionConflict {
                expected: 1,
                current: 2
            })
        ),
        "{refused:?}"
    );
    assert_eq!(committed(expecting(2, "c3").await.unwrap()), 3);
}
