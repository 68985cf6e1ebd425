//! The audit log of a real process that is killed: every event that was acknowledged is one line, and whoever changes one is found.

use crate::{
    on,
    process::{Client, Serve},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn objects(below: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => objects(&path, all),
            false if path.to_string_lossy().ends_with(".gz") => all.push(path),
            false => {}
        }
    }
}

fn lines(data: &Path, more: &[&str]) -> Vec<Value> {
    let (status, out, error) = on(data, &[&["audit-log", "search"], more].concat());
    assert_eq!(status, Some(0), "{error}");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_event_is_one_line_whatever_ends_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    fs::write(
        &config,
        "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\n\
         tenants = [\"acme:us\", \"globex:us\"]\ndynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\n",
    )
    .unwrap();
    let data = folder.path().join("d");
    let mut acknowledged = BTreeSet::new();
    for round in 0..4 {
        let process = Serve::start(&config, &[]);
        for tenant in ["acme", "globex"] {
            let (_, token, _) = on(&data, &["token", "--tenant", tenant, "--role", "member"]);
            let client = Client::new(token.trim());
            for n in 0..10 {
                let product = json!({ "sku": "S", "title": "Kettle", "brand": "B", "price_cents": 100 });
                let url = format!("{}/v1/catalog/products/P{round}-{n}/create", process.http);
                let (status, receipt) = client.post(&url, &product).await;
                assert_eq!(status, 200, "{receipt}");
                acknowledged.insert(receipt["events"][0]["id"].as_str().unwrap().to_owned());
            }
        }
        // At its worst moment, or before it wrote anything down; the last one may end as it should.
        if round < 3 {
            process.signal("-9");
            process.wait();
            let (status, out, error) = on(&data, &["audit-log", "verify"]);
            assert_eq!(status, Some(0), "{out}{error}");
        } else {
            assert!(process.terminate().0.success());
        }
    }
    let written = lines(&data, &[]);
    let ids: BTreeSet<String> = written
        .iter()
        .map(|line| line["event_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((written.len(), &ids), (80, &acknowledged));
    let of_globex = lines(&data, &["--tenant", "globex", "--type", "ProductCreated"]);
    assert_eq!(of_globex.len(), 40);
    assert!(of_globex.iter().all(|line| line["data"]["sku"] == "S"));
    assert!(
        of_globex
            .iter()
            .all(|line| line["client"]["$pd"]["value"] == "127.0.0.1")
    );
    let (status, out, _) = on(&data, &["audit-log", "verify", "--output", "json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (status, &report["lines"], &report["findings"]),
        (Some(0), &json!(80), &json!([]))
    );

    let mut all = Vec::new();
    objects(&data.join("audit"), &mut all);
    let mut bytes = fs::read(&all[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&all[0], bytes).unwrap();
    let (status, out, error) = on(&data, &["audit-log", "verify"]);
    let name = all[0]
        .strip_prefix(data.join("audit"))
        .unwrap()
        .to_string_lossy()
        .into_owned();
    assert_eq!(status, Some(1), "{out}");
    assert!(out.contains(&format!("{name}: it was changed")), "{out}");
    assert!(error.contains("not as they were written"), "{error}");
}
