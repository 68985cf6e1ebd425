//! From a command over HTTP to what is read: variants of a product and a price list, for two tenants of one process.

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

async fn refused(client: &Client, url: &str, payload: Value) -> (u16, String, String) {
    let (status, problem) = client.post(url, &payload).await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (status, text(&problem["code"]), text(&problem["errors"][0]["pointer"]))
}

/// The kettle comes in blue; that it came in red finds nothing any more.
async fn found_by_its_variants(acme: &Client, globex: &Client, process: &Serve, seen: &str) {
    let search = format!("{}/v1/search/products?facets=brand", process.http);
    for (query, token) in [
        ("q=K-blue", Some(seen)),
        ("sku=K-blue", None),
        ("attr.colour=blue", None),
    ] {
        let (status, page) = acme.get(&format!("{search}&{query}"), token).await;
        assert_eq!((status, &page["total"]), (200, &json!(1)), "{query}: {page}");
        let hit = &page["hits"][0];
        assert_eq!(
            (&hit["id"], &hit["matched_variants"]),
            (&json!("K"), &json!(["K-blue"])),
            "{hit}"
        );
        assert_eq!(hit["product"]["variants"][0]["options"], json!({ "colour": "blue" }));
        assert_eq!(page["facets"]["brand"][0]["count"], 1);
    }
    let (_, page) = acme.get(&format!("{search}&q=kettle"), None).await;
    assert!(page["hits"][0].get("matched_variants").is_none(), "{page}");
    for query in ["attr.colour=red", "sku=K-red", "attr.colour=blue&attr.size=L"] {
        let (status, page) = acme.get(&format!("{search}&{query}"), None).await;
        assert_eq!((status, &page["total"]), (200, &json!(0)), "{query}: {page}");
    }
    let names: String = (0..10).map(|n| format!("&attr.{n}=x")).collect();
    let (status, problem) = acme.get(&format!("{search}{names}"), None).await;
    assert_eq!((status, &problem["code"]), (400, &json!("too-many")), "{problem}");
    let (_, page) = globex.get(&format!("{search}&attr.colour=blue"), None).await;
    assert_eq!(page["total"], 0, "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn variants_and_their_prices_are_read_as_they_were_set() {
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
    let catalog = format!("{}/v1/catalog", process.http);
    let client_of = |tenant: &str| {
        let (_, token, _) = on(&data, &["token", "--tenant", tenant, "--role", "member"]);
        Client::new(token.trim())
    };
    let (acme, globex) = (client_of("acme"), client_of("globex"));

    let gtin = json!(["0095205603217"]);
    let kettle = json!({ "sku": "K", "title": "Kettle", "brand": "B", "price_cents": 4_990, "gtin": gtin });
    submit(&acme, &format!("{catalog}/products/K/create"), kettle).await;
    let variant = |colour: &str| json!({ "variant_id": format!("K-{colour}"), "sku": format!("K-{colour}"), "options": { "colour": colour } });
    let jug = json!({ "sku": "J", "title": "Jug", "brand": "B", "price_cents": 990 });
    for client in [&acme, &globex] {
        submit(client, &format!("{catalog}/products/J/create"), jug.clone()).await;
    }
    let mut numbered = variant("red");
    numbered["gtin"] = gtin;
    let taken = (422, "already-taken".to_owned(), "/gtin".to_owned());
    for product in ["K", "J"] {
        let add = format!("{catalog}/products/{product}/add-variant");
        assert_eq!(refused(&acme, &add, numbered.clone()).await, taken, "{product}");
    }
    submit(&globex, &format!("{catalog}/products/J/add-variant"), numbered).await;
    let kettle = format!("{catalog}/products/K");
    for colour in ["blue", "red"] {
        submit(&acme, &format!("{kettle}/add-variant"), variant(colour)).await;
    }
    let missing = refused(&acme, &format!("{catalog}/products/none/add-variant"), variant("red")).await;
    assert_eq!((missing.0, missing.1.as_str()), (404, "not-found"));
    let end = json!({ "variant_id": "K-red" });
    let seen = submit(&acme, &format!("{kettle}/discontinue-variant"), end).await;
    let (status, page) = acme.get(&format!("{catalog}/products/K/variants"), Some(&seen)).await;
    let shown: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["id"].as_str().unwrap(), item["discontinued"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        (status, &shown[..]),
        (200, &[("K-blue", false), ("K-red", true)][..]),
        "{page}"
    );
    found_by_its_variants(&acme, &globex, &process, &seen).await;
    let change = json!({ "variant_id": "K-red", "price_cents": 1 });
    let change = refused(&acme, &format!("{kettle}/change-variant"), change).await;
    assert_eq!((change.0, change.1.as_str()), (422, "variant-discontinued"));
    let (_, theirs) = globex.get(&format!("{kettle}/variants"), None).await;
    assert_eq!(theirs["items"], json!([]));

    let trade = format!("{catalog}/price-lists/trade");
    let entries = json!([{ "product_id": "K", "price_cents": 3_990 }, { "product_id": "K", "variant_id": "K-blue", "price_cents": 4_190 }]);
    let list = json!({ "name": "Trade", "currency": "EUR", "valid_until": "2100-01-01T00:00:00Z", "entries": entries });
    submit(&acme, &format!("{trade}/create"), list.clone()).await;
    let seen = submit(&acme, &format!("{trade}/activate"), json!({})).await;
    let price = format!("{trade}/price?product_id=K");
    for (query, cents) in [("", 3_990), ("&variant_id=K-red", 3_990), ("&variant_id=K-blue", 4_190)] {
        let (status, answer) = acme.get(&format!("{price}{query}"), Some(&seen)).await;
        assert_eq!(
            (status, &answer["price_cents"], &answer["currency"]),
            (200, &json!(cents), &json!("EUR")),
            "{answer}"
        );
    }
    let (status, late) = acme.get(&format!("{price}&at=2100-01-01T00:00:00Z"), None).await;
    assert_eq!((status, &late["code"]), (404, &json!("no-price")), "{late}");
    let (status, theirs) = globex.get(&price, None).await;
    assert_eq!((status, &theirs["code"]), (404, &json!("not-found")), "{theirs}");
    let again = refused(&acme, &format!("{catalog}/price-lists/second/create"), list).await;
    assert_eq!(again, (422, "already-taken".into(), "/name".into()));

    for projection in ["variants", "price-lists", "product-search"] {
        let (status, out, error) = on(&data, &["replay", projection]);
        assert_eq!(status, Some(0), "{projection}: {out}{error}");
        let (_, out, error) = on(&data, &["replay", projection, "--dry-run"]);
        assert!(out.contains("compared: 0 differences"), "{projection}: {out}{error}");
    }
    found_by_its_variants(&acme, &globex, &process, &seen).await;
    let (_, page) = acme.get(&format!("{catalog}/products/K/variants"), None).await;
    assert_eq!(
        page["items"].as_array().map(Vec::len),
        Some(2),
        "a rebuilt view shows the same: {page}"
    );
    assert!(process.terminate().0.success());
}
