//! What a tenant sets for its searches, from a command over HTTP to hits and suggestions, for two tenants of one process.

use crate::{
    on,
    process::{Client, Serve},
};
use serde_json::{Value, json};

/// Sends a command and gives the token of its receipt.
async fn submit(client: &Client, url: &str, payload: Value) -> String {
    let (status, receipt) = client.post(url, &payload).await;
    assert_eq!(status, 200, "{url}: {receipt}");
    receipt["token"].as_str().unwrap().to_owned()
}

/// The ids of the hits.
async fn found(client: &Client, url: &str, seen: &str) -> Vec<String> {
    let (status, answer) = client.get(url, Some(seen)).await;
    assert_eq!(status, 200, "{url}: {answer}");
    let hits = answer["hits"].as_array().unwrap().iter();
    hits.map(|hit| hit["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_searches_by_its_own_settings() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    std::fs::write(
        &config,
        "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\n\
         tenants = [\"acme:us\", \"globex:us\"]\ndynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\n",
    )
    .unwrap();
    let data = folder.path().join("d");
    let process = Serve::start(&config, &[]);
    let client_of = |tenant: &str| {
        let (_, token, _) = on(&data, &["token", "--tenant", tenant, "--role", "member"]);
        Client::new(token.trim())
    };
    let (acme, globex) = (client_of("acme"), client_of("globex"));
    let (catalog, search) = (
        format!("{}/v1/catalog", process.http),
        format!("{}/v1/search/products", process.http),
    );
    let mut seen = Vec::new();
    for client in [&acme, &globex] {
        let mut last = String::new();
        for (id, title, brand) in [
            ("tv", "TV 40 inch", "Norvik"),
            ("set", "Television 40 inch", "Caldera"),
            ("tee", "Blue T-shirt", "Norvik"),
        ] {
            let product = json!({ "sku": "S-1", "title": title, "brand": brand, "price_cents": 1 });
            last = submit(client, &format!("{catalog}/products/{id}/create"), product).await;
            // Each is searched by its own token, as they are documents of their own.
            found(client, &search, &last).await;
        }
        seen.push(last);
    }
    for (client, seen) in [&acme, &globex].into_iter().zip(&seen) {
        assert_eq!(found(client, &format!("{search}?q=tv"), seen).await, ["tv"]);
    }

    let settings = format!("{catalog}/search-settings/products");
    let groups = json!([{ "terms": ["tv", "television"] }, { "terms": ["tee"], "finds": ["t-shirt"] }]);
    let set = submit(&acme, &format!("{settings}/set-synonyms"), json!({ "groups": groups })).await;
    assert_eq!(found(&acme, &format!("{search}?q=tv"), &set).await, ["tv", "set"]);
    assert_eq!(found(&acme, &format!("{search}?q=tees"), &set).await, ["tee"]);
    let boosts = json!({ "boosts": [{ "brand": "Caldera", "factor": 5 }] });
    let set = submit(&acme, &format!("{settings}/set-boosts"), boosts).await;
    assert_eq!(found(&acme, &format!("{search}?q=tv"), &set).await, ["set", "tv"]);
    let weights = json!({ "weights": { "title": 2, "description": 0.5 } });
    let set = submit(&acme, &format!("{settings}/set-weights"), weights).await;
    assert_eq!(found(&acme, &format!("{search}?q=tv"), &set).await, ["set", "tv"]);
    // Nothing of it reaches the other.
    assert_eq!(found(&globex, &format!("{search}?q=tv"), &seen[1]).await, ["tv"]);
    assert_eq!(
        found(&globex, &format!("{search}?q=tees"), &seen[1]).await,
        Vec::<String>::new()
    );
    assert_eq!(globex.get(&settings, None).await.0, 404);

    let (status, view) = acme.get(&settings, Some(&set)).await;
    assert_eq!(
        (status, &view["version"], &view["synonyms"]),
        (200, &json!(3), &groups),
        "{view}"
    );
    let wrong = json!({ "groups": [{ "terms": ["tv"] }] });
    let (status, problem) = acme.post(&format!("{settings}/set-synonyms"), &wrong).await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (422, &json!("/groups/0/terms")),
        "{problem}"
    );
    let orders = format!("{catalog}/search-settings/orders/set-synonyms");
    let (status, problem) = acme.post(&orders, &json!({ "groups": [] })).await;
    assert_eq!((status, &problem["code"]), (422, &json!("unknown-search")), "{problem}");

    let (_, suggested) = acme.get(&format!("{search}/suggest?q=tele"), None).await;
    assert_eq!(suggested["items"][0]["text"], "television", "{suggested}");
    let gone = submit(&acme, &format!("{catalog}/products/set/discontinue"), json!({})).await;
    let (_, suggested) = acme.get(&format!("{search}/suggest?q=tele"), Some(&gone)).await;
    assert_eq!(suggested, json!({ "items": [] }));

    let (status, out, error) = on(&data, &["replay", "search-settings"]);
    assert_eq!(status, Some(0), "{out}{error}");
    let (_, out, error) = on(&data, &["replay", "search-settings", "--dry-run"]);
    assert!(out.contains("compared: 0 differences"), "{out}{error}");
    assert!(process.terminate().0.success());
}
