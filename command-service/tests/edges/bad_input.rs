//! Bad input of every kind is answered by a problem that says what is wrong where, and nothing else stops.

use crate::server::{Answer, Server, product};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Sends bytes and reads until the server closes.
pub(crate) async fn raw(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.http).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Creates a product whose id stands in the path exactly as given.
pub(crate) async fn raw_create(server: &Server, id: &str) -> String {
    let (token, body) = (server.token(), product().to_string());
    let request = format!(
        "POST /v1/catalog/products/{id}/create HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    raw(server, request.as_bytes()).await
}

#[tokio::test]
async fn payloads() {
    let server = Server::start().await;
    let send = |body: &str| {
        let request = server
            .post("/v1/catalog/products/P1/create")
            .header("content-type", "application/json");
        Answer::of(request.body(body.to_owned()))
    };
    for text in [
        "not json",
        "{",
        "{}{}",
        "{\"sku\":\"a\",\"sku\":\"b\"}",
        "\u{feff}{}",
        "{'a':1}",
    ] {
        send(text).await.problem(400, "invalid-json");
    }
    for (body, pointer, says) in [
        ("[]", "", "an array"),
        ("null", "", "null"),
        ("{}", "", "missing field"),
        (
            r#"{"sku":"s","title":"t","brand":"b","price_cents":"1"}"#,
            "/price_cents",
            "invalid type",
        ),
        (
            r#"{"sku":"s","title":"t","brand":"b","price_cents":1.5}"#,
            "/price_cents",
            "floating point",
        ),
        (
            r#"{"sku":"s","title":"t","brand":"b","price_cents":1,"colour":"red"}"#,
            "/colour",
            "unknown field `colour`",
        ),
    ] {
        let problem = send(body).await.problem(400, "invalid-payload");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert!(
            problem["errors"][0]["detail"].as_str().unwrap().contains(says),
            "{problem}"
        );
    }
    let negative = send(r#"{"sku":"s","title":"t","brand":"b","price_cents":-1}"#).await;
    assert_eq!(
        (negative.status, &negative.json()["errors"][0]["pointer"]),
        (422, &"/price_cents".into())
    );
    let long = format!("{{\"{}\":1}}", "x".repeat(100_000));
    assert!(send(&long).await.text.len() < 8_000, "an echo stays small");
    send(&"[".repeat(100_000)).await.problem(400, "invalid-json");
    // An empty body is an empty payload.
    let answer = Answer::of(server.post("/v1/catalog/products/P1/create")).await;
    answer.problem(400, "invalid-payload");
}

#[tokio::test]
async fn addresses() {
    let server = Server::start().await;
    let send = |path: &str| Answer::of(server.post(path).json(&product()));
    let problem = send("/v1/catalogue/products/P1/create")
        .await
        .problem(404, "unknown-context");
    assert!(
        problem["detail"].as_str().unwrap().contains("did you mean catalog?"),
        "{problem}"
    );
    let problem = send("/v1/catalog/product/P1/create")
        .await
        .problem(404, "unknown-aggregate");
    assert!(
        problem["detail"].as_str().unwrap().contains("did you mean products?"),
        "{problem}"
    );
    let problem = send("/v1/catalog/products/P1/change_price")
        .await
        .problem(404, "unknown-command");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("did you mean change-price?"),
        "{problem}"
    );
    send("/v1/nothing").await.problem(404, "no-such-route");
    send("/nothing").await.problem(404, "no-such-route");
    for id in ["%00", "a%00b", "a%0Ab", &"x".repeat(5_000), &"%F0%9F%A6%80".repeat(200)] {
        send(&format!("/v1/catalog/products/{id}/create"))
            .await
            .problem(422, "invalid-id");
    }
    let answer = raw_create(&server, "%FF").await;
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("application/problem+json"),
        "{answer}"
    );
    let get = server
        .client
        .get(server.url("/v1/commands"))
        .bearer_auth(server.token());
    let answer = Answer::of(get).await;
    answer.problem(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), Some("POST"));
}

#[tokio::test]
async fn headers() {
    let server = Server::start().await;
    let path = "/v1/catalog/products/P1/create";
    let answer = Answer::of(server.post(path).body("{}")).await;
    answer.problem(415, "unsupported-media-type");
    let answer = Answer::of(server.post(path).header("content-type", "text/xml").body("<a/>")).await;
    answer.problem(415, "unsupported-media-type");
    let with = |name: &'static str, value: String| Answer::of(server.post(path).json(&product()).header(name, value));
    for key in ["", "a b", &"x".repeat(256)] {
        with("idempotency-key", key.to_owned())
            .await
            .problem(400, "invalid-idempotency-key");
    }
    for tag in ["7", "*", "W/\"7\"", "\"7\", \"8\"", "\"x\""] {
        with("if-match", tag.to_owned())
            .await
            .problem(400, "invalid-precondition");
    }
    with("if-match", "\"1\"".to_owned())
        .await
        .problem(412, "version-conflict");
    let answer = with(
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
    )
    .await;
    assert_eq!(answer.status, 200);
    let again = server
        .post(path)
        .json(&product())
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert_eq!(
        Answer::of(again).await.json()["trace_id"],
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
}

#[tokio::test]
async fn a_body_of_30_mb_is_refused_and_the_client_gets_to_know() {
    let server = Server::start().await;
    let body = vec![b' '; 30 << 20];
    let path = "/v1/catalog/products/P1/create";
    let answer = Answer::of(
        server
            .post(path)
            .header("content-type", "application/json")
            .body(body.clone()),
    )
    .await;
    answer.problem(413, "payload-too-large");
    // Without Content-Length.
    let chunks = futures::stream::iter(
        body.chunks(1 << 16)
            .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()))
            .collect::<Vec<_>>(),
    );
    let chunked = server
        .post(path)
        .header("content-type", "application/json")
        .body(reqwest::Body::wrap_stream(chunks));
    Answer::of(chunked).await.problem(413, "payload-too-large");
    // A client that writes everything before it reads.
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        server.token(),
        body.len()
    );
    let answer = raw(&server, &[head.as_bytes(), &body].concat()).await;
    assert!(
        answer.starts_with("HTTP/1.1 413") && answer.contains("payload-too-large"),
        "{answer}"
    );
    assert_eq!(server.create("P1").await.status, 200);
}
