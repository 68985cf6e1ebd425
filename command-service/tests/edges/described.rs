//! What describes the interface: OpenAPI, schemas, the page.

use crate::server::{Answer, Server};
use serde_json::Value;

async fn get(server: &Server, path: &str) -> Answer {
    Answer::of(server.client.get(server.url(path))).await
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_command_is_described_and_every_reference_resolves() {
    let server = Server::start().await;
    let document = get(&server, "/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let create = &document["paths"]["/v1/catalog/products/{id}/create"]["post"];
    assert_eq!(create["operationId"], "catalog.products.create");
    assert!(create["description"].as_str().is_some_and(|text| !text.is_empty()));
    let payload = &document["components"]["schemas"]["catalog.products.create"];
    assert!(payload["properties"]["price_cents"].is_object(), "{payload}");
    let mut all = Vec::new();
    references(&document, &mut all);
    assert!(all.len() > 20);
    for reference in all {
        assert!(
            document.pointer(reference.strip_prefix('#').unwrap()).is_some(),
            "{reference}"
        );
    }
}

#[tokio::test]
async fn schemas_and_the_page_need_no_token_and_load_nothing_from_elsewhere() {
    let server = Server::start().await;
    let list = get(&server, "/schemas").await.json();
    for item in list["items"].as_array().unwrap() {
        let answer = get(&server, item["path"].as_str().unwrap()).await;
        assert_eq!((answer.status, &answer.json()["title"]), (200, &item["name"]));
    }
    get(&server, "/schemas/none").await.problem(404, "unknown-schema");
    let page = get(&server, "/docs").await;
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .starts_with("default-src 'none'")
    );
    assert!(!page.text.contains("http://") && !page.text.contains("https://") && !page.text.contains(" src="));
}
