//! What a real process refuses is in the audit log of its tenant: bounded, once, whatever ends the process; and nowhere else.

use crate::{
    on,
    process::{Client, Serve},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// The lines of what was refused to a tenant, and how many more were.
fn refused(data: &Path, tenant: &str) -> (Vec<Value>, u64) {
    let (status, out, error) = on(data, &["audit-log", "search", "--tenant", tenant]);
    assert_eq!(status, Some(0), "{error}");
    let lines = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let all = lines.filter(|line| line["outcome"] == "refused");
    let (one_by_one, numbers): (Vec<_>, Vec<_>) = all.partition(|line| line["type"] == "RequestRefused");
    let counts = numbers
        .iter()
        .flat_map(|line| line["data"]["counts"].as_object().unwrap().values());
    (one_by_one, counts.map(|count| count.as_u64().unwrap()).sum())
}

/// Waits until `there` says so of a tenant's refusals; at most a minute.
fn until(data: &Path, tenant: &str, there: impl Fn(&[Value], u64) -> bool) -> (Vec<Value>, u64) {
    let since = Instant::now();
    loop {
        let (lines, counted) = refused(data, tenant);
        if there(&lines, counted) {
            return (lines, counted);
        }
        assert!(
            since.elapsed() < Duration::from_secs(60),
            "{counted} counted, {lines:#?}"
        );
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_in_the_audit_log_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    fs::write(
        &config,
        "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\n\
         tenants = [\"acme:us\", \"globex:us\"]\ndynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\n",
    )
    .unwrap();
    let data = folder.path().join("d");
    let client = |tenant: &str, role: &str| {
        let (_, token, _) = on(&data, &["token", "--tenant", tenant, "--role", role, "--subject", role]);
        Client::new(token.trim())
    };

    let process = Serve::start(&config, &[]);
    let (member, auditor, other) = (
        client("acme", "member"),
        client("acme", "auditor"),
        client("globex", "member"),
    );
    let url = |path: &str| format!("{}/v1{path}", process.http);
    let product = json!({ "sku": "S", "title": "Kettle", "brand": "B", "price_cents": 100 });
    let create = url("/catalog/products/P1/create");
    assert_eq!(member.post(&create, &product).await.0, 200);
    assert_eq!(auditor.post(&create, &product).await.0, 403);
    assert_eq!(
        other.get(&url("/catalog/products/P1"), None).await.0,
        404,
        "it is of acme"
    );
    assert_eq!(Client::new("forged").post(&create, &product).await.0, 401);
    for _ in 0..300 {
        assert_eq!(member.post(&create, &product).await.0, 422);
    }

    // It is no tenant's to write or read.
    let own = url("/analytics/~refusals/x");
    let (status, problem) = member.post(&format!("{own}/note"), &json!({ "requests": [] })).await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown-aggregate")));
    assert_eq!(member.get(&format!("{own}/history"), None).await.0, 404);

    let (lines, _) = until(&data, "globex", |lines, _| !lines.is_empty());
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["route"], "GET /v1/catalog/products/P1");
    assert_eq!(
        (&lines[0]["code"], &lines[0]["actor"]),
        (&json!("not-found"), &json!("user:member"))
    );
    let mut events = member.events(&url("/events")).await;
    let meter = json!({ "points": [{ "time": "2026-11-24T01:00:00Z", "value": 1 }] });
    let now = member.post(&url("/analytics/meters/calls/record"), &meter).await;
    assert!(matches!(now.0, 200 | 422), "{}", now.1);
    assert_eq!(
        member
            .post(&url("/catalog/products/P1/change-price"), &json!({ "price_cents": 1 }))
            .await
            .0,
        200
    );
    loop {
        let event = events.next().await;
        assert!(!event["type"].as_str().unwrap().starts_with("Request"), "{event}");
        if event["type"] == "ProductPriceChanged" {
            break;
        }
    }
    assert!(process.terminate().0.success());

    // Numbers that were due later were written at the end, and come out of the feed at the next start.
    let process = Serve::start(&config, &[]);
    let of_acme = |lines: &[Value], counted: u64| lines.len() as u64 + counted >= 303;
    let (lines, counted) = until(&data, "acme", of_acme);
    assert_eq!(lines.len() as u64 + counted, 303);
    assert!((50..=60).contains(&lines.len()), "{}", lines.len());
    let first = &lines[0];
    assert_eq!(
        (&first["actor"], &first["status"], &first["code"]),
        (&json!("user:auditor"), &json!(403), &json!("forbidden"))
    );
    let second = &lines[1];
    assert_eq!(
        json!([
            second["context"],
            second["aggregate"],
            second["id"],
            second["command"],
            second["code"]
        ]),
        json!(["catalog", "products", "P1", "create", "already-exists"])
    );
    assert_eq!(second["client"]["$pd"]["value"], "127.0.0.1");
    assert_eq!(second["trace_id"].as_str().unwrap().len(), 32);

    // What is in the log stays there once, whatever comes.
    let url = |path: &str| format!("{}/v1{path}", process.http);
    assert_eq!(auditor.post(&url("/catalog/products/P2/create"), &product).await.0, 403);
    until(&data, "acme", |lines, _| {
        lines
            .iter()
            .any(|line| line["route"] == "POST /v1/catalog/products/P2/create")
    });
    process.signal("-9");
    process.wait();
    let process = Serve::start(&config, &[]);
    let auditor_again = client("acme", "auditor");
    let path = format!("{}/v1/catalog/products/P3/create", process.http);
    assert_eq!(auditor_again.post(&path, &product).await.0, 403);
    let (lines, _) = until(&data, "acme", |lines, _| {
        lines
            .iter()
            .any(|line| line["route"] == "POST /v1/catalog/products/P3/create")
    });
    assert!(process.terminate().0.success());
    let ids: BTreeSet<&str> = lines.iter().map(|line| line["event_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), lines.len());
    for id in ["P2", "P3"] {
        let route = format!("POST /v1/catalog/products/{id}/create");
        assert_eq!(lines.iter().filter(|line| line["route"] == route).count(), 1);
    }
    let (status, out, _) = on(&data, &["audit-log", "verify"]);
    assert_eq!(status, Some(0), "{out}");
}
