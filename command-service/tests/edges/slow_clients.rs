//! Clients that are slow or go silent, and more of them than there is room for, hold up nobody else.

use crate::server::{Answer, Server, product};
use futures::future::join_all;
use headwater_dynamodb::faults::{Fault, Rule};
use headwater_edge::Limits;
use headwater_tenancy::Role;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PATIENCE: Duration = Duration::from_millis(400);

async fn begun(server: &Server, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.http).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

async fn rest(server: &Server, mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    server
        .runtime
        .timeout(PATIENCE * 10, read)
        .await
        .expect("the server ends it")
        .ok();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn silent_connections_are_closed_and_slow_bodies_are_told_why() {
    let limits = Limits {
        header_timeout: PATIENCE,
        body_timeout: PATIENCE,
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let head = format!(
        "POST /v1/catalog/products/P1/create HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
        server.token()
    );
    let silent = begun(&server, "").await;
    let half = begun(&server, "PRI * HT").await;
    let headers = begun(&server, "POST /v1/catalog HTTP/1.1\r\nHost:").await;
    let body = begun(&server, &head).await;
    assert_eq!(server.create("P1").await.status, 200);
    rest(&server, silent).await;
    rest(&server, half).await;
    rest(&server, headers).await;
    let answer = rest(&server, body).await;
    assert!(
        answer.starts_with("HTTP/1.1 408") && answer.contains("request-timeout"),
        "{answer}"
    );
}

#[tokio::test]
async fn too_many_at_once_are_refused_early() {
    let limits = Limits {
        max_in_flight: 2,
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let head = format!(
        "POST /v1/catalog/products/P1/create HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n",
        server.token()
    );
    let _holding = join_all((0..2).map(|_| begun(&server, &head))).await;
    server.runtime.sleep(Duration::from_millis(100)).await;
    let refused = Answer::of(server.post("/v1/catalog/products/P2/create").json(&product())).await;
    refused.problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let open = Answer::of(server.client.get(server.url("/openapi.json"))).await;
    assert_eq!(open.status, 200);
}

#[tokio::test]
async fn one_tenants_slow_requests_leave_room_for_the_others() {
    let limits = Limits {
        max_in_flight_per_tenant: 2,
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let head = format!(
        "POST /v1/catalog/products/P1/create HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n",
        server.token()
    );
    let holding = join_all((0..2).map(|_| begun(&server, &head))).await;
    server.runtime.sleep(Duration::from_millis(100)).await;
    let path = "/v1/catalog/products/P2/create";
    let refused = Answer::of(server.post(path).json(&product())).await;
    refused.problem(429, "too-many-requests");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let other = server.token_of("other", &[Role::Owner], Duration::from_secs(60));
    let others = server.client.post(server.url(path)).bearer_auth(other).json(&product());
    assert_eq!(Answer::of(others).await.status, 200);
    drop(holding);
    for _ in 0..50 {
        if Answer::of(server.post(path).json(&product())).await.status == 200 {
            return;
        }
        server.runtime.sleep(Duration::from_millis(50)).await;
    }
    panic!("who left still holds places");
}

#[tokio::test]
async fn who_may_not_command_is_told_before_the_body_comes() {
    let server = Server::start().await;
    let reader = server.token_of("demo", &[Role::Auditor], Duration::from_secs(60));
    let head = format!(
        "POST /v1/catalog/products/P1/create HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {reader}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n",
    );
    let answer = rest(&server, begun(&server, &head).await).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[tokio::test]
async fn a_command_past_its_deadline_is_answered_and_can_be_sent_again() {
    let server = Server::with(Limits {
        deadline: Duration::from_millis(200),
        ..Limits::default()
    })
    .await;
    for operation in ["PutItem", "TransactWriteItems"] {
        server
            .faults
            .add(Rule::new(Fault::Delay(Duration::from_secs(5))).operation(operation));
    }
    let send = || {
        server
            .post("/v1/catalog/products/P1/create")
            .json(&product())
            .header("idempotency-key", "k")
    };
    let answer = Answer::of(send()).await;
    answer.problem(503, "deadline-exceeded");
    assert_eq!(answer.header("retry-after"), Some("1"));
    server.faults.clear();
    let again = Answer::of(send()).await;
    assert_eq!((again.status, &again.json()["version"]), (200, &1.into()));
}

#[tokio::test]
async fn a_store_that_fails_is_not_shown_to_the_caller() {
    let server = Server::start().await;
    server.faults.add(Rule::new(Fault::InternalError));
    let answer = server.create("P1").await;
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(!answer.text.to_lowercase().contains("dynamo"), "{}", answer.text);
}
