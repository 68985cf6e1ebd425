//! An issuer that publishes its keys, seen from a process that verifies by them.

use crate::{
    issuer::{AUDIENCE, ISSUER, Issuer},
    process::{Client, Serve, headwater, run},
};
use serde_json::json;
use std::{fs, path::Path};

fn publish(folder: &Path, keys: &[(&str, &Issuer)]) {
    let keys: Vec<_> = keys.iter().map(|(id, issuer)| issuer.published(id)).collect();
    fs::write(folder.join("keys.json"), json!({ "keys": keys }).to_string()).unwrap();
}

async fn status(process: &Serve, token: &str) -> u16 {
    let client = Client::new(token);
    client
        .get(&format!("{}/v1/catalog/products", process.http), None)
        .await
        .0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_under_a_new_key_is_accepted_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    let text = format!(
        "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\ntenants = [\"acme:us\"]\n\
         dynamodb.adapter = \"embedded\"\nauth.jwks = \"keys.json\"\nauth.issuer = \"{ISSUER}\"\nauth.audience = \"{AUDIENCE}\"\n"
    );
    fs::write(&config, text).unwrap();
    let doctor = || run(headwater().args(["doctor", "--config"]).arg(&config));
    let (_, out, _) = doctor();
    assert!(
        out.contains("fail  jwks: ") && out.contains("keys.json cannot be read"),
        "{out}"
    );
    let (first, second) = (Issuer::with_key(1), Issuer::with_key(2));
    publish(folder.path(), &[("first", &first)]);
    let (_, out, _) = doctor();
    assert!(out.contains("keys.json has 1 keys: first"), "{out}");

    let process = Serve::start(&config, &[]);
    let (by_first, by_second) = (
        first.token_naming("first", "acme"),
        second.token_naming("second", "acme"),
    );
    assert_eq!(status(&process, &by_first).await, 200);
    assert_eq!(status(&process, &first.token_naming("first", "globex")).await, 401);
    assert_eq!(status(&process, &second.token_naming("first", "acme")).await, 401);
    publish(folder.path(), &[("first", &first), ("second", &second)]);
    // The start looked at the keys; within ten seconds of that it does not look again.
    let mut last = 0;
    for _ in 0..300 {
        last = status(&process, &by_second).await;
        if last == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(last, 200);
    assert_eq!(status(&process, &by_first).await, 200);
    assert!(process.terminate().0.success());
}
