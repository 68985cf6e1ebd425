//! Samples come with the first start that goes well, and once.

use crate::process::{Client, end_of, headwater, run, send};
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::Stdio,
};

/// Starts `dev`, counts the products that can be searched, and ends it.
async fn products(data: &Path, more: &[&str]) -> serde_json::Value {
    let mut child = headwater()
        .args(["dev", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--data"])
        .arg(data)
        .args(more)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let http = lines.find_map(|line| {
        Some(
            line.trim()
                .strip_prefix("HTTP  ")?
                .split_whitespace()
                .next()?
                .to_owned(),
        )
    });
    let http = http.unwrap();
    let (_, token, _) = run(headwater().args(["token", "--tenant", "demo", "--data"]).arg(data));
    let client = Client::new(token.trim());
    let mut total = serde_json::Value::Null;
    for _ in 0..100 {
        total = client.get(&format!("{http}/v1/search/products"), None).await.1["total"].clone();
        if total != 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    send(&child, "-TERM");
    assert!(end_of(&mut child).success());
    total
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_whose_address_is_taken_costs_no_samples() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("d");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, _, error) = run(headwater().args(["dev", "--http", &address, "--data"]).arg(&data));
    assert!(status == Some(1) && error.contains("cannot listen"), "{error}");
    assert!(data.join("keys/token").exists(), "it got as far as its keys");
    let first = products(&data, &[]).await;
    assert!(first.as_u64() > Some(3), "{first}");
    assert_eq!(products(&data, &[]).await, first);

    let empty = folder.path().join("e");
    assert_eq!(products(&empty, &["--empty"]).await, 0);
    assert_eq!(products(&empty, &[]).await, 0, "it was asked for none");
}

#[test]
fn commands_that_look_begin_no_store_and_a_tenant_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("d");
    let on = |arguments: &[&str]| run(headwater().args(arguments).arg("--data").arg(&data));
    for looks in [
        &["token", "--tenant", "demo"][..],
        &["tenant", "list"],
        &["projections"],
        &["parked", "list"],
        &["replay", "product-view", "--dry-run"],
    ] {
        let (status, out, error) = on(looks);
        assert!(
            status == Some(1) && error.contains("headwater dev --data"),
            "{looks:?}: {error}"
        );
        assert!(out.is_empty() && !data.exists(), "{looks:?}");
    }
    assert_eq!(on(&["doctor"]).0, Some(0));
    assert!(!data.exists());
    let (status, _, error) = on(&["tenant", "create", "acme", "--region", "eu"]);
    assert_eq!(status, Some(0), "it begins a store: {error}");
    let (status, _, error) = on(&["projections", "--tenant", "acmee"]);
    assert!(status == Some(1) && error.contains("no tenant acmee"), "{error}");
    assert!(!error.contains('\u{1b}'), "no terminal, no colours: {error}");
}

#[test]
fn who_stops_reading_ends_a_command_and_hears_nothing_of_it() {
    let mut child = headwater()
        .arg("openapi")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(141), "{told}");
    assert!(!told.contains("panicked"), "{told}");
}
