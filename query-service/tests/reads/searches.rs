//! Searches by HTTP.

use crate::server::Server;
use serde_json::{Value, json};

fn ids(answer: &Value) -> Vec<&str> {
    answer["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["id"].as_str().unwrap())
        .collect()
}

async fn stocked() -> Server {
    let server = Server::start().await;
    for (n, brand) in [(1, "Acme"), (2, "Bolt"), (3, "Acme"), (4, "Coil")] {
        server.index_product("demo", &format!("P{n}"), 1, n * 100, brand).await;
    }
    server.index_product("other", "P9", 1, 100, "Acme").await;
    server
}

#[tokio::test]
async fn filters_sorts_facets_and_pages() {
    let server = stocked().await;
    for (query, expected) in [
        ("sort=price", &["P1", "P2", "P3", "P4"][..]),
        ("sort=-price&q=kettle", &["P4", "P3", "P2", "P1"]),
        ("sort=price&brand=Acme", &["P1", "P3"]),
        ("sort=price&brand=Acme&brand=Bolt", &["P1", "P2", "P3"]),
        ("sort=price&min_price_cents=200&max_price_cents=300", &["P2", "P3"]),
        ("sort=price&attr.colour=blue", &[]),
        ("sort=price&attr.colour=blue&attr.colour=red&brand=Coil", &["P4"]),
        ("sort=price&category=kettles&sku=S-1&limit=1", &["P1"]),
        ("gtin=4006381333931", &[]),
    ] {
        let answer = server.get(&format!("/v1/search/products?{query}")).await.ok();
        assert_eq!(ids(&answer), expected, "{query}");
    }
    let answer = server
        .get("/v1/search/products?q=kettle&facets=brand,category&highlight=true&limit=3")
        .await
        .ok();
    assert_eq!(answer["total"], 4);
    assert_eq!(answer["facets"]["brand"][0], json!({ "value": "Acme", "count": 2 }));
    assert_eq!(
        answer["facets"]["category"],
        json!([{ "value": "kettles", "count": 4 }])
    );
    let collapsed = server.get("/v1/search/products?q=kettle&collapse=category").await.ok();
    assert_eq!((ids(&collapsed).len(), &collapsed["total"]), (1, &json!(4)));
    assert_eq!(collapsed["hits"][0]["id"], answer["hits"][0]["id"]);
    assert!(answer.get("did_you_mean").is_none());
    let mended = server.get("/v1/search/products?q=Ketle").await.ok();
    assert_eq!(
        (&mended["did_you_mean"], &mended["total"]),
        (&json!("kettle"), &json!(4))
    );
    let hit = &answer["hits"][0];
    assert_eq!(hit["product"]["id"], hit["id"]);
    assert!(hit["score"].as_f64().unwrap() > 0.0);
    assert!(
        hit["highlights"]["title"][0].as_str().unwrap().contains("<em>"),
        "{hit}"
    );
    let cursor = answer["next_cursor"].as_str().unwrap();
    let next = format!("/v1/search/products?q=kettle&limit=3&cursor={cursor}");
    let last = server.get(&next).await.ok();
    assert_eq!((ids(&last).len(), last.get("next_cursor")), (1, None));
    assert!(last["hits"][0].get("highlights").is_none());
    server.get_as("other", &next).await.problem(400, "invalid-cursor");
    let other = server.get_as("other", "/v1/search/products").await.ok();
    assert_eq!(ids(&other), ["P9"]);
}

#[tokio::test]
async fn signs_alone_find_nothing_and_no_text_finds_all() {
    let server = stocked().await;
    let total = async |query: &str| {
        let path = format!("/v1/search/products?facets=brand&{query}");
        server.get(&path).await.ok()["total"].as_u64().unwrap()
    };
    let all = total("").await;
    assert!(all > 1);
    assert_eq!((total("q=").await, total("q=+%20").await), (all, all));
    for signs in ["%F0%9F%A6%80", "!!!", "*", "%E2%80%8B"] {
        assert_eq!(total(&format!("q={signs}")).await, 0, "{signs}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let server = stocked().await;
    let problem = server
        .get("/v1/search/products?barnd=Acme")
        .await
        .problem(400, "unknown-parameter");
    assert!(
        problem["detail"].as_str().unwrap().contains("did you mean brand?"),
        "{problem}"
    );
    let problem = server
        .get("/v1/search/products?sort=pric")
        .await
        .problem(400, "invalid-parameter");
    assert!(
        problem["detail"].as_str().unwrap().contains("did you mean price?"),
        "{problem}"
    );
    for (query, code, pointer) in [
        ("facets=barnd", "unknown-field", "/facets"),
        ("q=%ff", "invalid-parameter", "/q"),
        ("attr.x=%C3", "invalid-parameter", "/attr.x"),
        ("min_price_cents=x", "invalid-parameter", "/min_price_cents"),
        (
            "min_price_cents=2&max_price_cents=1",
            "invalid-parameter",
            "/max_price_cents",
        ),
        ("limit=101", "invalid-parameter", "/limit"),
        ("highlight=1", "invalid-parameter", "/highlight"),
        ("collapse=sku", "unknown-field", "/collapse"),
        ("cursor=x", "invalid-cursor", "/cursor"),
        ("attr.=x", "unknown-parameter", "/attr."),
    ] {
        let problem = server
            .get(&format!("/v1/search/products?{query}"))
            .await
            .problem(400, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
}

#[tokio::test]
async fn what_is_typed_is_completed() {
    let server = stocked().await;
    let suggested = async |query: &str| server.get(&format!("/v1/search/products/suggest?{query}")).await.ok();
    let acme = json!({ "text": "Acme", "kind": "brand", "highlighted": "<em>Ac</em>me" });
    assert_eq!(suggested("q=ac").await, json!({ "items": [acme] }));
    assert_eq!(
        suggested("q=copper+kte&limit=1").await["items"][0],
        json!({ "text": "copper kettle", "kind": "words", "highlighted": "<em>copper</em> <em>kettle</em>" })
    );
    assert_eq!(
        suggested("q=ke&kind=category").await["items"],
        json!([{ "text": "kettles", "kind": "category", "highlighted": "<em>ke</em>ttles" }])
    );
    for nothing in ["", "q=", "q=%F0%9F%A6%80", "q=zz", "q=P9"] {
        assert_eq!(suggested(nothing).await, json!({ "items": [] }), "{nothing}");
    }
    for (query, code, pointer) in [
        ("q=a&limit=21", "invalid-parameter", "/limit"),
        ("q=a&kind=brnad", "invalid-parameter", "/kind"),
        ("q=a&brand=Acme", "unknown-parameter", "/brand"),
    ] {
        let path = format!("/v1/search/products/suggest?{query}");
        let problem = server.get(&path).await.problem(400, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
    let other = server.get_as("other", "/v1/search/products/suggest?q=b").await.ok();
    assert_eq!(other, json!({ "items": [] }), "Bolt is another's");
}

/// What one tenant sets changes its own searches alone, and the pages that were begun before not at all.
#[tokio::test]
async fn settings_are_the_tenants() {
    let server = stocked().await;
    server.index_product("other", "P8", 1, 100, "Bolt").await;
    let path = "/v1/search/products?q=pot&limit=1";
    for tenant in ["demo", "other"] {
        assert_eq!(server.get_as(tenant, path).await.ok()["total"], 0, "{tenant}");
    }
    let synonyms = json!({ "type": "SearchSynonymsReplaced", "data": { "groups": [{ "terms": ["pot", "kettle"] }] } });
    let boosts = |brand: &str| json!({ "type": "SearchBoostsReplaced", "data": { "boosts": [{ "brand": brand, "factor": 9.5 }] } });
    server
        .put_search_settings("demo", &[synonyms.clone(), boosts("Coil")])
        .await;
    let token = |version| server.consistency("demo", ["catalog", "search-settings", "products"], version);
    let first = server.get_after(path, &token(2), "1s").await.ok();
    assert_eq!((&first["total"], ids(&first)), (&json!(4), vec!["P4"]));
    // Known from now on, without a token.
    assert_eq!(server.get(path).await.ok()["total"], 4);
    assert_eq!(server.get_as("other", path).await.ok()["total"], 0);
    server
        .put_search_settings("demo", &[synonyms, boosts("Coil"), boosts("Bolt")])
        .await;
    let changed = server.get_after(path, &token(3), "1s").await.ok();
    assert_eq!(ids(&changed), ["P2"]);
    let mut begun = first;
    let mut seen = vec!["P4".to_owned()];
    while let Some(cursor) = begun["next_cursor"].as_str() {
        begun = server.get(&format!("{path}&cursor={cursor}")).await.ok();
        seen.extend(ids(&begun).into_iter().map(str::to_owned));
    }
    assert_eq!(seen, ["P4", "P1", "P2", "P3"]);
    server
        .get_after(path, &token(4), "10ms")
        .await
        .problem(409, "not-yet-consistent");
    let view = server.get("/v1/catalog/search-settings/products").await.ok();
    assert_eq!(view["boosts"], json!([{ "brand": "Bolt", "factor": 9.5 }]));
    server
        .get_as("other", "/v1/catalog/search-settings/products")
        .await
        .problem(404, "not-found");
}
