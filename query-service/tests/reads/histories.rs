//! Histories, from the log itself.

use crate::server::Server;
use headwater_catalog::product::Product;
use headwater_crm::lead::Lead;
use serde_json::json;

#[tokio::test]
async fn a_history_is_paged_and_plain() {
    let server = Server::start().await;
    let create = json!({ "sku": "S-1", "title": "Kettle", "brand": "Acme", "price_cents": 1 });
    server.command::<Product>("demo", "P1", "create", create).await;
    for price in 2..6 {
        server
            .command::<Product>("demo", "P1", "change-price", json!({ "price_cents": price }))
            .await;
    }
    let mut path = "/v1/catalog/products/P1/history?limit=2".to_owned();
    let mut all = Vec::new();
    loop {
        let page = server.get(&path).await.ok();
        all.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page.get("next_cursor") else { break };
        path = format!(
            "/v1/catalog/products/P1/history?limit=2&cursor={}",
            cursor.as_str().unwrap()
        );
    }
    let sequences: Vec<_> = all.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5]);
    assert_eq!(
        (&all[0]["type"], &all[4]["data"]["price_cents"]),
        (&json!("ProductCreated"), &json!(5))
    );
    assert_eq!(all[0]["schema_version"], 1);
    assert!(all[0]["occurred_at"].as_str().unwrap().ends_with('Z') && all[0]["actor"].is_string());

    server
        .get_as("other", "/v1/catalog/products/P1/history")
        .await
        .problem(404, "not-found");
    server
        .get("/v1/catalog/products/P2/history")
        .await
        .problem(404, "not-found");
    let first = server.get("/v1/catalog/products/P1/history?limit=2").await.ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    for (tenant, of) in [("other", "products/P1"), ("demo", "products/P2"), ("demo", "brands/P1")] {
        let path = format!("/v1/catalog/{of}/history?cursor={cursor}");
        server.get_as(tenant, &path).await.problem(400, "invalid-cursor");
    }
}

#[tokio::test]
async fn personal_data_is_plain_and_nowhere_enveloped() {
    let server = Server::start().await;
    let capture = json!({ "name": "Ada", "email": "ada@example.com" });
    server.command::<Lead>("demo", "L1", "capture", capture).await;
    let history = server.get("/v1/crm/leads/L1/history").await.ok();
    assert_eq!(history["items"][0]["data"]["name"], "Ada");
    assert!(!history.to_string().contains("$pd"), "{history}");
}

/// A page reads about as many commits as it shows events, not all that a page of the log would hold.
#[tokio::test]
async fn a_short_page_is_cheap() {
    let server = Server::start().await;
    let title = "Kettle ".repeat(100);
    let create = json!({ "sku": "S-1", "title": title, "brand": "Acme", "price_cents": 1 });
    server.command::<Product>("demo", "P1", "create", create).await;
    for n in 0..40 {
        let title = format!("{title}{n}");
        server
            .command::<Product>("demo", "P1", "revise", json!({ "title": title }))
            .await;
    }
    let accounting = server.views.accounting().clone();
    let mut path = "/v1/catalog/products/P1/history?limit=1".to_owned();
    for sequence in 1..=3 {
        let before = accounting.snapshot();
        let page = server.get(&path).await.ok();
        let usage = accounting.since(&before);
        let read: f64 = usage
            .iter()
            .filter(|usage| usage.pattern == "event-log.history")
            .map(|usage| usage.read_units)
            .sum();
        // One for the page, and on later ones another that finds the commit which the page begins in.
        assert_eq!(read, if sequence == 1 { 1.0 } else { 2.0 });
        assert_eq!(
            (&page["items"][0]["sequence"], page["items"].as_array().map(Vec::len)),
            (&json!(sequence), Some(1))
        );
        path = format!(
            "/v1/catalog/products/P1/history?limit=1&cursor={}",
            page["next_cursor"].as_str().unwrap()
        );
    }
    // Exactly as many as there are: no cursor that leads to nothing.
    let all = server.get("/v1/catalog/products/P1/history?limit=41").await.ok();
    assert_eq!(
        (all["items"].as_array().map(Vec::len), all.get("next_cursor")),
        (Some(41), None)
    );
}
