//! Invoices: a customer's list, and the search that takes the place of three indexes.

use crate::server::Server;
use headwater_edge::v1::{FilterValues, SearchRequest};
use headwater_read_models::{
    invoice_search::InvoiceDocument,
    invoice_view::{self, InvoiceRow},
};
use serde_json::{Value, json};

fn ids<'a>(of: &'a Value, what: &str) -> Vec<&'a str> {
    let items = of[what].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap()).collect()
}

fn drafted(customer: &str, description: &str) -> Vec<Value> {
    let personal = json!({ "$pd": { "v": 0, "subject": customer, "value": "Ada Lovelace" } });
    vec![
        json!({ "type": "InvoiceDrafted", "data": { "customer_id": customer, "currency": "EUR", "bill_to_name": personal } }),
        json!({ "type": "InvoiceLineItemAdded", "data": {
            "line_item_id": "1", "description": description, "quantity": 1, "unit_price_cents": 1_000, "tax_basis_points": 1_900
        } }),
    ]
}

fn issued(customer: &str, description: &str, number: &str, date: &str) -> Vec<Value> {
    let mut events = drafted(customer, description);
    events.push(json!({ "type": "InvoiceIssued", "data": {
        "number": number, "issued_at": format!("{date}T09:00:00Z"), "due_at": format!("{date}T09:00:00Z"), "net_cents": 1_000,
        "tax_cents": 190, "total_cents": 1_190
    } }));
    events
}

fn and(mut events: Vec<Value>, event_type: &str, data: Value) -> Vec<Value> {
    events.push(json!({ "type": event_type, "data": data }));
    events
}

/// One invoice of each status, and one of another tenant.
async fn stocked() -> Server {
    let server = Server::start().await;
    let paid = json!({ "payment_id": "p1", "amount_cents": 1_190, "paid_at": "2026-01-20T00:00:00Z" });
    for (of, events) in [
        ("I1", drafted("C1", "Copper kettle")),
        ("I2", issued("C1", "Iron kettle", "2026-2", "2026-01-02")),
        (
            "I3",
            and(
                issued("C2", "Copper jug", "2026-3", "2026-01-03"),
                "InvoicePaymentRecorded",
                paid,
            ),
        ),
        (
            "I4",
            and(
                issued("C2", "Steel jug", "2026-4", "2026-01-04"),
                "InvoiceMarkedOverdue",
                json!({}),
            ),
        ),
        (
            "I5",
            and(
                issued("C1", "Tin jug", "2026-5", "2026-01-05"),
                "InvoiceVoided",
                json!({}),
            ),
        ),
    ] {
        let version = events.len() as u64;
        server
            .index_document::<InvoiceDocument>("demo", of, version, 0, &events)
            .await;
    }
    let theirs = issued("C1", "Iron kettle", "2026-2", "2026-01-02");
    server
        .index_document::<InvoiceDocument>("other", "I9", 3, 0, &theirs)
        .await;
    server
}

#[tokio::test]
async fn each_former_index_is_a_filter_and_all_go_together() {
    let server = stocked().await;
    for (query, expected) in [
        ("sort=oldest", &["I2", "I3", "I4", "I5", "I1"][..]),
        ("payment_status=draft", &["I1"]),
        ("payment_status=issued", &["I2"]),
        ("payment_status=paid", &["I3"]),
        ("payment_status=overdue", &["I4"]),
        ("payment_status=void", &["I5"]),
        ("sort=newest&payment_status=paid&payment_status=overdue", &["I4", "I3"]),
        ("sort=oldest&customer=C1", &["I2", "I5", "I1"]),
        ("sort=oldest&issued_from=2026-01-03&issued_to=2026-01-04", &["I3", "I4"]),
        ("sort=oldest&issued_to=2026-01-03T09:00:00Z", &["I2"]),
        ("sort=newest&q=jug", &["I5", "I4", "I3"]),
        ("q=2026-3", &["I3"]),
        ("number=2026-4", &["I4"]),
        ("sort=oldest&min_due_cents=1", &["I2", "I4"]),
        (
            "customer=C2&payment_status=overdue&issued_from=2026-01-01&issued_to=2026-01-31&q=steel",
            &["I4"],
        ),
        ("customer=C1&payment_status=overdue", &[]),
    ] {
        let answer = server.get(&format!("/v1/search/invoices?{query}")).await.ok();
        let found = ids(&answer, "hits");
        // A number has words of its own, so its search may find more, and finds this first.
        let found = if query == "q=2026-3" { &found[..1] } else { &found[..] };
        assert_eq!(found, expected, "{query}");
    }
    let answer = server.get("/v1/search/invoices?facets=payment_status").await.ok();
    let statuses = answer["facets"]["payment_status"].as_array().unwrap();
    assert_eq!((statuses.len(), &answer["total"]), (5, &json!(5)));
    let paid = server.get("/v1/search/invoices?payment_status=paid").await.ok();
    let invoice = &paid["hits"][0]["invoice"];
    assert_eq!(
        [&invoice["total_cents"], &invoice["paid_cents"], &invoice["due_cents"]],
        [1_190, 1_190, 0]
    );
}

