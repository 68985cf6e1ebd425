//! How a process ends: what is in work is answered, what takes too long is named, a second signal does not wait. And what a store
//! that hangs keeps nobody waiting for.

use crate::{
    installation::Installation,
    process::{Client, Serve, end_of, send},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// A batch whose body does not end.
fn endless_batch(process: &Serve, token: &str) -> TcpStream {
    let address = process.http.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /v1/commands HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_ends_in_time_and_says_what_it_cut() {
    let installation = Installation::new();
    let credentials = installation.ministack.credentials();
    let config = installation.config(
        "all.toml",
        "dynamodb.create_tables = true\ntenants = [\"acme:us\"]\nlimits.drain_ms = 1500\n",
    );
    let token = installation.issuer.token("acme", &["owner"]);
    let process = Serve::start(&config, &credentials);
    let client = Client::new(&token);
    let _batch = endless_batch(&process, &token);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let since = Instant::now();
    process.signal("-TERM");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (status, why) = client.text(&format!("{}/readyz", process.metrics)).await;
    assert!(
        status == 503 && why.contains("draining: this process ends"),
        "{status} {why}"
    );
    let refused = TcpStream::connect(process.http.strip_prefix("http://").unwrap());
    assert!(refused.is_err(), "it accepts nothing more");
    let (status, _, errors) = process.wait();
    let took = since.elapsed();
    assert!(status.success(), "{status}: {errors}");
    assert!(
        took > Duration::from_millis(1_400) && took < Duration::from_secs(4),
        "{took:?}"
    );
    assert!(errors.contains("cut: 1 × POST /v1/commands"), "{errors}");

    // The second signal does not wait.
    let process = Serve::start(&config, &credentials);
    let _batch = endless_batch(&process, &token);
    tokio::time::sleep(Duration::from_millis(300)).await;
    process.signal("-TERM");
    tokio::time::sleep(Duration::from_millis(200)).await;
    process.signal("-INT");
    let (status, took, _) = process.wait();
    assert!(
        !status.success() && took < Duration::from_secs(1),
        "{status} after {took:?}"
    );
}

/// A start that cannot reach its tables yet says so, refuses requests, and goes on once they answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_waits_for_its_tables() {
    let installation = Installation::new();
    let credentials = installation.ministack.credentials();
    let config = installation.config("all.toml", "dynamodb.create_tables = true\ntenants = [\"acme:us\"]\n");
    // Somewhere that can be found before it is ready.
    let free = || {
        std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .to_string()
    };
    let (http, client) = (free(), Client::new(&installation.issuer.token("acme", &["owner"])));
    installation.ministack.pause();
    let environment = credentials
        .into_iter()
        .chain([("HEADWATER_HTTP", http.as_str())])
        .collect::<Vec<_>>();
    let mut child = Serve::spawn(&config, &environment);
    let url = format!("http://{http}");
    let since = Instant::now();
    while TcpStream::connect(&http).is_err() {
        assert!(
            since.elapsed() < Duration::from_secs(10),
            "it listens from the first moment on"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(client.text(&format!("{url}/healthz")).await, (200, "ok".into()));
    let (status, why) = client.text(&format!("{url}/readyz")).await;
    assert!(status == 503 && why.contains("\"starting\""), "{status} {why}");
    let (status, problem) = client.get(&format!("{url}/v1/catalog/products/P1"), None).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("starting")), "{problem}");
    installation.ministack.resume();
    client.until_ready(&url).await;
    send(&child, "-TERM");
    let status = end_of(&mut child);
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(status.success(), "{errors}");
}

/// The SDK alone would try for half a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_store_does_not_answer_is_answered_within_the_deadline() {
    let installation = Installation::new();
    let credentials = installation.ministack.credentials();
    let config = installation.config(
        "all.toml",
        "dynamodb.create_tables = true\ntenants = [\"acme:us\"]\nlimits.deadline_ms = 1000\n",
    );
    let process = tokio::task::spawn_blocking(move || Serve::start(&config, &credentials))
        .await
        .unwrap();
    let client = Client::new(&installation.issuer.token("acme", &["owner"]));
    installation.ministack.pause();
    let since = Instant::now();
    // The tenant is not known yet, or not any more.
    let (status, problem) = client
        .get(&format!("{}/v1/catalog/products/P1", process.http), None)
        .await;
    assert_eq!(status, 503, "{problem}");
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    installation.ministack.resume();
}
