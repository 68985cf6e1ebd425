//! Orders: a customer's list, and the search that takes the place of five indexes.

use crate::server::Server;
use headwater_read_models::{
    order_search::OrderDocument,
    order_view::{self, OrderRow},
};
use serde_json::{Value, json};

fn ids<'a>(of: &'a Value, what: &str) -> Vec<&'a str> {
    let items = of[what].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap()).collect()
}

/// An order of one line, placed and, with a tracking number, shipped.
fn events(customer: &str, centre: &str, title: &str, price: i64, tracking: Option<&str>) -> Vec<Value> {
    let personal = json!({ "$pd": { "v": 0, "subject": customer, "value": "Ada Lovelace" } });
    let mut events = vec![json!({ "type": "OrderPlaced", "data": {
        "customer_id": customer, "currency": "USD", "fulfilment_centre": centre, "ship_to_name": personal,
        "lines": [{ "line_id": "1", "product_id": "P1", "sku": "S-1", "title": title, "quantity": 2, "unit_price_cents": price }]
    } })];
    if let Some(tracking) = tracking {
        events.push(json!({ "type": "OrderConfirmed", "data": {} }));
        events.push(json!({ "type": "OrderShipped", "data": {
            "shipment_id": "s1", "fulfilment_centre": centre, "carrier": "DHL", "tracking_number": tracking,
            "quantities": { "1": 1 }
        } }));
    }
    events
}

const DAY: u64 = 24 * 60 * 60;

/// O1 to O4, placed on the first to the fourth of January 2026 at midnight, and one of another tenant.
async fn stocked() -> Server {
    let server = Server::start().await;
    for (n, (of, events)) in (0..).zip([
        ("O1", events("C1", "LEJ1", "Copper kettle", 100, Some("1Z-1"))),
        ("O2", events("C2", "LEJ1", "Iron kettle", 300, None)),
        ("O3", events("C1", "BER2", "Copper jug", 200, Some("1Z-3"))),
        ("O4", events("C3", "BER2", "Steel jug", 400, None)),
    ]) {
        let version = events.len() as u64;
        server
            .index_document::<OrderDocument>("demo", of, version, n * DAY, &events)
            .await;
    }
    let theirs = events("C1", "LEJ1", "Copper kettle", 100, Some("1Z-1"));
    server
        .index_document::<OrderDocument>("other", "O9", 3, 0, &theirs)
        .await;
    server
}

#[tokio::test]
async fn each_former_index_is_a_filter_and_all_go_together() {
    let server = stocked().await;
    for (query, expected) in [
        ("sort=oldest", &["O1", "O2", "O3", "O4"][..]),
        ("sort=newest&status=placed", &["O4", "O2"]),
        (
            "sort=oldest&status=partly-shipped&status=placed",
            &["O1", "O2", "O3", "O4"],
        ),
        ("sort=oldest&customer=C1", &["O1", "O3"]),
        ("sort=oldest&placed_from=2026-01-02&placed_to=2026-01-03", &["O2", "O3"]),
        (
            "sort=oldest&placed_from=2026-01-02T00:00:00Z&placed_to=2026-01-03T00:00:00Z",
            &["O2"],
        ),
        ("sort=oldest&placed_from=2026-01-04", &["O4"]),
        ("sort=oldest&placed_to=2026-01-01T00:00:00Z", &[]),
        ("sort=oldest&fulfilment_centre=BER2", &["O3", "O4"]),
        ("tracking_number=1Z-3", &["O3"]),
        ("sort=oldest&q=kettle", &["O1", "O2"]),
        ("q=o3", &["O3"]),
        ("sort=-total&min_total_cents=400&max_total_cents=600", &["O2", "O3"]),
        (
            "status=partly-shipped&customer=C1&placed_from=2026-01-01&placed_to=2026-01-31&fulfilment_centre=LEJ1&\
             tracking_number=1Z-1&q=copper",
            &["O1"],
        ),
        ("customer=C1&fulfilment_centre=LEJ1&tracking_number=1Z-3", &[]),
        ("status=shipped", &[]),
    ] {
        let answer = server.get(&format!("/v1/search/orders?{query}")).await.ok();
        assert_eq!(ids(&answer, "hits"), expected, "{query}");
        assert_eq!(answer["total"], expected.len(), "{query}");
    }
    let answer = server
        .get("/v1/search/orders?q=jug&facets=status,fulfilment_centre&highlight=true&limit=1")
        .await
        .ok();
    assert_eq!(
        answer["facets"]["fulfilment_centre"],
        json!([{ "value": "BER2", "count": 2 }])
    );
    assert_eq!(answer["facets"]["status"].as_array().unwrap().len(), 2);
    let hit = &answer["hits"][0];
    assert_eq!(
        (&hit["order"]["id"], &hit["order"]["lines"][0]["quantity"]),
        (&hit["id"], &json!(2))
    );
    assert!(
        hit["highlights"]["title"][0].as_str().unwrap().contains("<em>"),
        "{hit}"
    );
    assert!(answer["next_cursor"].is_string());
}

