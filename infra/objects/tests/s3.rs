//! The contract on S3 as ministack has it, and what is S3's alone: locks, keys, faults on the way.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod contract;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_s3::{Client, config::BehaviorVersion, config::Region, types::ObjectLockMode};
use bytes::Bytes;
use headwater_dynamodb::{
    AwsParts,
    faults::{Fault, Faults, Rule},
};
use headwater_engines::Ministack;
use headwater_objects::{Bucket, BucketConfig, Error, Lock, LockMode, ObjectStore, Put};
use headwater_runtime::Runtime;
use std::{sync::Arc, time::Duration};

const REGION: &str = "us-east-1";

/// S3, and who makes its buckets.
struct S3 {
    engine: Ministack,
    client: Client,
}

async fn parts(faults: Option<&Faults>) -> AwsParts {
    let credentials = Credentials::new("test", "test", None, None, "test");
    AwsParts {
        credentials: Some(SharedCredentialsProvider::new(credentials)),
        ..AwsParts::load(REGION, &Runtime::tokio(), faults).await
    }
}

impl S3 {
    async fn start() -> Self {
        let engine = tokio::task::spawn_blocking(Ministack::start).await.unwrap();
        let parts = parts(None).await;
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .http_client(parts.http)
            .sleep_impl(parts.sleep)
            .credentials_provider(parts.credentials.unwrap())
            .endpoint_url(engine.endpoint())
            .force_path_style(true);
        Self {
            client: Client::from_conf(config.build()),
            engine,
        }
    }

    async fn make(&self, bucket: &str, locks: bool) {
        let made = self.client.create_bucket().bucket(bucket);
        made.object_lock_enabled_for_bucket(locks).send().await.unwrap();
    }

    fn config(&self, location: &str, lock: Option<Lock>) -> BucketConfig {
        BucketConfig {
            location: location.parse().unwrap(),
            region: REGION.into(),
            endpoint: Some(self.engine.endpoint()),
            kms_key: None,
            lock,
        }
    }

    async fn bucket(&self, location: &str, lock: Option<Lock>, faults: Option<&Faults>) -> Bucket {
        Bucket::with_parts(self.config(location, lock), parts(faults).await, &Runtime::tokio())
    }
}

const LOCK: Lock = Lock {
    mode: LockMode::Compliance,
    years: 7,
};

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract() {
    let s3 = S3::start().await;
    s3.make("plain", false).await;
    let number = std::sync::atomic::AtomicU32::new(0);
    contract::all(async || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Arc::new(s3.bucket(&format!("s3://plain/{number}"), None, None).await) as Arc<dyn ObjectStore>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_objects_are_locked_and_the_lock_is_read_back() {
    let s3 = S3::start().await;
    s3.make("locked", true).await;
    let bucket = s3.bucket("s3://locked/audit", Some(LOCK), None).await;
    let said = bucket.check().await.unwrap();
    assert!(said.contains("locks objects for 7 years (compliance)"), "{said}");
    assert_eq!(bucket.put_new("dt=1/0.gz", text("lines")).await.unwrap(), Put::Stored);
    assert_eq!(bucket.put_new("dt=1/0.gz", text("others")).await.unwrap(), Put::Taken);
    bucket.put("running", text("a")).await.unwrap();
    bucket.put("running", text("b")).await.unwrap();
    let head = |key: &'static str| s3.client.head_object().bucket("locked").key(key).send();
    let object = head("audit/dt=1/0.gz").await.unwrap();
    assert_eq!(object.object_lock_mode, Some(ObjectLockMode::Compliance));
    let years = (object.object_lock_retain_until_date.unwrap().secs() - Runtime::tokio().now().nanos() / 1_000_000_000)
        as f64
        / 31_557_600.0;
    assert!((6.99..7.01).contains(&years), "{years}");
    assert_eq!(head("audit/running").await.unwrap().object_lock_mode, None);
    // What was written cannot be removed, whoever asks.
    let version = object.version_id.unwrap();
    let removed = s3
        .client
        .delete_object()
        .bucket("locked")
        .key("audit/dt=1/0.gz")
        .version_id(version);
    assert!(removed.send().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_does_not_lock_is_refused() {
    let s3 = S3::start().await;
    s3.make("plain", false).await;
    let bucket = s3.bucket("s3://plain", Some(LOCK), None).await;
    let error = bucket.check().await.unwrap_err();
    assert!(
        !error.is_retryable() && error.to_string().contains("--object-lock-enabled-for-bucket"),
        "{error}"
    );
    // Nor is an object taken for locked that is not.
    let error = bucket.put_new("a", text("x")).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    let bucket = s3.bucket("s3://nobodys", None, None).await;
    for error in [
        bucket.check().await.unwrap_err(),
        bucket.put("a", text("x")).await.unwrap_err(),
        bucket.list("").await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Refused { .. }), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_whose_answer_is_lost_is_stored_once() {
    let s3 = S3::start().await;
    s3.make("locked", true).await;
    let faults = Faults::seeded(1);
    let bucket = s3.bucket("s3://locked", Some(LOCK), Some(&faults)).await;
    for (n, fault) in [Fault::InternalErrorAfter, Fault::InternalError, Fault::TimeoutAfter]
        .into_iter()
        .enumerate()
    {
        faults.add(Rule::new(fault).times(1));
        let name = format!("object-{n}");
        assert_eq!(
            bucket.put_new(&name, text("lines")).await.unwrap(),
            Put::Stored,
            "{fault:?}"
        );
        faults.clear();
        assert_eq!(bucket.get(&name).await.unwrap(), Some(text("lines")));
    }
    let versions = s3.client.list_object_versions().bucket("locked").send().await.unwrap();
    assert_eq!(versions.versions().len(), 3, "{versions:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hangs_or_is_gone_is_unavailable() {
    let s3 = S3::start().await;
    s3.make("plain", false).await;
    let faults = Faults::seeded(1);
    let bucket = s3.bucket("s3://plain", None, Some(&faults)).await;
    faults.add(Rule::new(Fault::InternalError));
    let error = bucket.put_new("a", text("x")).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().contains("s3://plain/a"), "{error}");
    faults.clear();
    faults.add(Rule::new(Fault::Delay(Duration::from_millis(300))));
    bucket.put("a", text("x")).await.unwrap();
    let other = s3.config("s3://plain", None);
    let nowhere = BucketConfig {
        endpoint: Some("http://127.0.0.1:9".into()),
        ..other
    };
    let bucket = Bucket::with_parts(nowhere, parts(None).await, &Runtime::tokio());
    assert!(bucket.get("a").await.unwrap_err().is_retryable());
}
