//! Receipts, idempotency, preconditions, and who may call.

use crate::server::{Answer, Server, line, product};
use futures::future::join_all;
use headwater_tenancy::{Role, TenantState};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_command_answers_its_receipt() {
    let server = Server::start().await;
    let answer = server.create("P1").await;
    assert_eq!(
        (answer.status, answer.header("etag")),
        (200, Some("\"1\"")),
        "{}",
        answer.text
    );
    let receipt = answer.json();
    assert_eq!(
        (&receipt["context"], &receipt["aggregate"], &receipt["id"]),
        (&json!("catalog"), &json!("products"), &json!("P1"))
    );
    assert_eq!(
        (&receipt["version"], &receipt["events"][0]["sequence"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(receipt["events"][0]["type"], "ProductCreated");
    assert!(receipt["token"].as_str().is_some_and(|token| token.len() > 40));
    assert!(receipt["command_id"].as_str().is_some_and(|id| id.len() == 36));

    let path = "/v1/catalog/products/P1/change-price";
    let same = Answer::of(server.post(path).json(&json!({ "price_cents": 1999 })))
        .await
        .json();
    assert_eq!(
        (&same["version"], &same["events"]),
        (&json!(1), &json!([])),
        "nothing had to change"
    );
    let answer = Answer::of(
        server
            .post(path)
            .json(&json!({ "price_cents": 5 }))
            .header("if-match", "\"1\""),
    )
    .await;
    assert_eq!(answer.json()["version"], 2);
    let stale = Answer::of(
        server
            .post(path)
            .json(&json!({ "price_cents": 6 }))
            .header("if-match", "\"1\""),
    )
    .await;
    assert_eq!(stale.problem(412, "version-conflict")["current_version"], 2);
    server.create("P1").await.problem(422, "already-exists");
    let again = server
        .post("/v1/catalog/products/P9/create")
        .json(&product())
        .header("if-none-match", "*");
    assert_eq!(Answer::of(again).await.status, 200);
}

#[tokio::test]
async fn the_same_key_is_the_same_command_also_in_parallel() {
    let server = Server::start().await;
    let send = |price: i64| {
        let body = format!("{{\"price_cents\": {price}, \"sku\": \"S\", \"title\": \"T\", \"brand\": \"B\"}}");
        let request = server
            .post("/v1/catalog/products/P1/create")
            .header("content-type", "application/json");
        Answer::of(request.header("idempotency-key", "k-1").body(body))
    };
    let answers = join_all((0..16).map(|_| send(100))).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 200 && answer.text == answers[0].text)
    );
    let first = answers
        .iter()
        .filter(|answer| answer.header("idempotency-replayed").is_none())
        .count();
    assert_eq!((first, answers[0].json()["version"].as_u64()), (1, Some(1)));
    send(101).await.problem(422, "idempotency-key-reused");

    // Other order of members, same payload; and a replay's ETag is the version now.
    let body = "{\"brand\":\"B\",\"title\":\"T\",\"sku\":\"S\",\"price_cents\":100}";
    let price = server
        .post("/v1/catalog/products/P1/change-price")
        .json(&json!({ "price_cents": 7 }));
    assert_eq!(Answer::of(price).await.status, 200);
    let request = server
        .post("/v1/catalog/products/P1/create")
        .header("content-type", "application/json");
    let again = Answer::of(request.header("idempotency-key", "k-1").body(body)).await;
    assert_eq!(
        (again.text.as_str(), again.header("etag")),
        (answers[0].text.as_str(), Some("\"2\""))
    );
}

#[tokio::test]
async fn nothing_below_v1_works_without_a_token() {
    let server = Server::start().await;
    let path = "/v1/catalog/products/P1/create";
    let with = |authorization: Option<String>, path: &str| {
        let request = server.client.post(server.url(path)).json(&product());
        let request = match authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        };
        Answer::of(request)
    };
    for path in [path, "/v1/commands", "/v1/none/such", "/v1"] {
        let answer = with(None, path).await;
        answer.problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    let token = server.token();
    let expired = server.token_of("demo", &[Role::Owner], Duration::ZERO);
    with(Some(format!("Bearer {expired}")), path)
        .await
        .problem(401, "token-expired");
    let unknown = server.token_of("nobody", &[Role::Owner], Duration::from_secs(60));
    for bad in [&token[..token.len() - 4], "x", "", &unknown, "eyJhbGciOiJub25lIn0.e30."] {
        with(Some(format!("Bearer {bad}")), path)
            .await
            .problem(401, "invalid-token");
    }
    with(Some(format!("Basic {token}")), path)
        .await
        .problem(401, "invalid-token");
    let auditor = server.token_of("demo", &[Role::Auditor], Duration::from_secs(60));
    with(Some(format!("bearer {auditor}")), path)
        .await
        .problem(403, "forbidden");
    assert_eq!(with(Some(format!("bearer {token}")), path).await.status, 200);
}

#[tokio::test]
async fn a_suspended_tenant_changes_nothing() {
    let server = Server::start().await;
    assert_eq!(server.create("P1").await.status, 200);
    server.set_state(TenantState::Suspended).await;
    server.create("P2").await.problem(403, "tenant-suspended");
    // Nor does it learn what it did before by sending it again, and a batch is refused as a whole.
    server.create("P1").await.problem(403, "tenant-suspended");
    let batch = server.batch(line("P2", "create", &product())).await;
    batch.problem(403, "tenant-suspended");
    server.set_state(TenantState::Active).await;
    assert_eq!(server.create("P2").await.status, 200);
}

#[tokio::test]
async fn another_tenant_sees_nothing() {
    let server = Server::start().await;
    assert_eq!(server.create("P1").await.status, 200);
    let other = server.token_of("other", &[Role::Owner], Duration::from_secs(60));
    let path = server.url("/v1/catalog/products/P1/change-price");
    let request = server
        .client
        .post(path)
        .bearer_auth(other)
        .json(&json!({ "price_cents": 1 }));
    Answer::of(request).await.problem(404, "not-found");
}

#[tokio::test]
async fn ids_mean_what_they_say() {
    let server = Server::start().await;
    for (path, id) in [
        ("a%23b", "a#b"),
        ("%2523", "%23"),
        ("a%2Fb", "a/b"),
        ("%F0%9F%A6%80", "🦀"),
        ("a+b", "a+b"),
        ("%20a", " a"),
        ("...", "..."),
    ] {
        // A client library would tidy some of these up.
        let answer = crate::bad_input::raw_create(&server, path).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        let receipt: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!(receipt["id"], id);
    }
    for path in [
        "%20",
        "%E3%80%80",
        ".",
        "..",
        "%2E%2E",
        "a%E2%80%8B",
        "%E2%80%AEa",
        "a%0A",
    ] {
        let answer = crate::bad_input::raw_create(&server, path).await;
        assert!(
            answer.starts_with("HTTP/1.1 422") && answer.contains("invalid-id"),
            "{path}: {answer}"
        );
    }
}
