//! gRPC has the semantics and codes of HTTP.

use crate::server::Server;
use headwater_catalog::product::Product;
use headwater_edge::{
    error_info,
    v1::{Consistency, FilterValues, GetRequest, HistoryRequest, ListRequest, SearchRequest, SuggestRequest},
};
use serde_json::{Value, json};
use tonic::{Code, Status};

fn get(id: &str) -> GetRequest {
    GetRequest {
        context: "catalog".into(),
        aggregate: "products".into(),
        id: id.into(),
        consistency: None,
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, reason: &str) {
    let status = result.unwrap_err();
    let info = error_info(&status).unwrap();
    assert_eq!((status.code(), info.reason.as_str()), (code, reason), "{status}");
}

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[tokio::test]
async fn views_and_lists() {
    let server = Server::start().await;
    server.put_product("demo", "P1", 3).await;
    server.put_account("demo", "1", "C1").await;
    server.put_opportunity("demo", "O1", "1", &["a"]).await;
    let mut queries = server.queries().await;
    let view = queries.get(server.authorize(get("P1"))).await.unwrap().into_inner();
    assert_eq!(
        (view.version, &json_of(&view.view_json)),
        (3, &server.get("/v1/catalog/products/P1").await.ok())
    );
    refused(
        queries.get(server.authorize(get("P2"))).await,
        Code::NotFound,
        "not-found",
    );
    let late = GetRequest {
        consistency: Some(Consistency {
            token: server.consistency("demo", ["catalog", "products", "P1"], 4),
            wait_ms: Some(20),
        }),
        ..get("P1")
    };
    refused(
        queries.get(server.authorize(late)).await,
        Code::Aborted,
        "not-yet-consistent",
    );
    let mut by_metadata = server.authorize(get("P1"));
    let token = server.consistency("demo", ["catalog", "products", "P1"], 4);
    by_metadata
        .metadata_mut()
        .insert("headwater-consistency", token.parse().unwrap());
    by_metadata
        .metadata_mut()
        .insert("headwater-wait", "20ms".parse().unwrap());
    refused(queries.get(by_metadata).await, Code::Aborted, "not-yet-consistent");

    let tree = ListRequest {
        context: "crm".into(),
        collection: "tree".into(),
        parent: "accounts".into(),
        parent_id: "1".into(),
        limit: 2,
        ..ListRequest::default()
    };
    let page = queries.list(server.authorize(tree.clone())).await.unwrap().into_inner();
    assert_eq!(
        (page.items_json.len(), json_of(&page.items_json[0])["kind"].clone()),
        (2, json!("account"))
    );
    let cursor = page.next_cursor;
    let rest = queries
        .list(server.authorize(ListRequest { cursor, ..tree.clone() }))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((rest.items_json.len(), rest.next_cursor.as_str()), (1, ""));
    let filters = [("owner".to_owned(), "ann".to_owned())].into();
    let wrong = ListRequest {
        filters,
        ..tree.clone()
    };
    refused(
        queries.list(server.authorize(wrong)).await,
        Code::InvalidArgument,
        "unknown-parameter",
    );
    let wrong = ListRequest {
        collection: "trees".into(),
        ..tree
    };
    refused(
        queries.list(server.authorize(wrong)).await,
        Code::NotFound,
        "unknown-collection",
    );
    refused(queries.get(get("P1")).await, Code::Unauthenticated, "unauthenticated");
}

#[tokio::test]
async fn searches_and_histories() {
    let server = Server::start().await;
    server.index_product("demo", "P1", 1, 100, "Acme").await;
    server.index_product("demo", "P2", 1, 200, "Bolt").await;
    server.index_product("demo", "P3", 1, 300, "Bolt").await;
    let mut queries = server.queries().await;
    let values = vec!["Acme".to_owned(), "Bolt".to_owned()];
    let search = SearchRequest {
        kind: "products".into(),
        q: "kettle".into(),
        filters: [("brand".to_owned(), FilterValues { values })].into(),
        facets: vec!["brand".into()],
        sort: "-price".into(),
        highlight: true,
        ..SearchRequest::default()
    };
    let answer = queries
        .search(server.authorize(search.clone()))
        .await
        .unwrap()
        .into_inner();
    let path = "/v1/search/products?q=kettle&brand=Acme&brand=Bolt&facets=brand&sort=-price&highlight=true";
    assert_eq!(json_of(&answer.result_json), server.get(path).await.ok());
    let collapsed = SearchRequest {
        collapse: "brand".into(),
        ..search.clone()
    };
    let answer = queries.search(server.authorize(collapsed)).await.unwrap().into_inner();
    let collapsed = server.get(&format!("{path}&collapse=brand")).await.ok();
    assert_eq!(json_of(&answer.result_json), collapsed);
    assert_eq!(collapsed["hits"].as_array().map(Vec::len), Some(2));
    let suggest = SuggestRequest {
        kind: "products".into(),
        q: "copper k".into(),
        limit: 3,
        ..SuggestRequest::default()
    };
    let answer = queries
        .suggest(server.authorize(suggest.clone()))
        .await
        .unwrap()
        .into_inner();
    let same = server.get("/v1/search/products/suggest?q=copper+k&limit=3").await.ok();
    assert_eq!(same["items"][0]["text"], "copper kettle");
    assert_eq!(json_of(&answer.result_json), same);
    let wrong = SuggestRequest {
        kind: "orders".into(),
        ..suggest
    };
    refused(
        queries.suggest(server.authorize(wrong)).await,
        Code::NotFound,
        "unknown-kind",
    );
    let wrong = SearchRequest {
        kind: "product".into(),
        ..search
    };
    refused(
        queries.search(server.authorize(wrong)).await,
        Code::NotFound,
        "unknown-kind",
    );

    let create = json!({ "sku": "S-1", "title": "Kettle", "brand": "Acme", "price_cents": 1 });
    server.command::<Product>("demo", "P1", "create", create).await;
    let history = HistoryRequest {
        context: "catalog".into(),
        aggregate: "products".into(),
        id: "P1".into(),
        ..HistoryRequest::default()
    };
    let page = queries.history(server.authorize(history)).await.unwrap().into_inner();
    let items: Vec<_> = page.items_json.iter().map(|item| json_of(item)).collect();
    let same = server.get("/v1/catalog/products/P1/history").await.ok();
    assert_eq!(same["items"].as_array(), Some(&items));
}
