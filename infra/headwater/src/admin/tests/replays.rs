//! Replays by HTTP: begun, watched to their end, switched back, dropped; compared with the log.

use super::world::World;
use serde_json::{Value, json};

const BALANCES: &str = "/v1/admin/projections/balances";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projection_is_rebuilt_switched_back_and_its_generation_dropped() {
    let world = World::start().await;
    for n in 0..20 {
        world.deposit(&format!("A{n}"), n + 1).await;
    }
    world.keeping.settled(&world.fixture.scope).await;
    let (status, started) = world
        .post(
            &format!("{BALANCES}/replays"),
            &json!({ "write_units_per_second": 1_000.0 }),
        )
        .await;
    assert_eq!(
        (status, &started),
        (200, &json!({ "projection": "balances", "generation": 2 }))
    );
    let kept = |all: &Value| all["items"][0]["state"] == "kept";
    let all = world.until(&format!("{BALANCES}/replays"), kept).await;
    let made = &all["items"][0];
    assert_eq!(
        (&made["live"], &made["commits"], &made["rows"]),
        (&json!(true), &json!(20), &json!(20)),
        "{made}"
    );
    let (_, status) = world.get("/v1/admin/projections").await;
    assert_eq!(
        (&status["items"][0]["live"], &status["items"][1]["live"]),
        (&json!(false), &json!(true)),
        "{status}"
    );

    let lines = world.lines(&format!("{BALANCES}/differences")).await;
    let totals = &lines.last().unwrap()["totals"];
    assert_eq!(
        (&totals["total"]["aggregates"], &totals["total"]["differences"]),
        (&json!(20), &json!(0)),
        "{lines:?}"
    );

    let back = json!({ "generation": 1 });
    let (status, live) = world.post(&format!("{BALANCES}/switch"), &back).await;
    assert_eq!((status, &live["generation"]), (200, &json!(1)), "{live}");
    let (status, refused) = world.post(&format!("{BALANCES}/drop"), &back).await;
    assert_eq!((status, &refused["code"]), (409, &json!("generation-live")));
    let (status, dropped) = world
        .post(&format!("{BALANCES}/drop"), &json!({ "generation": 2 }))
        .await;
    assert_eq!(status, 200, "{dropped}");
    world
        .until(&format!("{BALANCES}/replays"), |all| {
            all["items"].as_array().map(Vec::len) == Some(1)
        })
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_said() {
    let world = World::start().await;
    world.deposit("A1", 1).await;
    world.keeping.settled(&world.fixture.scope).await;
    for (path, body, status, code) in [
        ("replays", json!({ "tenant": "nobody" }), 404, "not-found"),
        ("replays", json!({ "wcu": 5 }), 400, "invalid-payload"),
        (
            "replays",
            json!({ "write_units_per_second": 0 }),
            400,
            "invalid-parameter",
        ),
        ("replays/cancel", json!({}), 404, "no-replay"),
        ("switch", json!({ "generation": 9 }), 404, "unknown-generation"),
        ("drop", json!({ "generation": 1 }), 409, "generation-live"),
        (
            "rewrite",
            json!({ "tenant": "acme", "aggregate": "leads", "id": "A1" }),
            404,
            "not-followed",
        ),
    ] {
        let (answered, problem) = world.post(&format!("{BALANCES}/{path}"), &body).await;
        assert_eq!(
            (answered, &problem["code"]),
            (status, &json!(code)),
            "{path} {body}: {problem}"
        );
    }
    let one = json!({ "tenant": "acme", "id": "A1" });
    let (status, rewritten) = world.post(&format!("{BALANCES}/rewrite"), &one).await;
    assert_eq!(
        (status, rewritten),
        (200, json!({ "outcome": "written", "version": 1, "rows": 1 }))
    );
    world.stop().await;
}
