//! A rebuild whose process is killed in the middle, twice, goes on when there is one again; commands go on all the while.

use crate::{
    headwater, json_of, on,
    process::{Client, Serve, end_of},
};
use serde_json::json;
use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

const PRODUCTS: usize = 400;

/// What `projections` says of the generation that is made.
fn state(data: &Path) -> String {
    let all = json_of(data, &["projections"]);
    let items = all["items"].as_array().unwrap();
    let made = items
        .iter()
        .find(|one| one["projection"] == "product-view" && one["generation"] == 2);
    made.map(|one| one["state"].as_str().unwrap().to_owned())
        .unwrap_or_default()
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(90), "not {what} after 90 s");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_goes_on_after_kills() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    std::fs::write(
        &config,
        "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\ntenants = [\"acme:us\"]\n\
         dynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\nprojector.lease_seconds = 2\n",
    )
    .unwrap();
    let data = folder.path().join("d");
    let mut process = Serve::start(&config, &[]);
    let file = folder.path().join("products.ndjson");
    let line = |n| {
        let product = json!({ "id": format!("P{n}"), "sku": "S", "title": "Kettle", "brand": "B", "price_cents": n });
        format!("{product}\n")
    };
    std::fs::write(&file, (0..PRODUCTS).map(line).collect::<String>()).unwrap();
    json_of(
        &data,
        &["import", "products", file.to_str().unwrap(), "--tenant", "acme"],
    );
    let (_, token, _) = on(&data, &["token", "--tenant", "acme", "--role", "member"]);
    let client = Client::new(token.trim());
    let change = async |process: &Serve, id: usize, cents: usize| {
        let url = format!("{}/v1/catalog/products/P{id}/change-price", process.http);
        let (status, told) = client.post(&url, &json!({ "price_cents": cents })).await;
        assert_eq!(status, 200, "{told}");
    };

    // So few units a second that it lasts for seconds.
    let mut follower = headwater()
        .args(["replay", "product-view", "--wcu", "100", "--data"])
        .arg(&data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for round in 0..2 {
        until("filling", || state(&data) == "filling").await;
        change(&process, round, 70_000 + round).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(state(&data), "filling", "it has to be under way when it is killed");
        // SIGKILL.
        drop(process);
        process = Serve::start(&config, &[]);
        change(&process, 2 + round, 80_000 + round).await;
    }
    end_of(&mut follower);
    until("complete", || state(&data) == "kept").await;
    for generation in ["2", "1"] {
        on(&data, &["replay", "product-view", "--switch-to", generation]);
        let (status, out, error) = on(&data, &["replay", "product-view", "--dry-run"]);
        assert_eq!(status, Some(0), "generation {generation}: {out}{error}");
        assert!(
            out.starts_with(&format!("{PRODUCTS} aggregates of 1 tenants compared: 0 differences")),
            "{out}"
        );
    }
}
