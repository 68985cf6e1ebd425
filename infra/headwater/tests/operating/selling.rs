//! From a command over HTTP to the answer of a search: an order and its invoice, for two tenants of one process.

use crate::{
    on,
    process::{Client, Serve},
};
use serde_json::{Value, json};

/// Sends commands and gives the token of the last receipt.
async fn submit(client: &Client, aggregate: &str, commands: &[(&str, Value)]) -> String {
    let mut token = String::new();
    for (command, payload) in commands {
        let (status, receipt) = client.post(&format!("{aggregate}/{command}"), payload).await;
        assert_eq!(status, 200, "{command}: {receipt}");
        token = receipt["token"].as_str().unwrap().to_owned();
    }
    token
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_and_its_invoice_are_found_by_what_happened_to_them() {
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
    let v1 = format!("{}/v1", process.http);
    let client_of = |tenant: &str| {
        let (_, token, _) = on(&data, &["token", "--tenant", tenant, "--role", "member"]);
        Client::new(token.trim())
    };
    let (acme, globex) = (client_of("acme"), client_of("globex"));

    // The same ids in both tenants, and different things happen to them.
    let line = json!({
        "line_id": "1", "product_id": "kettle-1", "sku": "BR-K170", "title": "Copper kettle", "quantity": 3,
        "unit_price_cents": 4_990
    });
    let place = json!({
        "customer_id": "harbour-cafe", "fulfilment_centre": "LEJ1", "lines": [line], "ship_to_name": "Ada Example"
    });
    let ship = json!({
        "shipment_id": "s1", "carrier": "DHL", "tracking_number": "1Z-999-AA1", "quantities": { "1": 2 }
    });
    let order = format!("{v1}/orders/orders/O1");
    let seen = submit(
        &acme,
        &order,
        &[("place", place.clone()), ("confirm", json!({})), ("ship", ship.clone())],
    )
    .await;
    submit(&globex, &order, &[("place", place)]).await;

    let search = format!(
        "{v1}/search/orders?q=kettle&status=partly-shipped&customer=harbour-cafe&fulfilment_centre=LEJ1&\
         tracking_number=1Z-999-AA1&placed_from=2020-01-01&placed_to=2100-01-01"
    );
    let (status, found) = acme.get(&search, Some(&seen)).await;
    assert_eq!((status, &found["total"]), (200, &json!(1)), "{found}");
    let hit = &found["hits"][0];
    assert_eq!(
        (&hit["id"], &hit["order"]["total_cents"]),
        (&json!("O1"), &json!(14_970))
    );
    assert!(!found.to_string().contains("Ada"), "{found}");
    let (status, view) = acme.get(&order, Some(&seen)).await;
    assert_eq!(
        (status, &view["ship_to_name"], &view["version"]),
        (200, &json!("Ada Example"), &json!(3))
    );
    let (_, theirs) = globex.get(&search, None).await;
    assert_eq!(theirs["total"], 0, "{theirs}");
    let (status, refused) = globex.post(&format!("{order}/ship"), &ship).await;
    assert_eq!((status, &refused["code"]), (422, &json!("not-confirmed")), "{refused}");
    let much = json!({ "shipment_id": "s2", "carrier": "DHL", "tracking_number": "2", "quantities": { "1": 2 } });
    let (status, refused) = acme.post(&format!("{order}/ship"), &much).await;
    assert_eq!(
        (status, &refused["code"], &refused["errors"][0]["pointer"]),
        (422, &json!("more-than-ordered"), &json!("/quantities/1")),
        "{refused}"
    );

    let item = json!({
        "line_item_id": "1", "description": "Copper kettle", "quantity": 3, "unit_price_cents": 4_990, "tax_basis_points": 1_900
    });
    let draft = json!({
        "customer_id": "harbour-cafe", "order_id": "O1", "line_items": [item], "bill_to_name": "Ada Example"
    });
    let issue = json!({ "number": "2026-1", "issued_at": "2026-01-02T00:00:00Z", "due_at": "2026-01-31T00:00:00Z" });
    let invoice = format!("{v1}/billing/invoices/I1");
    let pay = |amount: i64| json!({ "payment_id": "p1", "amount_cents": amount });
    let bill = [("draft", draft.clone()), ("issue", issue.clone())];
    submit(&globex, &invoice, &bill).await;
    let seen = submit(
        &acme,
        &invoice,
        &[&bill[..], &[("record-payment", pay(17_814))]].concat(),
    )
    .await;
    let search = format!("{v1}/search/invoices?payment_status=paid&customer=harbour-cafe&q=kettle");
    let (status, found) = acme
        .get(
            &format!("{search}&issued_from=2026-01-01&issued_to=2026-01-31"),
            Some(&seen),
        )
        .await;
    assert_eq!((status, &found["total"]), (200, &json!(1)), "{found}");
    assert_eq!(
        found["hits"][0]["invoice"]["total_cents"], 17_814,
        "14,970 and 19 percent"
    );
    assert_eq!(globex.get(&search, None).await.1["total"], 0);
    // A number is one invoice's alone, within its tenant.
    let second = format!("{v1}/billing/invoices/I2");
    submit(&acme, &second, &[("draft", draft)]).await;
    let (status, refused) = acme.post(&format!("{second}/issue"), &issue).await;
    assert_eq!(
        (status, &refused["errors"][0]["pointer"]),
        (422, &json!("/number")),
        "{refused}"
    );
    let (status, refused) = globex.post(&format!("{invoice}/record-payment"), &pay(17_815)).await;
    assert_eq!((status, &refused["code"]), (422, &json!("more-than-due")), "{refused}");

    let list = format!("{v1}/billing/invoices?customer_id=harbour-cafe");
    let (_, of_customer) = acme.get(&list, None).await;
    assert_eq!(of_customer["items"].as_array().map(Vec::len), Some(2), "{of_customer}");
    for projection in ["order-search", "invoice-search", "order-view", "invoice-view"] {
        let (status, out, error) = on(&data, &["replay", projection]);
        assert_eq!(status, Some(0), "{projection}: {out}{error}");
        let (_, out, error) = on(&data, &["replay", projection, "--dry-run"]);
        assert!(out.contains("compared: 0 differences"), "{projection}: {out}{error}");
    }
    let (_, found) = acme.get(&search, None).await;
    assert_eq!(found["total"], 1, "a rebuilt index answers the same: {found}");
    assert!(process.terminate().0.success());
}
