//! Who may come in, and when that is said.

use super::world::World;
use headwater_edge::{error_info, v1::ListParkedRequest};
use headwater_tenancy::Role;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_alone_come_in_and_strangers_before_their_body_is_read() {
    let world = World::start().await;
    let owner = world.token("acme", &[Role::Owner, Role::Admin]);
    for path in [
        "/v1/admin/tenants",
        "/v1/admin/exports",
        "/v1/admin/projections",
        "/v1/admin/parked",
        "/v1/admin/parked/balances/acme/bank/accounts/A",
        "/v1/admin/projections/balances/replays",
        "/v1/admin/projections/balances/differences",
    ] {
        let (status, problem) = world.get_as(&owner, path).await;
        assert_eq!((status, &problem["code"]), (403, &json!("operator-only")), "{path}");
        assert_eq!(world.get_as("no.to.ken", path).await.0, 401, "{path}");
    }
    // Larger than what is taken, and not what is taken: neither is looked at.
    let large = json!({ "id": "x".repeat(2 << 20) });
    for path in [
        "/v1/admin/tenants",
        "/v1/admin/exports",
        "/v1/admin/parked/retry",
        "/v1/admin/parked/balances/acme/bank/accounts/A/retry",
        "/v1/admin/parked/balances/acme/bank/accounts/A/discard",
        "/v1/admin/projections/balances/replays",
        "/v1/admin/projections/balances/replays/cancel",
        "/v1/admin/projections/balances/switch",
        "/v1/admin/projections/balances/drop",
        "/v1/admin/projections/balances/check",
        "/v1/admin/projections/balances/rewrite",
    ] {
        let (status, problem) = world.post_as(&owner, path, &json!({ "nonsense": 1 })).await;
        assert_eq!((status, &problem["code"]), (403, &json!("operator-only")), "{path}");
    }
    let (status, problem) = world.post("/v1/admin/tenants", &large).await;
    assert_eq!((status, &problem["code"]), (413, &json!("payload-too-large")));
    let (status, problem) = world
        .post("/v1/admin/tenants", &json!({ "id": "x", "regoin": "us" }))
        .await;
    assert_eq!(
        (status, &problem["code"]),
        (400, &json!("invalid-payload")),
        "{problem}"
    );

    let mut grpc = world.grpc().await;
    let refused = grpc
        .list_parked(world.message_as(&owner, ListParkedRequest::default()))
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    assert_eq!(error_info(&refused).unwrap().reason, "operator-only");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_misspelt_is_said_with_the_nearest_name() {
    let world = World::start().await;
    world
        .until("/v1/admin/projections", |all| all["items"][0].is_object())
        .await;
    for (path, status, code) in [
        ("/v1/admin/projections?tenat=acme", 400, "unknown-parameter"),
        ("/v1/admin/projections?tenant=ACME", 400, "invalid-parameter"),
        ("/v1/admin/projections?tenant=nobody", 404, "not-found"),
        ("/v1/admin/exports", 404, "no-export"),
        ("/v1/admin/parked?projection=balence", 404, "unknown-projection"),
        ("/v1/admin/parked?limit=0", 400, "invalid-parameter"),
        ("/v1/admin/parked?limit=1&limit=2", 400, "invalid-parameter"),
        ("/v1/admin/parked?cursor=AAAA", 400, "invalid-cursor"),
        ("/v1/admin/parked/balances/acme/bank/accounts/A", 404, "not-parked"),
        ("/v1/admin/parked/balances/nobody/bank/accounts/A", 404, "not-found"),
        ("/v1/admin/projections/balence/replays", 404, "unknown-projection"),
    ] {
        let (answered, problem) = world.get(path).await;
        assert_eq!(
            (answered, &problem["code"]),
            (status, &json!(code)),
            "{path}: {problem}"
        );
    }
    let (_, problem) = world.get("/v1/admin/parked?projection=balence").await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("did you mean balances?"), "{detail}");
    world.stop().await;
}