#[tokio::test]
async fn nobody_finds_what_is_another_tenants_or_personal() {
    let server = stocked().await;
    let theirs = server
        .get_as("other", "/v1/search/orders?facets=status,fulfilment_centre")
        .await
        .ok();
    assert_eq!(ids(&theirs, "hits"), ["O9"]);
    assert_eq!(
        theirs["facets"]["fulfilment_centre"],
        json!([{ "value": "LEJ1", "count": 1 }])
    );
    for query in [
        "customer=C2",
        "q=iron",
        "fulfilment_centre=BER2",
        "tracking_number=1Z-3",
    ] {
        let answer = server.get_as("other", &format!("/v1/search/orders?{query}")).await.ok();
        assert_eq!(answer["total"], 0, "{query}");
    }
    for query in [
        "tenant_id=demo",
        "tenant=demo",
        "attr.tenant=demo",
        "index=orders",
        "kind=products",
    ] {
        let path = format!("/v1/search/orders?{query}");
        server.get_as("other", &path).await.problem(400, "unknown-parameter");
    }
    let first = server.get("/v1/search/orders?sort=oldest&limit=1").await.ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    let next = format!("/v1/search/orders?sort=oldest&limit=1&cursor={cursor}");
    server.get_as("other", &next).await.problem(400, "invalid-cursor");
    let of_products = format!("/v1/search/products?cursor={cursor}");
    server.get(&of_products).await.problem(400, "invalid-cursor");
    for name in ["Ada", "Lovelace"] {
        let answer = server.get(&format!("/v1/search/orders?q={name}")).await.ok();
        assert_eq!(answer["total"], 0, "{name} is nobody's to find");
    }
    let all = server.get("/v1/search/orders?limit=100").await.ok().to_string();
    assert!(!all.contains("Ada") && !all.contains("$pd"), "{all}");
}

#[tokio::test]
async fn what_is_wrong_with_a_search_is_named() {
    let server = stocked().await;
    for (query, code, pointer) in [
        ("statsu=placed", "unknown-parameter", "/statsu"),
        ("customer_id=C1", "unknown-parameter", "/customer_id"),
        ("brand=Acme", "unknown-parameter", "/brand"),
        ("placed_from=yesterday", "invalid-parameter", "/placed_from"),
        ("placed_to=2026-02-30", "invalid-parameter", "/placed_to"),
        (
            "placed_from=2026-02-01&placed_to=2026-01-01",
            "invalid-parameter",
            "/placed_to",
        ),
        (
            "placed_from=2026-01-01&placed_from=2026-01-02",
            "invalid-parameter",
            "/placed_from",
        ),
        ("sort=price", "invalid-parameter", "/sort"),
        ("facets=customer_id", "unknown-field", "/facets"),
        ("facets=tracking_number", "unknown-field", "/facets"),
        ("limit=0", "invalid-parameter", "/limit"),
        ("cursor=x", "invalid-cursor", "/cursor"),
    ] {
        let problem = server
            .get(&format!("/v1/search/orders?{query}"))
            .await
            .problem(400, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
}

#[tokio::test]
async fn a_customers_orders_are_one_list() {
    let server = Server::start().await;
    let put = async |tenant: &str, of: &str, customer: &str, n: u64| {
        let events = events(customer, "LEJ1", "Kettle", 100, None);
        server
            .put_view::<OrderRow>(order_view::PROJECTION, tenant, of, n, &events)
            .await;
    };
    for (n, (of, customer)) in (0..).zip([("O1", "C1"), ("O2", "C2"), ("O3", "C1"), ("O4", "C10")]) {
        put("demo", of, customer, n).await;
    }
    put("other", "O5", "C1", 9).await;
    let all = server.get("/v1/orders/orders").await.ok();
    assert_eq!(ids(&all, "items"), ["O4", "O3", "O2", "O1"]);
    let of_one = server.get("/v1/orders/orders?customer_id=C1").await.ok();
    assert_eq!(ids(&of_one, "items"), ["O3", "O1"]);
    assert_eq!(of_one["items"][0]["ship_to_name"], "Ada Lovelace");
    assert_eq!(of_one["items"][0]["total_cents"], 200);
    let since = "/v1/orders/orders?customer_id=C1&from=2026-01-01T00:00:01Z";
    assert_eq!(ids(&server.get(since).await.ok(), "items"), ["O3"]);
    let view = server.get("/v1/orders/orders/O1").await.ok();
    assert_eq!((&view["status"], &view["version"]), (&json!("placed"), &json!(1)));
    server
        .get_as("other", "/v1/orders/orders/O1")
        .await
        .problem(404, "not-found");
    let theirs = server.get_as("other", "/v1/orders/orders?customer_id=C1").await.ok();
    assert_eq!(ids(&theirs, "items"), ["O5"]);
}
