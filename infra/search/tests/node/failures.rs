//! What goes wrong between the adapter and a node, and what the node refuses.

use super::{Fault, Own};
use crate::contract::{Engine, fill, id, put, scope, search};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use headwater_read_models::search::Mapping;
use headwater_runtime::Runtime;
use headwater_search::{
    Error, IndexName, Query, Retrying, SearchIndex, WriteOutcome,
    opensearch::{Access, Cluster, OpenSearchIndex},
};
use headwater_tenancy::SealingKey;
use serde_json::{Value, json};
use std::sync::Arc;

impl Own {
    /// Asks the node itself.
    pub(super) async fn ask(&self, method: reqwest::Method, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}{path}", self.way.endpoint());
        headwater_runtime::tls::use_ring();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.request(method, url).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn read_only(&self, read_only: Value) {
        let path = format!("/tests-{}/_settings", self.name);
        let block = json!({"index.blocks.read_only_allow_delete": read_only});
        assert_eq!(self.ask(reqwest::Method::PUT, &path, block).await.0, 200);
    }
}

fn unavailable() -> Fault {
    Fault::answer(
        503,
        json!({"error": {"type": "cluster_manager_not_discovered_exception"}}),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_node_has_no_room_for_is_sent_again_alone() {
    let (engine, a) = (Own::start().await, scope("a").await);
    let index = engine.open().await;
    fill(&index, vec![put(&a, "first", 1, json!({}))]).await;
    let passed = engine.way.passed();
    let items = json!([{"index": {"status": 429}}, {"index": {"status": 201}}, {"index": {"status": 429}}]);
    let busy = Fault::answer(200, json!({"errors": true, "items": items}));
    engine.way.at("_bulk", Some(busy.times(1)));
    let writes = ["p", "q", "r"].map(|id| put(&a, id, 1, json!({"title": id})));
    let outcomes = index.write(writes.to_vec()).await.unwrap();
    assert_eq!(outcomes, [WriteOutcome::Applied; 3]);
    assert_eq!(engine.way.passed() - passed, 1);
    let stored = index.stored(&a, &[id("p"), id("q"), id("r")]).await.unwrap();
    let there: Vec<bool> = stored.iter().map(Option::is_some).collect();
    // The answer about q was ours; the node never heard of it.
    assert_eq!(there, [true, false, true]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_is_done_once() {
    let (engine, a) = (Own::start().await, scope("a").await);
    let index = engine.open().await;
    fill(&index, vec![put(&a, "p", 1, json!({}))]).await;
    engine.way.at("_bulk", Some(unavailable().after_the_effect().times(1)));
    let write = || vec![put(&a, "p", 2, json!({"title": "cable"}))];
    let error = index.write(write()).await.unwrap_err();
    assert!(
        matches!(error, Error::Unavailable(_)) && error.is_retryable(),
        "{error}"
    );
    let again = index.write(write()).await.unwrap();
    assert_eq!(again, [WriteOutcome::Superseded { current: 2 }]);
    index.commit(json!({})).await.unwrap();
    assert_eq!(search(&index, &a, Query::text("cable")).await.total, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_index_is_said_to_be_one() {
    let (engine, a) = (Own::start().await, scope("a").await);
    let index = engine.open().await;
    fill(&index, vec![put(&a, "p", 1, json!({"title": "cable"}))]).await;
    engine.read_only(json!(true)).await;
    let write = || vec![put(&a, "q", 1, json!({"title": "cable"}))];
    let error = index.write(write()).await.unwrap_err();
    assert!(matches!(error, Error::Storage(_)) && error.is_retryable(), "{error:?}");
    assert_eq!(search(&index, &a, Query::text("cable")).await.total, 1);
    engine.read_only(Value::Null).await;
    fill(&index, write()).await;
    assert_eq!(search(&index, &a, Query::text("cable")).await.total, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_are_asked_again() {
    let (engine, a) = (Own::start().await, scope("a").await);
    let index = engine.open().await;
    fill(&index, vec![put(&a, "p", 1, json!({"title": "cable"}))]).await;
    engine.way.at("_search", Some(unavailable().times(1)));
    let error = index.search(&a, &Query::default()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
    let patient = Retrying::new(index, Runtime::tokio());
    engine.way.at("_search", Some(unavailable().times(3)));
    assert_eq!(patient.search(&a, &Query::default()).await.unwrap().total, 1);
    engine.way.at("_search", Some(unavailable()));
    let error = patient.search(&a, &Query::default()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
    // What is wrong with the query stays wrong.
    let passed = engine.way.passed();
    let wrong = Query {
        facets: vec!["colour".into()],
        ..Query::default()
    };
    let error = patient.search(&a, &wrong).await.unwrap_err();
    assert!(
        error.is_callers() && engine.way.passed() == passed,
        "{error} after {} requests",
        engine.way.passed() - passed
    );
}

/// A write may not make an index that somebody removed: it would have no mapping.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_index_does_not_come_back_by_a_late_write() {
    let (engine, a) = (Own::start().await, scope("a").await);
    let index = engine.open().await;
    fill(&index, vec![put(&a, "p", 1, json!({}))]).await;
    let names = OpenSearchIndex::list(&engine.cluster, &["products"]).await.unwrap();
    assert!(names.contains(&engine.name), "{names:?}");
    OpenSearchIndex::remove(&engine.cluster, &engine.name).await.unwrap();
    OpenSearchIndex::remove(&engine.cluster, &engine.name).await.unwrap();
    let error = index.write(vec![put(&a, "p", 2, json!({}))]).await.unwrap_err();
    assert!(matches!(error, Error::Missing(_)), "{error}");
    let names = OpenSearchIndex::list(&engine.cluster, &["products"]).await.unwrap();
    assert!(!names.contains(&engine.name), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_of_another_mapping_is_refused() {
    static OTHER: Mapping = Mapping {
        version: 2,
        ..crate::contract::MAPPING
    };
    let (engine, a) = (Own::start().await, scope("a").await);
    fill(&engine.open().await, vec![put(&a, "p", 1, json!({}))]).await;
    let key = SealingKey::new([7; 32]);
    let other = OpenSearchIndex::new(Arc::clone(&engine.cluster), &engine.name, &OTHER, key);
    let error = other.search(&a, &Query::default()).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_node_is_unavailable() {
    let (engine, a) = (Own::start().await, scope("a").await);
    let index = engine.open().await;
    fill(&index, vec![put(&a, "p", 1, json!({}))]).await;
    for (status, body) in [
        (502, json!("<html>Bad Gateway</html>")),
        (403, json!({"message": "not you"})),
        (200, json!({})),
    ] {
        engine.way.at("_search", Some(Fault::answer(status, body.clone())));
        let error = index.search(&a, &Query::default()).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{status} {body}: {error}");
        engine.way.at("_bulk", Some(Fault::answer(status, body.clone())));
        let error = index.write(vec![put(&a, "p", 2, json!({}))]).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{status} {body}: {error}");
    }
    let nobody = Cluster::new("http://127.0.0.1:1", Access::Open, "", Runtime::tokio()).unwrap();
    let error = nobody.version().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_asked_as_it_lets_in() {
    let engine = Own::start().await;
    let basic = Access::Basic {
        user: "headwater".into(),
        password: "pa:ss".into(),
    };
    let keys = Credentials::new("AKID", "secret", Some("token".into()), None, "test");
    let aws = Access::Aws {
        credentials: SharedCredentialsProvider::new(keys),
        region: "eu-west-1".into(),
    };
    for (access, begins, has) in [
        (Access::Open, "", ""),
        (basic, "Basic aGVhZHdhdGVyOnBhOnNz", ""),
        (aws, "AWS4-HMAC-SHA256 Credential=AKID/", "/eu-west-1/es/aws4_request"),
    ] {
        let cluster = Cluster::new(&engine.way.endpoint(), access, "", Runtime::tokio()).unwrap();
        let version = cluster.version().await.unwrap();
        assert!(["2.", "3."].iter().any(|known| version.starts_with(known)), "{version}");
        let asked = engine.way.authorization().unwrap_or_default();
        assert!(asked.starts_with(begins) && asked.contains(has), "{asked}");
        assert_eq!(asked.is_empty(), begins.is_empty());
    }
    for (url, prefix) in [
        ("nowhere", ""),
        ("ftp://host", ""),
        ("http://host", "Upper"),
        ("http://host", "-x"),
        ("http://host", "a*"),
    ] {
        Cluster::new(url, Access::Open, prefix, Runtime::tokio()).unwrap_err();
    }
}

/// Installations that share a cluster see nothing of one another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_prefix_is_another_installation() {
    let (engine, a) = (Own::start().await, scope("a").await);
    fill(&engine.open().await, vec![put(&a, "p", 1, json!({}))]).await;
    let other = Cluster::new(&engine.way.endpoint(), Access::Open, "others-", Runtime::tokio()).unwrap();
    assert_eq!(
        OpenSearchIndex::list(&other, &["products"]).await.unwrap(),
        Vec::<IndexName>::new()
    );
    let key = SealingKey::new([7; 32]);
    let index = OpenSearchIndex::new(Arc::new(other), &engine.name, &crate::contract::MAPPING, key);
    assert_eq!(index.search(&a, &Query::default()).await.unwrap().total, 0);
}
