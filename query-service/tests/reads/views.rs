//! Views of single aggregates.

use crate::server::Server;
use serde_json::json;

#[tokio::test]
async fn a_view_has_its_version_and_personal_data_plain() {
    let server = Server::start().await;
    server.put_product("demo", "P/1 ü", 7).await;
    let answer = server.get("/v1/catalog/products/P%2F1%20%C3%BC").await;
    assert_eq!(answer.header("etag"), Some("\"7\""));
    let view = answer.ok();
    assert_eq!(
        (&view["id"], &view["version"], &view["price_cents"]),
        (&json!("P/1 ü"), &json!(7), &json!(1999))
    );

    server.put_lead("demo", "L1", None, 0).await;
    let lead = server.get("/v1/crm/leads/L1").await.ok();
    assert_eq!(
        (&lead["name"], &lead["email"]),
        (&json!("Ada"), &json!("ada@example.com"))
    );

    // Of several rows, the view is the state of the fold.
    server.put_account("demo", "1", "C1").await;
    server.put_opportunity("demo", "O1", "1", &["a"]).await;
    let account = server.get("/v1/crm/accounts/1").await.ok();
    assert_eq!(
        account,
        json!({
            "id": "1", "capsule_id": "C1", "name": "Difference Ltd", "owner_id": "ann", "closed": false,
            "created_at": "2026-01-01T00:00:00Z", "version": 1
        })
    );
    let opportunity = server.get("/v1/crm/opportunities/O1").await.ok();
    assert_eq!(
        (&opportunity["version"], &opportunity["status"]),
        (&json!(2), &json!("open"))
    );
    assert_eq!(opportunity["line_items"][0]["line_item_id"], "a");
}

#[tokio::test]
async fn what_is_not_there_or_anothers_is_not_found() {
    let server = Server::start().await;
    server.put_product("demo", "P1", 1).await;
    server.get("/v1/catalog/products/P2").await.problem(404, "not-found");
    server
        .get_as("other", "/v1/catalog/products/P1")
        .await
        .problem(404, "not-found");
    let problem = server
        .get("/v1/catalog/product/P1")
        .await
        .problem(404, "unknown-aggregate");
    assert!(
        problem["detail"].as_str().unwrap().contains("did you mean products?"),
        "{problem}"
    );
    server
        .get("/v1/catalogue/products/P1")
        .await
        .problem(404, "unknown-context");
    server
        .get("/v1/catalog/products/P1?expand=all")
        .await
        .problem(400, "unknown-parameter");
    server
        .get("/v1/catalog/products/a%00b")
        .await
        .problem(422, "invalid-id");
}

/// As commands are told of it: no key can be made of such an id, whatever is asked.
#[tokio::test]
async fn an_id_that_can_be_none_is_refused_alike_everywhere() {
    let server = Server::start().await;
    let long = "x".repeat(257);
    for id in ["a%01b", &long] {
        for path in [
            format!("/v1/catalog/products/{id}"),
            format!("/v1/catalog/products/{id}/history"),
            format!("/v1/crm/capsules/{id}/accounts"),
            format!("/v1/crm/accounts/{id}/tree"),
        ] {
            server.get(&path).await.problem(422, "invalid-id");
        }
    }
}
