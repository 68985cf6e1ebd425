//! Two processes with different roles are one installation.

use crate::{
    installation::{Installation, secret},
    process::{Client, Serve, headwater, run},
};
use serde_json::json;
use std::time::Duration;

const TABLES: &str = "dynamodb.create_tables = true\ntenants = [\"acme:us\"]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_is_told_the_other_shows() {
    let installation = Installation::new();
    let credentials = installation.ministack.credentials();
    let first = installation.config("command.toml", &format!("roles = [\"command\"]\n{TABLES}"));
    let second = installation.config(
        "read.toml",
        &format!("roles = [\"project\", \"query\"]\ndata = \"read\"\nsearch.adapter = \"tantivy\"\n{TABLES}"),
    );
    // At the same time, so that both make the tables.
    let starts =
        [first.clone(), second].map(|config| tokio::task::spawn_blocking(move || Serve::start(&config, &credentials)));
    let [command, read] = starts;
    let (command, read) = (command.await.unwrap(), read.await.unwrap());

    let client = Client::new(&installation.issuer.token("acme", &["owner"]));
    let product = json!({ "sku": "K-1", "title": "Kettle", "brand": "B", "price_cents": 4_900 });
    let (status, receipt) = client
        .post(&format!("{}/v1/catalog/products/P1/create", command.http), &product)
        .await;
    assert_eq!(status, 200, "{receipt}");
    let token = receipt["token"].as_str();
    let (status, view) = client
        .get(&format!("{}/v1/catalog/products/P1", read.http), token)
        .await;
    assert_eq!((status, &view["title"]), (200, &json!("Kettle")), "{view}");
    let (status, found) = client
        .get(&format!("{}/v1/search/products?q=ketle", read.http), token)
        .await;
    assert_eq!((status, &found["total"]), (200, &json!(1)), "{found}");

    // Each has the routes of its roles alone.
    let (status, _) = client
        .get(&format!("{}/v1/catalog/products/P1", command.http), None)
        .await;
    assert_eq!(status, 404);
    let (status, _) = client
        .post(&format!("{}/v1/catalog/products/P2/create", read.http), &product)
        .await;
    assert!(matches!(status, 404 | 405), "{status}");

    // Numbers are for the inside, readiness for both.
    assert_eq!(client.text(&format!("{}/metrics", command.http)).await.0, 404);
    let (status, numbers) = client.text(&format!("{}/metrics", command.metrics)).await;
    assert!(
        status == 200 && numbers.contains("headwater_dynamodb_calls_total"),
        "{status}"
    );
    for process in [&command, &read] {
        client.until_ready(&process.http).await;
        client.until_ready(&process.metrics).await;
    }

    // A development token opens nothing, and neither does one for a tenant that does not exist.
    let (status, _) = Client::new("x.y.z")
        .get(&format!("{}/v1/catalog/products/P1", read.http), None)
        .await;
    assert_eq!(status, 401);
    let stranger = Client::new(&installation.issuer.token("globex", &["owner"]));
    assert_eq!(
        stranger
            .get(&format!("{}/v1/catalog/products/P1", read.http), None)
            .await
            .0,
        401
    );

    // The command line talks to it with a token.
    let operator = installation.issuer.token("acme", &["owner", "operator"]);
    let made = |region: &str| {
        let mut command_line = headwater();
        command_line.args([
            "tenant",
            "create",
            "globex",
            "--region",
            region,
            "--url",
            &command.http,
            "--token",
            &operator,
        ]);
        run(&mut command_line)
    };
    let (status, out, error) = made("us");
    assert_eq!((status, out.as_str()), (Some(0), "globex\tus\tactive\n"), "{error}");
    let (status, _, error) = made("eu");
    assert!(status == Some(1) && error.contains("region-not-here"), "{error}");
    // That it did not exist is believed for half a second.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let (status, _) = stranger
        .get(&format!("{}/v1/catalog/products/P1", read.http), None)
        .await;
    assert_eq!(status, 404, "a tenant sees nothing of another");

    // Another sealing key is another installation, which these tables are not of.
    secret(&installation.folder.path().join("other.key"), &[8; 32]);
    let (status, _, error) = run(headwater()
        .args(["serve", "--config"])
        .arg(&first)
        .envs(credentials)
        .env(
            "HEADWATER_KEYS_SEALING_FILE",
            installation.folder.path().join("other.key"),
        ));
    assert!(
        status == Some(1) && error.contains("another sealing key"),
        "{status:?} {error}"
    );

    for process in [command, read] {
        let (status, took, errors) = process.terminate();
        assert!(status.success(), "{status}: {errors}");
        assert!(took < Duration::from_secs(2), "an idle process took {took:?} to end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_and_two_starts_keep_what_was_written() {
    let installation = Installation::new();
    let credentials = installation.ministack.credentials();
    let all = installation.config(
        "all.toml",
        &format!("data = \"all\"\nsearch.adapter = \"tantivy\"\n{TABLES}"),
    );
    let lines = installation.folder.path().join("products.ndjson");
    let line = |n: usize| {
        json!({ "id": format!("P{n}"), "sku": format!("S{n}"), "title": format!("Thing {n}"), "brand": "B", "price_cents": n }).to_string()
    };
    std::fs::write(&lines, (1..=50).map(|n| line(n) + "\n").collect::<String>()).unwrap();
    let token = installation.issuer.token("acme", &["owner"]);
    let import = |url: &str| {
        let mut command_line = headwater();
        command_line.args([
            "import", "products", "--tenant", "acme", "--url", url, "--token", &token, "--output", "json",
        ]);
        run(command_line.arg(&lines))
    };
    for (written, unchanged) in [(50, 0), (0, 50)] {
        let process = Serve::start(&all, &credentials);
        let (status, out, error) = import(&process.http);
        assert_eq!(status, Some(0), "{error}");
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            (&report["written"], &report["unchanged"]),
            (&json!(written), &json!(unchanged)),
            "{report}"
        );
        let client = Client::new(&token);
        let (_, found) = client
            .get(&format!("{}/v1/search/products?q=thing", process.http), None)
            .await;
        assert_eq!(found["total"], 50, "{found}");
        let (status, took, errors) = process.terminate();
        assert!(
            status.success() && took < Duration::from_secs(3),
            "{status} after {took:?}: {errors}"
        );
    }
}
