//! Consistency tokens: reads that wait, and for how long.

use crate::server::{Answer, Server};
use std::{sync::Arc, time::Duration};

const PRODUCT: [&str; 3] = ["catalog", "products", "P1"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_waits_for_its_view() {
    let server = Arc::new(Server::start().await);
    server.put_product("demo", "P1", 1).await;
    let token = server.consistency("demo", PRODUCT, 2);
    let (later, runtime) = (Arc::clone(&server), server.runtime.clone());
    let writer = runtime.spawn(async move {
        later.runtime.sleep(Duration::from_millis(150)).await;
        later.put_product("demo", "P1", 2).await;
        later.index_product("demo", "P1", 2, 1_999, "Acme").await;
    });
    let begun = server.runtime.monotonic();
    let view = server.get_after("/v1/catalog/products/P1", &token, "5s").await.ok();
    assert_eq!(view["version"], 2);
    assert!(server.runtime.monotonic() - begun >= Duration::from_millis(100));
    let list = server.get_after("/v1/catalog/products", &token, "5s").await.ok();
    assert_eq!(list["items"][0]["version"], 2);
    let found = server
        .get_after("/v1/search/products?q=kettle", &token, "5s")
        .await
        .ok();
    assert_eq!(found["total"], 1);
    writer.join().await.unwrap();
}

#[tokio::test]
async fn a_read_does_not_wait_longer_than_it_says() {
    let server = Server::start().await;
    server.put_product("demo", "P1", 1).await;
    let token = server.consistency("demo", PRODUCT, 2);
    let begun = server.runtime.monotonic();
    for path in ["/v1/catalog/products/P1", "/v1/catalog/products", "/v1/search/products"] {
        let answer = server.get_after(path, &token, "60ms").await;
        assert_eq!(answer.header("retry-after"), Some("1"));
        answer.problem(409, "not-yet-consistent");
    }
    assert!(server.runtime.monotonic() - begun < Duration::from_secs(2));
    // Of several rows, the head tells.
    server.put_opportunity("demo", "O1", "A1", &["a"]).await;
    server.put_account("demo", "A1", "C1").await;
    let opportunity = |version| server.consistency("demo", ["crm", "opportunities", "O1"], version);
    server
        .get_after("/v1/crm/accounts/A1/tree", &opportunity(2), "1s")
        .await
        .ok();
    server
        .get_after("/v1/crm/accounts/A1/tree", &opportunity(3), "10ms")
        .await
        .problem(409, "not-yet-consistent");
}

#[tokio::test]
async fn a_token_of_what_is_not_shown_asks_nothing() {
    let server = Server::start().await;
    let token = server.consistency("demo", PRODUCT, 99);
    server.get_after("/v1/crm/leads", &token, "0s").await.ok();
    server.get_after("/v1/catalog/brands", &token, "0s").await.ok();
}

/// A list by the table's own key is read consistently for whoever brings a token; one by an index cannot be.
#[tokio::test]
async fn a_list_is_as_new_as_its_token_where_that_can_be_asked_for() {
    let server = Server::start().await;
    server.put_product("demo", "P1", 1).await;
    server.put_account("demo", "A1", "C1").await;
    let accounting = server.views.accounting().clone();
    for (path, of, units) in [
        ("/v1/catalog/products", PRODUCT, 1.0),
        ("/v1/crm/accounts/A1/tree", ["crm", "accounts", "A1"], 1.0),
        ("/v1/crm/accounts", ["crm", "accounts", "A1"], 0.5),
    ] {
        let token = server.consistency("demo", of, 1);
        for (token, units) in [(None, 0.5), (Some(&token), units)] {
            let before = accounting.snapshot();
            let answer = match token {
                Some(token) => server.get_after(path, token, "1s").await,
                None => server.get(path).await,
            };
            assert_eq!(answer.ok()["items"].as_array().map(Vec::len), Some(1), "{path}");
            let usage = accounting.since(&before);
            let queries = usage.iter().filter(|usage| usage.pattern == "repository.query");
            assert_eq!(queries.map(|usage| usage.read_units).sum::<f64>(), units, "{path}");
        }
    }
}

#[tokio::test]
async fn tokens_and_waits_are_checked() {
    let server = Server::start().await;
    let foreign = server.consistency("other", PRODUCT, 1);
    for path in [
        "/v1/catalog/products/P1",
        "/v1/catalog/products",
        "/v1/search/products",
        "/v1/crm/leads/L1/history",
    ] {
        for token in [foreign.as_str(), "made-up"] {
            server
                .get_after(path, token, "1s")
                .await
                .problem(400, "invalid-consistency-token");
        }
    }
    for wait in ["11s", "soon", "1"] {
        let request = server.request(reqwest::Method::GET, "demo", "/v1/crm/leads");
        Answer::of(request.header("headwater-wait", wait))
            .await
            .problem(400, "invalid-header");
    }
}
