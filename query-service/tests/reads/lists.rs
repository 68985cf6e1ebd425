//! Lists: pages, filters, what is refused.

use crate::server::{Answer, Server};
use headwater_tenancy::Role;
use serde_json::{Value, json};

fn ids(page: &Value) -> Vec<&str> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn leads_come_newest_first_page_by_page() {
    let server = Server::start().await;
    for n in 0..7 {
        let owner = (n % 2 == 0).then_some("ann");
        server.put_lead("demo", &format!("L{n}"), owner, n).await;
    }
    server.put_lead("other", "L8", None, 8).await;
    let mut path = "/v1/crm/leads?limit=3".to_owned();
    let mut all = Vec::new();
    loop {
        let page = server.get(&path).await.ok();
        all.extend(ids(&page).into_iter().map(str::to_owned));
        let Some(cursor) = page.get("next_cursor") else { break };
        path = format!("/v1/crm/leads?limit=3&cursor={}", cursor.as_str().unwrap());
    }
    assert_eq!(all, ["L6", "L5", "L4", "L3", "L2", "L1", "L0"]);
    let whole = server.get("/v1/crm/leads?limit=7").await.ok();
    assert!(
        whole.get("next_cursor").is_none(),
        "a page that ends with the list has no cursor"
    );
    assert_eq!(whole["items"][0]["name"], json!("Ada"));
    assert_eq!(whole["items"][0]["version"], 1);
    assert!(!whole.to_string().contains("$pd"), "{whole}");

    let of_ann = server.get("/v1/crm/leads?owner_id=ann").await.ok();
    assert_eq!(ids(&of_ann), ["L6", "L4", "L2", "L0"]);
    let between = "from=2026-01-01T00:00:02Z&to=2026-01-01T00:00:05Z";
    let some = server.get(&format!("/v1/crm/leads?{between}")).await.ok();
    assert_eq!(ids(&some), ["L4", "L3", "L2"], "from is in, to is not");
    let some = server.get(&format!("/v1/crm/leads?owner_id=ann&{between}")).await.ok();
    assert_eq!(ids(&some), ["L4", "L2"]);
    let none = server.get("/v1/crm/leads?owner_id=nobody").await.ok();
    assert_eq!(none, json!({ "items": [] }));
}

#[tokio::test]
async fn a_cursor_is_of_its_tenant_and_its_query() {
    let server = Server::start().await;
    for tenant in ["demo", "other"] {
        for n in 0..3 {
            server.put_lead(tenant, &format!("L{n}"), Some("ann"), n).await;
        }
    }
    let page = server.get("/v1/crm/leads?limit=1").await.ok();
    let cursor = page["next_cursor"].as_str().unwrap();
    let path = format!("/v1/crm/leads?limit=1&cursor={cursor}");
    assert_eq!(ids(&server.get(&path).await.ok()), ["L1"]);
    server.get_as("other", &path).await.problem(400, "invalid-cursor");
    for path in [
        "/v1/crm/leads?owner_id=ann&cursor=",
        "/v1/crm/accounts?cursor=",
        "/v1/crm/leads?cursor=x",
    ] {
        server
            .get(&format!("{path}{cursor}"))
            .await
            .problem(400, "invalid-cursor");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let server = Server::start().await;
    let problem = server
        .get("/v1/crm/leads?owner=ann")
        .await
        .problem(400, "unknown-parameter");
    assert!(
        problem["detail"].as_str().unwrap().contains("did you mean owner_id?"),
        "{problem}"
    );
    assert_eq!(problem["errors"][0]["pointer"], "/owner");
    for (query, pointer) in [
        ("limit=0", "/limit"),
        ("limit=201", "/limit"),
        ("limit=x", "/limit"),
        ("limit=1&limit=2", "/limit"),
        ("from=yesterday", "/from"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "/to"),
        ("owner_id=", "/owner_id"),
    ] {
        let problem = server
            .get(&format!("/v1/crm/leads?{query}"))
            .await
            .problem(400, "invalid-parameter");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
    server
        .get("/v1/catalog/products?owner_id=a")
        .await
        .problem(400, "unknown-parameter");
    server.get("/v1/crm/nothing").await.problem(404, "no-such-route");
    let url = format!("http://{}/v1/crm/leads", server.http);
    Answer::of(reqwest::Client::new().get(&url))
        .await
        .problem(401, "unauthenticated");
    let operator = server.token_of("demo", &[Role::Operator]);
    Answer::of(reqwest::Client::new().get(&url).bearer_auth(operator))
        .await
        .problem(403, "forbidden");
}

#[tokio::test]
async fn every_list_is_one_query() {
    let server = Server::start().await;
    for account in ["1", "10"] {
        server.put_account("demo", account, "C1").await;
    }
    server.put_account("demo", "3", "C10").await;
    server.put_product("demo", "P1", 1).await;
    for (path, expected) in [
        ("/v1/catalog/products", &["P1"][..]),
        ("/v1/catalog/brands", &[]),
        ("/v1/catalog/categories", &[]),
        ("/v1/crm/capsules", &[]),
        ("/v1/crm/capsules/C1/accounts", &["1", "10"]),
        ("/v1/crm/accounts", &["1", "10", "3"]),
        ("/v1/crm/accounts?owner_id=ann", &["1", "10", "3"]),
        ("/v1/crm/leads", &[]),
    ] {
        // The first read learns which generation is live.
        server.get(path).await.ok();
        let before = server.views.accounting().snapshot();
        assert_eq!(ids(&server.get(path).await.ok()), expected, "{path}");
        let calls: Vec<_> = server.views.accounting().since(&before);
        let calls: Vec<_> = calls.iter().map(|usage| (usage.operation, usage.calls)).collect();
        assert_eq!(calls, [("Query", 1)], "{path}");
    }
    let other = server.get_as("other", "/v1/crm/capsules/C1/accounts").await.ok();
    assert_eq!(other, json!({ "items": [] }));
}
