//! A process whose audit log and exports are in S3: what it writes there, what of it is locked, and what is found when somebody changes it.

use crate::{
    on,
    process::{Client, Serve, headwater, run},
};
use headwater_engines::Ministack;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path};

/// S3, as anybody who may write to it.
struct S3(Ministack);

impl S3 {
    async fn ask(&self, request: reqwest::RequestBuilder) -> (u16, String) {
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.0.endpoint())
    }

    async fn keys(&self, client: &reqwest::Client, bucket: &str) -> Vec<String> {
        let (_, listed) = self.ask(client.get(self.url(&format!("{bucket}?list-type=2")))).await;
        let keys = listed.split("<Key>").skip(1);
        keys.map(|rest| rest.split_once('<').unwrap().0.to_owned()).collect()
    }
}

/// The audit log's own commands, on the bucket.
fn audit_log(s3: &S3, data: &Path, command: &str) -> (Option<i32>, String, String) {
    let mut asked = headwater();
    asked.arg("audit-log").arg(command).arg("--data").arg(data);
    asked.args(["--bucket", "s3://acme-audit/log", "--bucket-region", "us-east-1"]);
    asked.args(["--bucket-endpoint", &s3.0.endpoint()]);
    run(asked.envs(s3.0.credentials()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_log_and_exports_are_kept_in_buckets() {
    let s3 = S3(tokio::task::spawn_blocking(Ministack::start).await.unwrap());
    headwater_runtime::tls::use_ring();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let lock = client
        .put(s3.url("acme-audit"))
        .header("x-amz-bucket-object-lock-enabled", "true");
    assert_eq!(s3.ask(lock).await.0, 200);
    assert_eq!(s3.ask(client.put(s3.url("acme-exports"))).await.0, 200);
    let folder = tempfile::tempdir().unwrap();
    let (config, data) = (folder.path().join("serve.toml"), folder.path().join("d"));
    let configured = |bucket: &str| {
        let text = format!(
            "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\n\
             tenants = [\"acme:us\"]\ndynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\n\
             s3 = {{ region = \"us-east-1\", endpoint = \"{}\" }}\n\
             audit_log = {{ adapter = \"s3\", bucket = \"{bucket}\" }}\nexport.to = \"s3://acme-exports/us\"\n",
            s3.0.endpoint()
        );
        fs::write(&config, text).unwrap();
    };
    let doctor = || {
        let mut asked = headwater();
        let (status, out, error) = run(asked.args(["doctor", "--config"]).arg(&config).envs(s3.0.credentials()));
        (status, out + &error)
    };

    // A bucket that locks nothing is no place for it.
    configured("s3://acme-exports/log");
    let (status, said) = doctor();
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains("fail  audit log: locking objects in s3://acme-exports/log/ was refused"),
        "{said}"
    );
    let mut refused = headwater();
    let refused = refused
        .args(["serve", "--config"])
        .arg(&config)
        .envs(s3.0.credentials());
    let (status, _, error) = run(refused);
    assert_eq!(status, Some(1), "{error}");
    assert!(error.contains("--object-lock-enabled-for-bucket"), "{error}");

    configured("s3://acme-audit/log");
    let (_, said) = doctor();
    assert!(
        said.contains("ok    audit log: s3://acme-audit/log/ is there, and locks objects for 7 years"),
        "{said}"
    );
    let mut acknowledged = BTreeSet::new();
    for round in 0..3 {
        let process = Serve::start(&config, &s3.0.credentials());
        let (_, token, _) = on(&data, &["token", "--tenant", "acme"]);
        let http = Client::new(token.trim());
        for n in 0..10 {
            let product = json!({ "sku": "S", "title": "Kettle", "brand": "B", "price_cents": 100 });
            let url = format!("{}/v1/catalog/products/P{round}-{n}/create", process.http);
            let (status, receipt) = http.post(&url, &product).await;
            assert_eq!(status, 200, "{receipt}");
            acknowledged.insert(receipt["events"][0]["id"].as_str().unwrap().to_owned());
        }
        if round == 0 {
            process.signal("-9");
            process.wait();
            continue;
        }
        let (status, out, error) = on(&data, &["export"]);
        assert_eq!(status, Some(0), "{out}{error}");
        assert!(out.contains("catalog_products_events\t"), "{out}{error}");
        assert!(process.terminate().0.success());
    }
    let (status, out, error) = audit_log(&s3, &data, "verify");
    assert_eq!(status, Some(0), "{out}{error}");
    let (_, out, error) = audit_log(&s3, &data, "search");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: BTreeSet<String> = lines
        .iter()
        .map(|line| line["event_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((lines.len(), &ids), (30, &acknowledged), "{error}");

    let exported = s3.keys(&client, "acme-exports").await;
    let of = |part: &str| {
        exported
            .iter()
            .filter(|key| key.starts_with("us/") && key.contains(part))
            .count()
    };
    assert!(of("events/catalog_products_events/tenant=acme/") >= 1, "{exported:?}");
    assert_eq!(of("/runs/"), 2, "{exported:?}");

    // Somebody puts another object in the place of one. What was there is locked, and still there as an older version.
    let keys = s3.keys(&client, "acme-audit").await;
    let object = keys.iter().find(|key| key.ends_with(".jsonl.gz")).unwrap();
    let (status, _) = s3
        .ask(client.put(s3.url(&format!("acme-audit/{object}"))).body("nothing"))
        .await;
    assert_eq!(status, 200);
    let (status, out, _) = audit_log(&s3, &data, "verify");
    assert_eq!(status, Some(1), "{out}");
    assert!(out.contains(object.strip_prefix("log/").unwrap()), "{out}");
}
