//! The OpenAPI document, and the routes beside those of commands.

use crate::server::{Answer, Server};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn every_read_is_described() {
    let server = Server::start().await;
    let paths = server.document["paths"].as_object().unwrap();
    for path in [
        "/v1/catalog/products/{id}",
        "/v1/catalog/products/{id}/history",
        "/v1/catalog/products",
        "/v1/catalog/products/{id}/variants",
        "/v1/catalog/price-lists",
        "/v1/catalog/price-lists/{id}",
        "/v1/catalog/price-lists/{id}/price",
        "/v1/catalog/brands",
        "/v1/catalog/search-settings/{id}",
        "/v1/catalog/categories",
        "/v1/crm/capsules",
        "/v1/crm/capsules/{id}/accounts",
        "/v1/crm/accounts",
        "/v1/crm/accounts/{id}/tree",
        "/v1/crm/leads",
        "/v1/crm/opportunities/{id}",
        "/v1/orders/orders",
        "/v1/orders/orders/{id}",
        "/v1/billing/invoices",
        "/v1/billing/invoices/{id}/history",
        "/v1/metrics",
        "/v1/metrics/{series}",
        "/v1/search/products",
        "/v1/search/products/suggest",
        "/v1/search/orders",
        "/v1/search/invoices",
    ] {
        let operation = &paths.get(path).unwrap_or_else(|| panic!("no {path}"))["get"];
        assert!(operation["responses"]["200"]["content"].is_object(), "{path}");
    }
    let mut operations: Vec<_> = paths
        .values()
        .map(|path| path["get"]["operationId"].to_string())
        .collect();
    operations.sort();
    let all = operations.len();
    operations.dedup();
    assert_eq!(all, operations.len(), "operation ids are unique");
    let leads = paths["/v1/crm/leads"]["get"]["parameters"].to_string();
    for name in ["owner_id", "from", "to", "limit", "cursor", "Headwater-Consistency"] {
        assert!(leads.contains(name), "{name} in {leads}");
    }
    let orders = paths["/v1/search/orders"]["get"]["parameters"].to_string();
    for name in [
        "status",
        "customer",
        "placed_from",
        "placed_to",
        "fulfilment_centre",
        "tracking_number",
        "sort",
        "facets",
    ] {
        assert!(orders.contains(&format!("\"{name}\"")), "{name} in {orders}");
    }
    assert!(!orders.contains("attr"), "orders have no attributes: {orders}");
    let invoices = paths["/v1/search/invoices"]["get"]["parameters"].to_string();
    for name in ["payment_status", "customer", "issued_from", "issued_to", "q"] {
        assert!(invoices.contains(&format!("\"{name}\"")), "{name} in {invoices}");
    }
    let product = &server.document["components"]["schemas"]["catalog.products.view"];
    assert_eq!(product["properties"]["price_cents"]["type"], "integer");
    // What is promised of a view is there.
    server.put_product("demo", "P1", 1).await;
    let view = server.get("/v1/catalog/products/P1").await.ok();
    for name in product["required"].as_array().unwrap() {
        assert!(view.get(name.as_str().unwrap()).is_some(), "{name}");
    }
}

#[tokio::test]
async fn reads_and_commands_share_their_paths() {
    let server = Server::start().await;
    for path in [
        "/v1/commands",
        "/v1/crm/leads/L1/capture",
        "/v1/crm/capsules/C1/rename",
        "/v1/crm/accounts/A1/move",
        "/v1/catalog/products/P1/create",
    ] {
        let answer = Answer::of(server.request(Method::POST, "demo", path)).await;
        assert!(answer.ok().as_str().unwrap().starts_with("command"), "{path}");
    }
    server
        .get("/v1/crm/capsules/C1/history")
        .await
        .problem(404, "not-found");
    server.get("/v1/crm/capsules/C1").await.problem(404, "not-found");
    let lists = server.get("/v1/crm/capsules").await.ok();
    assert_eq!(lists, json!({ "items": [] }));
}
