//! `serve` with the embedded engine: one process with all roles, and a data folder that the command line finds.

use crate::process::{Client, Serve, headwater, run};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_needs_no_aws_and_is_looked_at_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    std::fs::write(
        &config,
        "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\ntenants = [\"acme:us\"]\n\
         dynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\n",
    )
    .unwrap();
    let data = folder.path().join("d");
    let process = Serve::start(&config, &[]);
    let (status, token, error) = run(headwater().args(["token", "--tenant", "acme", "--data"]).arg(&data));
    assert_eq!(status, Some(0), "{error}");
    let client = Client::new(token.trim());
    let (status, page) = client.get(&format!("{}/v1/catalog/products", process.http), None).await;
    assert_eq!(status, 200, "{page}");
    let (status, out, error) = run(headwater()
        .args(["tenant", "list", "--token", token.trim(), "--data"])
        .arg(&data));
    assert_eq!((status, out.as_str()), (Some(0), "acme\tus\tactive\n"), "{error}");

    let doctor = || {
        run(headwater()
            .args(["doctor", "--output", "json", "--config"])
            .arg(&config))
    };
    let (status, out, error) = doctor();
    assert_eq!(status, Some(0), "{out}{error}");
    assert!(out.contains("is in use by process"), "{out}");
    assert!(process.terminate().0.success());

    let (status, out, error) = doctor();
    assert_eq!(status, Some(0), "{out}{error}");
    let found: Value = serde_json::from_str(&out).unwrap();
    let tables = found["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["check"].as_str().unwrap().starts_with("table "));
    assert!(tables.clone().count() >= 10, "{out}");
    assert!(tables.clone().all(|check| check["level"] == "ok"), "{out}");
    assert_eq!(found["failed"], 0);
}
