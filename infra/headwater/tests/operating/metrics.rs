//! Metrics of a real process: what is derived and what is recorded, killed, rebuilt, with its store lost and damaged.

use crate::{
    json_of, on,
    process::{Client, Serve, headwater, run},
};
use headwater_engines::{InfluxDb, Timestream};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

const SERIES: [&str; 3] = ["orders.revenue", "platform.commands", "calls"];

/// Sums of everything by series, once they are as wanted; fails with what they are after a while.
async fn sums_are(client: &Client, http: &str, wanted: [f64; 3]) {
    let mut sums = Value::Null;
    for _ in 0..300 {
        let mut all = Vec::new();
        for series in SERIES {
            // Of some days, since midnight may pass.
            let from = "from=2026-01-01&to=2027-12-31&bin=1d&stat=sum";
            let (status, answer) = client.get(&format!("{http}/v1/metrics/{series}?{from}"), None).await;
            let values = answer["items"]
                .as_array()
                .map(|items| items.iter().filter_map(|item| item["value"].as_f64()).sum::<f64>());
            all.push(if status == 200 {
                json!(values)
            } else {
                answer["code"].clone()
            });
        }
        sums = all.into();
        if sums == json!(wanted) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("sums are {sums}, not {wanted:?}");
}

fn kill(process: Serve) {
    process.signal("-KILL");
    drop(process.wait());
}

fn token(data: &Path) -> Client {
    let (_, token, _) = on(data, &["token", "--tenant", "acme", "--role", "member"]);
    Client::new(token.trim())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_measured_survives_kills_rebuilds_and_a_lost_store() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    std::fs::write(
        &config,
        "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\n\
         tenants = [\"acme:us\", \"globex:us\"]\ndynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\n",
    )
    .unwrap();
    let data = folder.path().join("d");
    let process = Serve::start(&config, &[]);
    let acme = token(&data);
    for order in 0..5 {
        let line = json!({ "line_id": "1", "product_id": "P", "sku": "S", "title": "T", "quantity": 2, "unit_price_cents": 500 });
        let placed = json!({ "customer_id": "C", "currency": "EUR", "lines": [line] });
        let path = format!("{}/v1/orders/orders/O{order}", process.http);
        assert_eq!(acme.post(&format!("{path}/place"), &placed).await.0, 200);
    }
    let cancelled = format!("{}/v1/orders/orders/O0/cancel", process.http);
    assert_eq!(acme.post(&cancelled, &json!({})).await.0, 200);
    let now = time();
    for value in [1.0, 2.0] {
        let point = json!({ "time": now, "value": value, "dimensions": { "plan": "pro" } });
        let record = format!("{}/v1/analytics/meters/calls/record", process.http);
        assert_eq!(acme.post(&record, &json!({ "points": [point] })).await.0, 200);
    }
    let wanted = [4_000.0, 8.0, 2.0];
    sums_are(&acme, &process.http, wanted).await;
    let (_, stranger, _) = on(&data, &["token", "--tenant", "globex", "--role", "member"]);
    let (status, answer) = Client::new(stranger.trim())
        .get(&format!("{}/v1/metrics/calls", process.http), None)
        .await;
    assert_eq!((status, answer["code"].as_str()), (404, Some("unknown-series")));

    kill(process);
    let process = Serve::start(&config, &[]);
    sums_are(&acme, &process.http, wanted).await;

    let (status, out, error) = on(&data, &["replay", "metrics"]);
    assert_eq!(status, Some(0), "{out}{error}");
    let shown = json_of(&data, &["projections"]).to_string();
    assert!(shown.contains("\"metrics\""), "{shown}");
    sums_are(&acme, &process.http, wanted).await;
    assert!(data.join("metrics/metrics-2.db").exists());

    kill(process);
    std::fs::remove_dir_all(data.join("metrics")).unwrap();
    let process = Serve::start(&config, &[]);
    sums_are(&acme, &process.http, wanted).await;
    kill(process);
}

/// Now, in RFC 3339.
fn time() -> String {
    headwater_kernel::Timestamp::from_nanos(
        i64::try_from(
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_nanos(),
        )
        .unwrap(),
    )
    .to_string()
}

/// What is measured by a process whose metrics are on a server, which is killed and rebuilds them.
async fn is_measured_on(server: &str) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    let text = format!(
        "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\n\
         tenants = [\"acme:us\"]\ndynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\n\
         metric_store = {{ {server}, keep_days = 3650 }}\n"
    );
    std::fs::write(&config, text).unwrap();
    let credentials = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let data = folder.path().join("d");
    let process = Serve::start(&config, &credentials);
    let acme = token(&data);
    let placed = async |process: &Serve, order: &str| {
        let line = json!({ "line_id": "1", "product_id": "P", "sku": "S", "title": "T", "quantity": 2, "unit_price_cents": 500 });
        let placed = json!({ "customer_id": "C", "currency": "EUR", "lines": [line] });
        let path = format!("{}/v1/orders/orders/{order}/place", process.http);
        assert_eq!(acme.post(&path, &placed).await.0, 200);
    };
    placed(&process, "O1").await;
    let now = time();
    for value in [1.0, 2.0] {
        let point = json!({ "time": now, "value": value, "dimensions": { "plan": "pro" } });
        let record = format!("{}/v1/analytics/meters/calls/record", process.http);
        assert_eq!(acme.post(&record, &json!({ "points": [point] })).await.0, 200);
    }
    sums_are(&acme, &process.http, [1_000.0, 3.0, 2.0]).await;
    placed(&process, "O2").await;
    kill(process);
    let process = Serve::start(&config, &credentials);
    sums_are(&acme, &process.http, [2_000.0, 4.0, 2.0]).await;
    let (status, out, error) = on(&data, &["replay", "metrics"]);
    assert_eq!(status, Some(0), "{out}{error}");
    placed(&process, "O3").await;
    sums_are(&acme, &process.http, [3_000.0, 5.0, 2.0]).await;
    let mut asked = headwater();
    let (_, out, _) = run(asked.args(["doctor", "--config"]).arg(&config).envs(credentials));
    assert!(out.contains("ok    metric store: "), "{out}");
    assert!(process.terminate().0.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_can_be_on_a_server_of_influxdb() {
    let server = tokio::task::spawn_blocking(InfluxDb::start).await.unwrap();
    is_measured_on(&format!("adapter = \"influxdb\", url = \"{}\"", server.endpoint())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_can_be_in_timestream() {
    let service = Timestream::start();
    is_measured_on(&format!(
        "adapter = \"timestream\", database = \"headwater\", aws_region = \"us-east-1\", endpoint = \"{}\"",
        service.endpoint()
    ))
    .await;
    assert!(service.requests() > 0);
}

/// A tag of InfluxDB has so many values and no more: one tenant's are refused, and all others' points go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_beyond_the_stores_limit_holds_up_nobody_and_is_counted() {
    let start = || InfluxDb::start_with("max-values-per-tag = 10");
    let server = tokio::task::spawn_blocking(start).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    let text = format!(
        "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\n\
         tenants = [\"acme:us\", \"globex:us\"]\ndynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\n\
         metric_store = {{ adapter = \"influxdb\", url = \"{}\", keep_days = 3650 }}\n",
        server.endpoint()
    );
    std::fs::write(&config, text).unwrap();
    let process = Serve::start(&config, &[]);
    let data = folder.path().join("d");
    let acme = token(&data);
    let (_, globex, _) = on(&data, &["token", "--tenant", "globex", "--role", "member"]);
    let globex = Client::new(globex.trim());
    let record = format!("{}/v1/analytics/meters/calls/record", process.http);
    let measured = async |client: &Client| {
        let path = format!(
            "{}/v1/metrics/calls?from=2026-01-01&to=2027-12-31&bin=1d&stat=sum",
            process.http
        );
        let items = client.get(&path, None).await.1["items"].take();
        let values = items.as_array().into_iter().flatten();
        values.filter_map(|item| item["value"].as_f64()).sum::<f64>()
    };
    let until = async |client: &Client, sum: f64| {
        for _ in 0..300 {
            if measured(client).await == sum {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the sum is {}, not {sum}", measured(client).await);
    };
    let points = |users: std::ops::Range<u32>| {
        let now = time();
        let of = |user| json!({ "time": now, "value": 1.0, "dimensions": { "user": format!("u{user}") } });
        json!({ "points": users.map(of).collect::<Vec<_>>() })
    };
    assert_eq!(acme.post(&record, &points(0..10)).await.0, 200);
    until(&acme, 10.0).await;
    assert_eq!(acme.post(&record, &points(10..25)).await.0, 200);
    assert_eq!(globex.post(&record, &points(0..2)).await.0, 200);
    until(&globex, 2.0).await;
    assert_eq!(acme.post(&record, &points(0..3)).await.0, 200);
    until(&acme, 13.0).await;
    let metrics = process.metrics.clone();
    let (_, told) = acme.text(&format!("{metrics}/metrics")).await;
    let line = "headwater_metric_points_dropped_total{reason=\"refused\"} 15\n";
    assert!(told.contains(line), "{told}");
    kill(process);
}
