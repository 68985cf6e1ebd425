//! Batches as NDJSON: order, bad lines, long streams, clients that leave.

use crate::server::{Server, line, product};
use headwater_edge::Limits;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

fn results(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn bad_lines_stop_none_of_the_others() {
    let server = Server::start().await;
    let lines = [
        line("B1", "create", &product()),
        "not json".into(),
        String::new(),
        json!({ "context": "catalog", "aggregate": "products", "id": "B2", "command": "create", "payload": product(), "colour": 1 }).to_string(),
        line("B1", "create", &product()),
        line("B1", "change-price", &json!({ "price_cents": "1" })),
        format!("{{\"context\": \"{}\"}}", "x".repeat(2 << 20)),
        line(&"x".repeat(5_000), "create", &product()),
        line("B1", "explode", &json!({})),
        line("B1", "change-price", &json!({ "price_cents": 5 })),
        "[1]".into(),
    ];
    let answer = server.batch(lines.join("\r\n")).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/x-ndjson"))
    );
    let got: Vec<_> = results(&answer.text)
        .iter()
        .map(|result| {
            let code = result["problem"]["code"].as_str().unwrap_or("receipt").to_owned();
            assert!(code == "receipt" || result["problem"]["trace_id"].is_string());
            (
                result["line"].as_u64().unwrap(),
                result["status"].as_u64().unwrap(),
                code,
            )
        })
        .collect();
    let expected = [
        (1, 200, "receipt"),
        (2, 400, "invalid-json"),
        (4, 400, "invalid-line"),
        (5, 422, "already-exists"),
        (6, 400, "invalid-payload"),
        (7, 413, "payload-too-large"),
        (8, 422, "invalid-id"),
        (9, 404, "unknown-command"),
        (10, 200, "receipt"),
        (11, 400, "invalid-line"),
    ];
    assert_eq!(
        got,
        expected.map(|(line, status, code)| (line, status, code.to_owned()))
    );
    server.batch("").await;
    let wrong = server.post("/v1/commands").json(&json!([]));
    crate::server::Answer::of(wrong)
        .await
        .problem(415, "unsupported-media-type");
}

#[tokio::test]
async fn lines_to_one_aggregate_keep_their_order_and_results_that_of_the_lines() {
    let server = Server::start().await;
    let mut lines: Vec<_> = (0..10).map(|n| line(&format!("O{n}"), "create", &product())).collect();
    for round in 1..=30 {
        lines.extend((0..10).map(|n| line(&format!("O{n}"), "change-price", &json!({ "price_cents": round }))));
    }
    let results = results(&server.batch(lines.join("\n")).await.text);
    assert_eq!(results.len(), 310);
    for (at, result) in results.iter().enumerate() {
        assert_eq!(
            (result["line"].as_u64(), &result["receipt"]["id"]),
            (Some(at as u64 + 1), &json!(format!("O{}", at % 10))),
            "{result}"
        );
        assert_eq!(
            result["receipt"]["version"].as_u64(),
            Some(at as u64 / 10 + 1),
            "{result}"
        );
    }
}

/// A client that writes 100,000 lines before it reads one answer: what waits is bounded, and neither side waits for ever. The lines are
/// refused, so that this measures the stream and not the log.
#[tokio::test]
async fn a_long_batch_streams() {
    let server = Server::start().await;
    let one = line("L1", "explode", &json!({})) + "\n";
    let answer = server.batch(one.repeat(100_000)).await;
    assert_eq!(answer.text.lines().count(), 100_000);
    let last: Value = serde_json::from_str(answer.text.lines().last().unwrap()).unwrap();
    assert_eq!((&last["line"], &last["status"]), (&json!(100_000), &json!(404)));
}

#[tokio::test]
async fn answers_come_while_lines_are_still_to_come_and_a_batch_that_stands_still_ends() {
    let limits = Limits {
        idle_timeout: Duration::from_millis(800),
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let (lines, body) = tokio::sync::mpsc::unbounded_channel::<Result<String, std::io::Error>>();
    let body = reqwest::Body::wrap_stream(futures::stream::unfold(body, |mut body| async {
        body.recv().await.map(|line| (line, body))
    }));
    let request = server
        .post("/v1/commands")
        .header("content-type", "application/x-ndjson")
        .body(body);
    lines.send(Ok(line("S1", "create", &product()) + "\n")).unwrap();
    let mut response = request.send().await.unwrap();
    let first = response.chunk().await.unwrap().unwrap();
    assert_eq!(results(std::str::from_utf8(&first).unwrap())[0]["status"], 200);
    let rest = response.chunk().await.unwrap().unwrap();
    assert_eq!(
        results(std::str::from_utf8(&rest).unwrap())[0]["problem"]["code"],
        "request-timeout"
    );
    assert!(response.chunk().await.unwrap().is_none());
    drop(lines);
}

#[tokio::test]
async fn a_client_that_leaves_gives_its_place_back() {
    let limits = Limits {
        max_batches: 1,
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let head = format!(
        "POST /v1/commands HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/x-ndjson\r\nContent-Length: 1000000000\r\n\r\n",
        server.token()
    );
    let mut client = TcpStream::connect(server.http).await.unwrap();
    let lines = (line("X", "explode", &json!({})) + "\n").repeat(1_000);
    client.write_all((head + &lines).as_bytes()).await.unwrap();
    assert!(client.read(&mut [0; 1_000]).await.unwrap() > 0);
    let refused = server.batch("").await;
    refused.problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), Some("1"));
    drop(client);
    for _ in 0..50 {
        if server.batch("").await.status == 200 {
            return;
        }
        server.runtime.sleep(Duration::from_millis(50)).await;
    }
    panic!("the batch still holds its place");
}
