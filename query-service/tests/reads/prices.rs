//! Price lists, and what something costs at a time under one.

use crate::server::Server;
use headwater_edge::v1::PriceRequest;
use headwater_read_models::price_lists::{self, PriceListRow};
use serde_json::{Value, json};

const PRICE: &str = "/v1/catalog/price-lists/summer/price";

fn created(name: &str, price_cents: i64) -> Value {
    json!({ "type": "PriceListCreated", "data": {
        "name": name, "currency": "EUR", "valid_from": "2026-06-01T00:00:00Z", "valid_until": "2026-09-01T00:00:00Z",
        "entries": [{ "product_id": "P1", "price_cents": price_cents }, { "product_id": "P1", "variant_id": "V1", "price_cents": price_cents + 1 }]
    } })
}

/// The same id in two tenants with other prices, and a draft.
async fn stocked() -> Server {
    let server = Server::start().await;
    let activated = || json!({ "type": "PriceListActivated", "data": {} });
    for (tenant, of, events) in [
        ("demo", "summer", vec![created("Summer", 1_000), activated()]),
        ("demo", "draft", vec![created("Draft", 1_000)]),
        ("other", "summer", vec![created("Summer", 7), activated()]),
        ("other", "theirs", vec![created("Theirs", 7), activated()]),
    ] {
        server
            .put_view::<PriceListRow>(price_lists::PROJECTION, tenant, of, 0, &events)
            .await;
    }
    server
}

#[tokio::test]
async fn a_price_is_one_read() {
    let server = stocked().await;
    let path = format!("{PRICE}?product_id=P1&at=2026-07-01T00:00:00Z");
    server.get(&path).await.ok();
    let before = server.views.accounting().snapshot();
    let price = server.get(&path).await.ok();
    let calls = server.views.accounting().since(&before);
    let calls: Vec<_> = calls.iter().map(|usage| (usage.operation, usage.calls)).collect();
    assert_eq!(calls, [("GetItem", 1)]);
    assert_eq!(
        price,
        json!({
            "price_list_id": "summer", "product_id": "P1", "price_cents": 1_000, "currency": "EUR", "at": "2026-07-01T00:00:00Z",
            "entry": { "product_id": "P1" }, "version": 2
        })
    );
}

#[tokio::test]
async fn a_variants_own_price_goes_before_its_products() {
    let server = stocked().await;
    for (what, cents, entry) in [
        (
            "product_id=P1&variant_id=V1",
            1_001,
            json!({ "product_id": "P1", "variant_id": "V1" }),
        ),
        ("product_id=P1&variant_id=V2", 1_000, json!({ "product_id": "P1" })),
    ] {
        let price = server
            .get(&format!("{PRICE}?{what}&at=2026-07-01T00:00:00Z"))
            .await
            .ok();
        assert_eq!(
            (&price["price_cents"], &price["entry"]),
            (&json!(cents), &entry),
            "{what}"
        );
    }
}

#[tokio::test]
async fn where_there_is_no_price_it_says_why() {
    let server = stocked().await;
    for (path, why) in [
        ("summer/price?product_id=V1&at=2026-07-01T00:00:00Z", "no entry"),
        (
            "summer/price?product_id=P2&variant_id=V1&at=2026-07-01T00:00:00Z",
            "no entry",
        ),
        ("summer/price?product_id=P1&at=2026-05-31T23:59:59Z", "begins later"),
        ("summer/price?product_id=P1&at=2026-09-01T00:00:00Z", "ended before"),
        ("draft/price?product_id=P1&at=2026-07-01T00:00:00Z", "is a draft"),
    ] {
        let problem = server
            .get(&format!("/v1/catalog/price-lists/{path}"))
            .await
            .problem(404, "no-price");
        assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
    }
    for query in ["", "?variant_id=V1", "?product_id=P1&at=today"] {
        server
            .get(&format!("{PRICE}{query}"))
            .await
            .problem(400, "invalid-parameter");
    }
    server
        .get(&format!("{PRICE}?product_id=P1&tenant_id=other"))
        .await
        .problem(400, "unknown-parameter");
}

#[tokio::test]
async fn another_tenants_lists_are_never_seen() {
    let server = stocked().await;
    let theirs = "/v1/catalog/price-lists/theirs";
    let asked = "product_id=P1&at=2026-07-01T00:00:00Z";
    server
        .get(&format!("{theirs}/price?{asked}"))
        .await
        .problem(404, "not-found");
    server.get(theirs).await.problem(404, "not-found");
    let price = server.get_as("other", &format!("{PRICE}?{asked}")).await.ok();
    assert_eq!(price["price_cents"], 7);
    let ids = |page: &Value| {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let ours = server.get("/v1/catalog/price-lists").await.ok();
    assert_eq!(ids(&ours), ["draft", "summer"]);
    let view = server.get("/v1/catalog/price-lists/summer").await.ok();
    assert_eq!((&view["status"], &view["version"]), (&json!("active"), &json!(2)));
    assert_eq!(view["entries"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn grpc_answers_the_same() {
    let server = stocked().await;
    let ask = |list: &str| PriceRequest {
        price_list_id: list.into(),
        product_id: "P1".into(),
        variant_id: "V1".into(),
        at: "2026-07-01T00:00:00Z".into(),
        ..PriceRequest::default()
    };
    let mut queries = server.queries().await;
    let answer = queries
        .price(server.authorize(ask("summer")))
        .await
        .unwrap()
        .into_inner();
    let same = server
        .get(&format!("{PRICE}?product_id=P1&variant_id=V1&at=2026-07-01T00:00:00Z"))
        .await
        .ok();
    assert_eq!(serde_json::from_slice::<Value>(&answer.price_json).unwrap(), same);
    assert_eq!(answer.version, 2);
    let refused = queries.price(server.authorize(ask("theirs"))).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::NotFound);
}
