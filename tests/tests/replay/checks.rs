//! The comparison with the log: what a test has damaged behind the repository's back is found, and mended.

use crate::world::World;
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_kernel::Id;
use headwater_projectors::{Budget, DifferenceKind, Rewritten};
use headwater_tests::{
    account::{CONTEXT, Command},
    projections::{BALANCES, NUMBERS},
};
use std::collections::BTreeSet;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

impl World {
    async fn damage(&self, pk: &str, sk: &str, cents: i64, version: u64) {
        let update = self.keeping.views.client().update_item().table_name(CONTEXT);
        update
            .key("PK", text(pk))
            .key("SK", text(sk))
            .update_expression("SET cents = :cents, version = :version")
            .expression_attribute_values(":cents", AttributeValue::N(cents.to_string()))
            .expression_attribute_values(":version", AttributeValue::N(version.to_string()))
            .send()
            .await
            .unwrap();
    }

    async fn remove(&self, pk: &str, sk: &str) {
        let delete = self.keeping.views.client().delete_item().table_name(CONTEXT);
        delete.key("PK", text(pk)).key("SK", text(sk)).send().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_finds_what_was_damaged_and_an_aggregate_is_mended_from_the_log() {
    let world = World::new().await;
    world.fill(&world.acme, 40).await;
    world.fill(&world.beta, 5).await;
    let keeper = world.keep();
    let replays = keeper.replays().clone();
    for projection in [BALANCES, NUMBERS] {
        world.settled(&world.acme, projection, 1).await;
        world.settled(&world.beta, projection, 1).await;
        let (differences, totals) = replays
            .dry_run(projection, None)
            .await
            .unwrap()
            .collect()
            .await
            .unwrap();
        assert_eq!(differences, []);
        assert_eq!(
            (totals.tenants, totals.total.aggregates, totals.is_right()),
            (2, 45, true)
        );
    }
    let pk = "TENANT#acme#~balances.1";
    world.damage(pk, "BALANCE#A3", 999, 2).await;
    world.damage(pk, "BALANCE#A4", 5, 1).await;
    world.damage(pk, "BALANCE#A5", 6, 9).await;
    world.remove(pk, "BALANCE#A6").await;
    let (differences, totals) = replays.dry_run(BALANCES, None).await.unwrap().collect().await.unwrap();
    let found: BTreeSet<_> = differences.iter().map(|one| (one.id.as_str(), one.kind)).collect();
    for expected in [
        ("A3", DifferenceKind::Content),
        ("A4", DifferenceKind::Version),
        ("A5", DifferenceKind::Version),
        ("A6", DifferenceKind::Missing),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    assert_eq!(found.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>().len(), 4);
    assert!(!totals.is_right());
    assert_eq!(totals.by_tenant[world.beta.tenant()].differences, 0);
    let beta = replays
        .dry_run(BALANCES, Some(world.beta.tenant().clone()))
        .await
        .unwrap();
    let (differences, totals) = beta.collect().await.unwrap();
    assert_eq!((differences.len(), totals.total.aggregates), (0, 5));

    for id in ["A3", "A4", "A6"] {
        let mended = replays
            .aggregate(&world.acme, BALANCES, "accounts", &Id::new(id).unwrap())
            .await
            .unwrap();
        assert_eq!(mended, Rewritten::Written { version: 2, rows: 1 }, "{id}");
    }
    let ahead = replays
        .aggregate(&world.acme, BALANCES, "accounts", &Id::new("A5").unwrap())
        .await
        .unwrap();
    assert_eq!(ahead, Rewritten::Newer, "what is newer is never overwritten");
    let none = replays
        .aggregate(&world.acme, BALANCES, "accounts", &Id::new("A999").unwrap())
        .await
        .unwrap();
    assert_eq!(none, Rewritten::Nothing);
    let left = world.differences(&world.acme, BALANCES, 1).await;
    assert!(left.len() == 1 && left[0].starts_with("A5:"), "{left:?}");
    keeper.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_too_many_and_one_that_is_missing_are_found_beside_a_head() {
    let world = World::new().await;
    world.fill(&world.acme, 10).await;
    let keeper = world.keep();
    let replays = keeper.replays().clone();
    world
        .send(
            &world.acme,
            "A2",
            "3",
            Command::Number {
                numbers: vec!["2-a".into(), "2-c".into()],
            },
        )
        .await;
    world.settled(&world.acme, NUMBERS, 1).await;
    let pk = "TENANT#acme#~numbers.1";
    world.remove(pk, "NUMBERS#A1#NUMBER#1-a").await;
    // 2-b was A2's and is so no more; here it comes back.
    let item = [
        ("PK", pk),
        ("SK", "NUMBERS#A2#NUMBER#2-b"),
        ("entity", "NUMBER"),
        ("account", "A2"),
        ("number", "2-b"),
    ];
    let mut put = world.keeping.views.client().put_item().table_name(CONTEXT);
    for (name, value) in item {
        put = put.item(name, text(value));
    }
    put.item("version", AttributeValue::N("2".into())).send().await.unwrap();
    let (differences, _) = replays.dry_run(NUMBERS, None).await.unwrap().collect().await.unwrap();
    let found: BTreeSet<_> = differences
        .iter()
        .map(|one| (one.row.clone().unwrap(), one.kind))
        .collect();
    let expected = BTreeSet::from([
        ("NUMBERS#A1#NUMBER#1-a".to_owned(), DifferenceKind::Missing),
        ("NUMBERS#A2#NUMBER#2-b".to_owned(), DifferenceKind::Extra),
    ]);
    assert_eq!(found, expected);
    for id in ["A1", "A2"] {
        let mended = replays
            .aggregate(&world.acme, NUMBERS, "accounts", &Id::new(id).unwrap())
            .await
            .unwrap();
        assert!(matches!(mended, Rewritten::Written { rows: 3, .. }), "{mended:?}");
    }
    let (differences, totals) = replays.dry_run(NUMBERS, None).await.unwrap().collect().await.unwrap();
    assert!(differences.is_empty() && totals.is_right(), "{differences:?}");
    // A rebuild finds nothing wrong with itself either, though its rows are all at the version of their heads.
    replays.start(NUMBERS, None, Budget::default()).await.unwrap();
    world.kept(&replays, NUMBERS, 2).await;
    keeper.shut_down().await;
}
