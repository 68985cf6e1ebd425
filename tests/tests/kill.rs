#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test of real processes in real time"
)]
//! The real binary, killed with -9 under load: every acknowledged command is in the log once, and in the views once after a restart.

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

fn binary() -> PathBuf {
    headwater_tests::built::executable("bin", "headwater")
}

struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(binary: &Path, data: &Path) -> Self {
        let mut child = Command::new(binary)
            .args([
                "dev",
                "--empty",
                "--http",
                "127.0.0.1:0",
                "--grpc",
                "127.0.0.1:0",
                "--data",
            ])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let url = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                line.trim()
                    .strip_prefix("HTTP  ")
                    .map(|rest| rest.split(' ').next().unwrap_or("").to_owned())
            })
            .expect("it says where it listens");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }

    /// SIGKILL: nothing is flushed or closed.
    fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

fn token(binary: &Path, data: &Path) -> String {
    let output = Command::new(binary)
        .args(["token", "--tenant", "demo", "--data"])
        .arg(data)
        .output()
        .expect("a token");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// Sends a command; its version when it was acknowledged.
async fn send(client: &reqwest::Client, url: &str, token: &str, id: &str, key: &str, cents: u64) -> Option<u64> {
    let (command, payload) = if key.ends_with("-0") {
        (
            "create",
            json!({ "sku": id, "title": format!("Product {id}"), "brand": "B", "price_cents": cents }),
        )
    } else {
        ("change-price", json!({ "price_cents": cents }))
    };
    let answer = client
        .post(format!("{url}/v1/catalog/products/{id}/{command}"))
        .bearer_auth(token)
        .header("Idempotency-Key", key)
        .json(&payload)
        .send()
        .await
        .ok()?;
    if !answer.status().is_success() {
        return None;
    }
    answer.json::<Value>().await.ok()?["version"].as_u64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_kill_9() {
    let binary = binary();
    let data = tempfile::tempdir().unwrap();
    headwater_runtime::tls::use_ring();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let workers = 8usize;
    // Per worker one product: how many of its commands were acknowledged.
    let mut acknowledged = vec![0u64; workers];
    for _ in 0..3 {
        let server = Server::start(&binary, data.path());
        let token = token(&binary, data.path());
        let load: Vec<_> = (0..workers)
            .map(|worker| {
                let (client, url, token, mut done) =
                    (client.clone(), server.url.clone(), token.clone(), acknowledged[worker]);
                tokio::task::spawn(async move {
                    // The first after a kill may have been committed without an answer; the same key makes that harmless.
                    while let Some(version) = send(
                        &client,
                        &url,
                        &token,
                        &format!("P{worker}"),
                        &format!("k{worker}-{done}"),
                        100 + done,
                    )
                    .await
                    {
                        assert_eq!(version, done + 1, "a repeated command answers with its first receipt");
                        done += 1;
                    }
                    done
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(700)).await;
        server.kill();
        for (worker, load) in load.into_iter().enumerate() {
            acknowledged[worker] = load.await.unwrap();
        }
    }
    assert!(acknowledged.iter().all(|done| *done > 0), "{acknowledged:?}");
    let server = Server::start(&binary, data.path());
    let token = token(&binary, data.path());
    let get = |path: String| {
        let (client, url, token) = (client.clone(), server.url.clone(), token.clone());
        async move {
            let request = client
                .get(format!("{url}{path}"))
                .bearer_auth(&token)
                .header("Headwater-Wait", "10s");
            request.send().await.unwrap().json::<Value>().await.unwrap()
        }
    };
    for (worker, done) in acknowledged.iter().enumerate() {
        let mut sequences = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = get(format!("/v1/catalog/products/P{worker}/history?limit=200{cursor}")).await;
            sequences.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|event| event["sequence"].as_u64().unwrap()),
            );
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let written = sequences.len() as u64;
        assert_eq!(sequences, (1..=written).collect::<Vec<_>>());
        // At most one was committed without its answer having arrived.
        assert!(
            written == *done || written == done + 1,
            "P{worker}: {done} acknowledged, {written} in the log"
        );
        let mut seen = (0, 0);
        for _ in 0..200 {
            let view = get(format!("/v1/catalog/products/P{worker}")).await;
            let found = get(format!("/v1/search/products?q=P{worker}&sku=P{worker}")).await;
            let price = found["hits"][0]["product"]["price_cents"].as_u64().unwrap_or(0);
            assert!(found["total"].as_u64().unwrap_or(0) <= 1, "{found}");
            seen = (view["version"].as_u64().unwrap_or(0), price);
            if seen == (written, 99 + written) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(seen, (written, 99 + written), "view and search of P{worker}");
    }
    server.kill();
}
