//! The tree of an account: one query, its own rows alone.

use crate::server::Server;
use serde_json::Value;

fn rows(page: &Value) -> Vec<(&str, &str)> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| (item["kind"].as_str().unwrap(), item["id"].as_str().unwrap()))
        .collect()
}

async fn planted() -> Server {
    let server = Server::start().await;
    for account in ["1", "10", "1#OPPORTUNITY"] {
        server.put_account("demo", account, "C1").await;
    }
    server.put_opportunity("demo", "O1", "1", &["a", "b"]).await;
    server.put_opportunity("demo", "O2", "1", &[]).await;
    server.put_opportunity("demo", "O10", "10", &["c"]).await;
    // Its account has not come through yet.
    server.put_opportunity("demo", "O9", "9", &[]).await;
    server
}

const TREE: [(&str, &str); 5] = [
    ("account", "1"),
    ("opportunity", "O1"),
    ("line-item", "a"),
    ("line-item", "b"),
    ("opportunity", "O2"),
];

#[tokio::test]
async fn a_tree_is_one_query_and_nobody_elses_rows() {
    let server = planted().await;
    server.get("/v1/crm/accounts/1/tree").await.ok();
    let before = server.views.accounting().snapshot();
    let tree = server.get("/v1/crm/accounts/1/tree").await.ok();
    let calls = server.views.accounting().since(&before);
    let calls: Vec<_> = calls
        .iter()
        .map(|usage| (usage.operation, usage.pattern, usage.calls))
        .collect();
    assert_eq!(calls, [("Query", "repository.query", 1)]);
    assert_eq!(rows(&tree), TREE);
    assert_eq!(tree["items"][0]["name"], "Difference Ltd");
    let versions: Vec<_> = tree["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["version"].as_u64())
        .collect();
    assert_eq!(versions, [1, 3, 3, 3, 1].map(Some));
    let ten = server.get("/v1/crm/accounts/10/tree").await.ok();
    assert_eq!(
        rows(&ten),
        [("account", "10"), ("opportunity", "O10"), ("line-item", "c")]
    );
    let crafted = server.get("/v1/crm/accounts/1%23OPPORTUNITY/tree").await.ok();
    assert_eq!(rows(&crafted), [("account", "1#OPPORTUNITY")]);
}

#[tokio::test]
async fn a_large_tree_goes_on_by_cursor() {
    let server = planted().await;
    let mut path = "/v1/crm/accounts/1/tree?limit=2".to_owned();
    let mut all: Vec<(String, String)> = Vec::new();
    loop {
        let page = server.get(&path).await.ok();
        all.extend(
            rows(&page)
                .into_iter()
                .map(|(kind, id)| (kind.to_owned(), id.to_owned())),
        );
        let Some(cursor) = page.get("next_cursor") else { break };
        path = format!("/v1/crm/accounts/1/tree?limit=2&cursor={}", cursor.as_str().unwrap());
    }
    let all: Vec<_> = all.iter().map(|(kind, id)| (kind.as_str(), id.as_str())).collect();
    assert_eq!(all, TREE);
}

#[tokio::test]
async fn without_its_account_there_is_no_tree() {
    let server = planted().await;
    for path in ["/v1/crm/accounts/2/tree", "/v1/crm/accounts/9/tree"] {
        server.get(path).await.problem(404, "not-found");
    }
    server
        .get_as("other", "/v1/crm/accounts/1/tree")
        .await
        .problem(404, "not-found");
}