#[tokio::test]
async fn nobody_finds_what_is_another_tenants_or_personal() {
    let server = stocked().await;
    let theirs = server
        .get_as("other", "/v1/search/invoices?facets=payment_status")
        .await
        .ok();
    assert_eq!(ids(&theirs, "hits"), ["I9"]);
    assert_eq!(
        theirs["facets"]["payment_status"],
        json!([{ "value": "issued", "count": 1 }])
    );
    for query in ["customer=C2", "q=jug", "payment_status=paid", "number=2026-3"] {
        let answer = server
            .get_as("other", &format!("/v1/search/invoices?{query}"))
            .await
            .ok();
        assert_eq!(answer["total"], 0, "{query}");
    }
    for query in ["tenant_id=demo", "attr.x=1", "status=paid", "facet=number"] {
        let path = format!("/v1/search/invoices?{query}");
        server.get(&path).await.problem(400, "unknown-parameter");
    }
    for (query, said) in [
        ("payment_status=payed", "did you mean paid?"),
        (
            "issued_from=2026-02-02&issued_to=2026-02-01",
            "is not after issued_from",
        ),
        ("issued_to=9999-12-31", "of the years 1678 to 2261"),
    ] {
        let path = format!("/v1/search/invoices?{query}");
        let problem = server.get(&path).await.problem(400, "invalid-parameter");
        assert!(problem.to_string().contains(said), "{problem}");
    }
    let first = server.get("/v1/search/invoices?limit=1&sort=oldest").await.ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    for (tenant, path) in [
        (
            "other",
            format!("/v1/search/invoices?limit=1&sort=oldest&cursor={cursor}"),
        ),
        ("demo", format!("/v1/search/orders?limit=1&sort=oldest&cursor={cursor}")),
    ] {
        server.get_as(tenant, &path).await.problem(400, "invalid-cursor");
    }
    let all = server.get("/v1/search/invoices?limit=100").await.ok().to_string();
    assert!(!all.contains("Ada") && !all.contains("$pd"), "{all}");
    assert_eq!(server.get("/v1/search/invoices?q=lovelace").await.ok()["total"], 0);
}

#[tokio::test]
async fn grpc_answers_the_same() {
    let server = stocked().await;
    let mut queries = server.queries().await;
    let values = |values: &[&str]| FilterValues {
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let ask = |filter: &str, of: &[&str]| SearchRequest {
        kind: "invoices".into(),
        filters: [
            (filter.to_owned(), values(of)),
            ("issued_to".to_owned(), values(&["2026-01-04"])),
        ]
        .into(),
        facets: vec!["payment_status".into()],
        sort: "newest".into(),
        ..SearchRequest::default()
    };
    let asked = ask("payment_status", &["overdue", "paid"]);
    let answer = queries.search(server.authorize(asked)).await.unwrap().into_inner();
    let path = "/v1/search/invoices?payment_status=overdue&payment_status=paid&issued_to=2026-01-04&\
                facets=payment_status&sort=newest";
    let same = server.get(path).await.ok();
    assert_eq!(serde_json::from_slice::<Value>(&answer.result_json).unwrap(), same);
    assert_eq!(ids(&same, "hits"), ["I4", "I3"]);
    let refused = queries.search(server.authorize(ask("tenant_id", &["other"]))).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::InvalidArgument);
}

#[tokio::test]
async fn a_customers_invoices_are_one_list() {
    let server = Server::start().await;
    for (n, (of, customer)) in (0..).zip([("I1", "C1"), ("I2", "C2"), ("I3", "C1")]) {
        let events = drafted(customer, "Kettle");
        server
            .put_view::<InvoiceRow>(invoice_view::PROJECTION, "demo", of, n, &events)
            .await;
    }
    let all = server.get("/v1/billing/invoices").await.ok();
    assert_eq!(ids(&all, "items"), ["I3", "I2", "I1"]);
    let of_one = server.get("/v1/billing/invoices?customer_id=C1").await.ok();
    assert_eq!(ids(&of_one, "items"), ["I3", "I1"]);
    let invoice = &of_one["items"][0];
    assert_eq!(
        (&invoice["bill_to_name"], &invoice["total_cents"], &invoice["due_cents"]),
        (&json!("Ada Lovelace"), &json!(1_190), &json!(0))
    );
    let theirs = server.get_as("other", "/v1/billing/invoices?customer_id=C1").await.ok();
    assert_eq!(theirs, json!({ "items": [] }));
}
