//! What is parked: listed page by page, shown, tried again, discarded.

use super::world::World;
use headwater_edge::{
    error_info,
    v1::{GetParkedRequest, ListParkedRequest, ParkedAddress, RetryAllParkedRequest, RetryParkedRequest},
};
use headwater_tests::projections::poison;
use serde_json::{Value, json};

fn ids(page: &Value) -> Vec<&str> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_is_shown_tried_again_and_ends_once_the_fold_is_mended() {
    let world = World::start().await;
    world.poisoned("P1", 3_001).await;
    let path = "/v1/admin/parked/balances/acme/bank/accounts/P1";
    let (status, mut shown) = world.get(path).await;
    assert_eq!(status, 200, "{shown}");
    assert!(shown["since"].is_string() && shown["events"][0]["occurred_at"].is_string());
    (shown["since"], shown["events"][0]["occurred_at"]) = (json!("…"), json!("…"));
    assert_eq!(
        shown,
        json!({
            "projection": "balances", "generation": 1, "tenant": "acme", "context": "bank", "aggregate": "accounts", "id": "P1",
            "first_sequence": 2, "up_to": 2, "reason": "the fold panicked", "since": "…",
            "events": [{
                "sequence": 2, "type": "Withdrawn", "schema_version": 1, "occurred_at": "…",
                "actor": shown["events"][0]["actor"], "data": { "cents": 3_001 }
            }]
        })
    );
    let (status, still) = world.post(&format!("{path}/retry"), &json!({})).await;
    assert_eq!(
        (status, &still["outcome"], &still["parked"]["id"]),
        (200, &json!("still-parked"), &json!("P1"))
    );

    poison(3_001, false);
    let (status, done) = world.post(&format!("{path}/retry"), &json!({})).await;
    assert_eq!((status, &done["outcome"]), (200, &json!("applied")), "{done}");
    assert_eq!(world.get(path).await.1["code"], "not-parked");
    let (status, gone) = world.post(&format!("{path}/retry"), &json!({})).await;
    assert_eq!((status, &gone["code"]), (404, &json!("not-parked")));
    world.keeping.settled(&world.fixture.scope).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_discarded_and_what_follows_is_applied() {
    let world = World::start().await;
    world.poisoned("P1", 3_101).await;
    world.deposit("P1", 7).await;
    let path = "/v1/admin/parked/balances.1/acme/bank/accounts/P1";
    world.until(path, |shown| shown["up_to"] == 3).await;
    let (status, done) = world.post(&format!("{path}/discard"), &json!({})).await;
    assert_eq!((status, &done["outcome"]), (200, &json!("applied")), "{done}");
    let row = world
        .keeping
        .repository("balances")
        .find::<headwater_tests::projections::Balance>(
            &world.fixture.scope,
            &headwater_tests::projections::Balance::key(&headwater_kernel::Id::new("P1").unwrap()),
        )
        .await
        .unwrap()
        .unwrap();
    assert_eq!((row.version, row.entity.cents), (3, 5_007));
    poison(3_101, false);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_are_listed_and_tried_page_by_page_by_both_protocols() {
    let world = World::start().await;
    for id in ["P1", "P2", "P3"] {
        world.poisoned(id, 3_201).await;
    }
    let (_, first) = world.get("/v1/admin/parked?limit=2&tenant=acme").await;
    assert_eq!(ids(&first), ["P1", "P2"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let (_, rest) = world
        .get(&format!("/v1/admin/parked?limit=2&tenant=acme&cursor={cursor}"))
        .await;
    assert_eq!((ids(&rest), rest.get("next_cursor")), (vec!["P3"], None));
    let (status, other) = world.get(&format!("/v1/admin/parked?limit=2&cursor={cursor}")).await;
    assert_eq!(
        (status, &other["code"]),
        (400, &json!("invalid-cursor")),
        "it is of another list"
    );
    assert_eq!(ids(&world.get("/v1/admin/parked?tenant=globex").await.1), [""; 0]);

    let mut grpc = world.grpc().await;
    let list = ListParkedRequest {
        projection: "balances.1".into(),
        limit: 2,
        ..ListParkedRequest::default()
    };
    let page = grpc.list_parked(world.message(list)).await.unwrap().into_inner();
    assert_eq!((page.items.len(), page.next_cursor.is_empty()), (2, false));
    let address = |id: &str| ParkedAddress {
        projection: "balances".into(),
        tenant: "acme".into(),
        context: "bank".into(),
        aggregate: "accounts".into(),
        id: id.into(),
    };
    let show = world.message(GetParkedRequest {
        address: Some(address("P1")),
    });
    let shown = grpc.get_parked(show).await.unwrap().into_inner();
    let event: Value = serde_json::from_slice(&shown.events_json[0]).unwrap();
    assert_eq!(
        (shown.parked.unwrap().id.as_str(), &event["type"]),
        ("P1", &json!("Withdrawn"))
    );
    let gone = world.message(RetryParkedRequest {
        address: Some(address("P9")),
    });
    let gone = grpc.retry_parked(gone).await.unwrap_err();
    assert_eq!(
        (gone.code(), error_info(&gone).unwrap().reason.as_str()),
        (tonic::Code::NotFound, "not-parked")
    );

    let all = json!({ "projection": "balances", "tenant": "acme", "limit": 2 });
    let (_, still) = world.post("/v1/admin/parked/retry", &all).await;
    assert_eq!(still["items"][1]["outcome"], "still-parked", "{still}");
    poison(3_201, false);
    let (status, page) = world.post("/v1/admin/parked/retry", &all).await;
    assert_eq!(
        (status, &page["items"][0]["outcome"]),
        (200, &json!("applied")),
        "{page}"
    );
    assert!(page["next_cursor"].is_string());
    let rest = RetryAllParkedRequest {
        projection: "balances".into(),
        tenant: "acme".into(),
        limit: 2,
        cursor: page["next_cursor"].as_str().unwrap().into(),
    };
    let rest = grpc.retry_all_parked(world.message(rest)).await.unwrap().into_inner();
    assert_eq!(
        (rest.items[0].outcome.as_str(), rest.next_cursor.as_str()),
        ("applied", "")
    );
    world.keeping.settled(&world.fixture.scope).await;
    assert_eq!(ids(&world.get("/v1/admin/parked").await.1), [""; 0]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_cannot_be_tried_holds_up_none_behind_it() {
    let world = World::start().await;
    world.poisoned("P1", 3_301).await;
    // Of a tenant that the directory does not know, and before the other in the list.
    let parking = headwater_projectors::Parking::new(world.keeping.views.clone());
    let stray = headwater_projectors::Parked {
        consumer: "balances.1".into(),
        context: "bank".into(),
        source: headwater_projectors::SourceKey {
            tenant: headwater_kernel::TenantId::new("aaa").unwrap(),
            aggregate: "accounts".into(),
            id: headwater_kernel::Id::new("X1").unwrap(),
        },
        first_sequence: 1,
        up_to: 1,
        reason: "a test".into(),
        since: headwater_kernel::Timestamp::from_nanos(1),
    };
    parking.park(&stray).await.unwrap();
    poison(3_301, false);
    let all = json!({ "projection": "balances", "limit": 1 });
    let (status, page) = world.post("/v1/admin/parked/retry", &all).await;
    assert_eq!(
        (status, &page["items"][0]["outcome"], ids_of(&page)),
        (200, &json!("still-parked"), vec!["X1"]),
        "{page}"
    );
    let why = page["items"][0]["parked"]["reason"].as_str().unwrap();
    assert!(why.starts_with("not tried to its end: "), "{why}");
    let rest = json!({ "projection": "balances", "limit": 1, "cursor": page["next_cursor"] });
    let (_, rest) = world.post("/v1/admin/parked/retry", &rest).await;
    assert_eq!(rest["items"][0]["outcome"], "applied", "{rest}");
    world.stop().await;
}

fn ids_of(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|one| one["parked"]["id"].as_str().unwrap()).collect()
}
