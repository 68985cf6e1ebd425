//! Where projections stand: the shape, and what it says.

use super::world::World;
use headwater_edge::v1::ListProjectionsRequest;
use serde_json::{Value, json};

/// Replaces what differs from run to run.
fn pinned(mut projection: Value) -> Value {
    let shard = &mut projection["contexts"][0]["shards"][0];
    for name in ["shard", "held_by", "position", "position_at"] {
        assert!(
            shard[name].as_str().is_some_and(|text| !text.is_empty()),
            "{name} in {shard}"
        );
        shard[name] = json!("…");
    }
    projection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_generation_is_told_with_its_shards() {
    let world = World::start().await;
    world.deposit("A1", 10).await;
    let settled = |all: &Value| {
        let balances = &all["items"][0];
        let shard = &balances["contexts"][0]["shards"][0];
        balances["lag_events"] == 0 && shard["at_tip"] == true && shard["position"].is_string()
    };
    let all = world.until("/v1/admin/projections", settled).await;
    assert_eq!(all["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        pinned(all["items"][0].clone()),
        json!({
            "projection": "balances", "generation": 1, "live": true, "state": "kept",
            "folds": { "bank.accounts": 1 }, "outdated": false,
            "lag_events": 0, "lag_seconds": 0.0, "recovering": false, "parked": 0, "partial": false,
            "contexts": [{
                "context": "bank", "lag_events": 0, "lag_seconds": 0.0, "recovering": false, "parked": 0,
                "shards": [{
                    "shard": "…", "held_by": "…", "here": true, "position": "…", "position_at": "…",
                    "at_tip": true, "lag_events": 0, "lag_seconds": 0.0, "recovering": false
                }],
                "most_behind": []
            }]
        })
    );

    // What is parked is told of the tenant whose it is.
    world.poisoned("P1", 2_001).await;
    for (tenant, parked) in [("acme", 1), ("globex", 0)] {
        let (status, all) = world.get(&format!("/v1/admin/projections?tenant={tenant}")).await;
        assert_eq!(
            (status, &all["items"][0]["parked"]),
            (200, &json!(parked)),
            "{tenant}: {all}"
        );
    }
    let counts = world.admin.parked_counts().await.unwrap();
    assert_eq!(counts[&("balances".to_owned(), 1, "bank".to_owned())], 1);
    assert_eq!(counts[&("numbers".to_owned(), 1, "bank".to_owned())], 0);

    let mut grpc = world.grpc().await;
    let message = world.message(ListProjectionsRequest { tenant: "acme".into() });
    let all = grpc.list_projections(message).await.unwrap().into_inner().projections;
    assert_eq!(
        (all[0].projection.as_str(), all[0].parked, all[0].live),
        ("balances", 1, true)
    );
    assert_eq!(all[0].contexts[0].shards[0].at_tip, Some(true));
    world.stop().await;
}
