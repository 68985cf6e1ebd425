//! The variants of a product: one query, its own alone.

use crate::{given::product_created, server::Server};
use headwater_edge::v1::ListRequest;
use headwater_read_models::variants::{self, VariantsFold};
use serde_json::{Value, json};

fn ids(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap()).collect()
}

fn added(variant: &str) -> Value {
    json!({ "type": "ProductVariantAdded", "data": {
        "variant_id": variant, "sku": format!("S-{variant}"), "options": { "colour": variant }, "price_cents": 4_490, "currency": "EUR"
    } })
}

async fn put(server: &Server, tenant: &str, product: &str, events: &[Value]) {
    server.put_product(tenant, product, 1).await;
    let mut all = vec![product_created(1, "B")];
    all.extend_from_slice(events);
    server
        .put_head::<VariantsFold>(variants::PROJECTION, tenant, product, &all)
        .await;
}

async fn stocked() -> Server {
    let server = Server::start().await;
    let gone = json!({ "type": "ProductVariantDiscontinued", "data": { "variant_id": "b" } });
    put(&server, "demo", "P1", &[added("a"), added("b"), gone]).await;
    put(&server, "demo", "P10", &[added("a")]).await;
    put(&server, "demo", "P1#VARIANT", &[added("c")]).await;
    put(&server, "demo", "P2", &[]).await;
    put(&server, "other", "P1", &[added("d")]).await;
    server
}

#[tokio::test]
async fn a_products_variants_are_one_query_and_nobody_elses() {
    let server = stocked().await;
    server.get("/v1/catalog/products/P1/variants").await.ok();
    let before = server.views.accounting().snapshot();
    let page = server.get("/v1/catalog/products/P1/variants").await.ok();
    let calls = server.views.accounting().since(&before);
    let calls: Vec<_> = calls
        .iter()
        .map(|usage| (usage.operation, usage.pattern, usage.calls))
        .collect();
    assert_eq!(calls, [("Query", "repository.query", 1)]);
    assert_eq!(ids(&page), ["a", "b"]);
    let [first, second] = [&page["items"][0], &page["items"][1]];
    assert_eq!(
        [
            &first["options"],
            &first["price_cents"],
            &first["discontinued"],
            &first["version"]
        ],
        [&json!({ "colour": "a" }), &json!(4_490), &json!(false), &json!(4)]
    );
    assert_eq!((&second["discontinued"], &second["version"]), (&json!(true), &json!(4)));
    let crafted = server.get("/v1/catalog/products/P1%23VARIANT/variants").await.ok();
    assert_eq!(ids(&crafted), ["c"]);
    let none = server.get("/v1/catalog/products/P2/variants").await.ok();
    assert_eq!(none, json!({ "items": [] }));
    let products = server.get("/v1/catalog/products").await.ok();
    assert_eq!(
        ids(&products),
        ["P1", "P1#VARIANT", "P10", "P2"],
        "a page of products has no variants"
    );
}

#[tokio::test]
async fn they_go_on_by_a_cursor_that_is_good_for_this_list_and_tenant_alone() {
    let server = stocked().await;
    let path = "/v1/catalog/products/P1/variants?limit=1";
    let first = server.get(path).await.ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = server.get(&format!("{path}&cursor={cursor}")).await.ok();
    assert_eq!((ids(&first), ids(&second)), (vec!["a"], vec!["b"]));
    let elsewhere = format!("/v1/catalog/products/P10/variants?limit=1&cursor={cursor}");
    server.get(&elsewhere).await.problem(400, "invalid-cursor");
    server
        .get_as("other", &format!("{path}&cursor={cursor}"))
        .await
        .problem(400, "invalid-cursor");
}

#[tokio::test]
async fn another_tenants_are_never_seen() {
    let server = stocked().await;
    let theirs = server.get_as("other", "/v1/catalog/products/P1/variants").await.ok();
    assert_eq!(ids(&theirs), ["d"]);
    let product = server.get("/v1/catalog/products/P1").await.ok();
    assert_eq!(
        product["title"], "Copper kettle",
        "the product's view is its own projection's"
    );
}

#[tokio::test]
async fn grpc_answers_the_same() {
    let server = stocked().await;
    let ask = ListRequest {
        context: "catalog".into(),
        collection: "variants".into(),
        parent: "products".into(),
        parent_id: "P1".into(),
        ..ListRequest::default()
    };
    let page = server
        .queries()
        .await
        .list(server.authorize(ask))
        .await
        .unwrap()
        .into_inner();
    let items: Vec<Value> = page
        .items_json
        .iter()
        .map(|item| serde_json::from_slice(item).unwrap())
        .collect();
    let same = server.get("/v1/catalog/products/P1/variants").await.ok();
    assert_eq!(Value::from(items), same["items"]);
}
