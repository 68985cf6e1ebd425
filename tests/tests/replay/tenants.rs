//! Generations of one tenant beside those of all.

use crate::world::{World, tenant};
use headwater_projectors::{Budget, ReplayError};
use headwater_tests::{
    account::Command,
    projections::{BALANCES, NUMBERS},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_tenant_is_rebuilt_and_the_others_see_nothing_of_it() {
    let world = World::new().await;
    world.fill(&world.acme, 25).await;
    world.fill(&world.beta, 15).await;
    let keeper = world.keep();
    let replays = keeper.replays().clone();
    replays
        .start(NUMBERS, tenant(&world.beta), Budget::default())
        .await
        .unwrap();
    let progress = world.kept(&replays, NUMBERS, 2).await;
    assert!(progress.live && progress.rows == 3 * 15, "{progress:?}");
    assert_eq!(progress.check.unwrap().tenants, 1);
    assert_eq!(world.live(&world.beta, NUMBERS).await, 2);
    assert_eq!(world.live(&world.acme, NUMBERS).await, 1);
    assert!(
        world
            .keys(NUMBERS, 2)
            .await
            .iter()
            .all(|key| key.starts_with("TENANT#beta#"))
    );

    let others = replays.switch(NUMBERS, 2, None).await;
    assert!(matches!(others, Err(ReplayError::OneTenant(_))), "{others:?}");
    let live = replays.drop(NUMBERS, 2, Budget::default()).await;
    assert!(matches!(live, Err(ReplayError::Live(2))), "{live:?}");
    for scope in [&world.acme, &world.beta] {
        world
            .send(
                scope,
                "A1",
                "more",
                Command::Number {
                    numbers: vec!["q".into()],
                },
            )
            .await;
    }
    world.settled(&world.beta, NUMBERS, 2).await;
    world.settled(&world.acme, NUMBERS, 1).await;
    let (differences, totals) = replays.dry_run(NUMBERS, None).await.unwrap().collect().await.unwrap();
    assert_eq!(
        (differences.len(), totals.tenants),
        (0, 2),
        "each in its generation: {totals:?}"
    );

    // Back, and then for all: the tenant goes with the others.
    replays.switch(NUMBERS, 1, tenant(&world.beta)).await.unwrap();
    assert_eq!(world.live(&world.beta, NUMBERS).await, 1);
    replays.switch(NUMBERS, 2, tenant(&world.beta)).await.unwrap();
    assert_eq!(world.live(&world.beta, NUMBERS).await, 2);
    replays.start(NUMBERS, None, Budget::default()).await.unwrap();
    world.kept(&replays, NUMBERS, 3).await;
    for scope in [&world.acme, &world.beta] {
        assert_eq!(world.live(scope, NUMBERS).await, 3);
        world.settled(scope, NUMBERS, 3).await;
    }
    let registered = replays.registered().await.unwrap();
    assert!(registered[NUMBERS].owners.is_empty());
    assert_eq!(registered[BALANCES].live, 1);
    keeper.shut_down().await;
}
