//! A large tenant's own index: which documents are in it, and how a tenant comes to have one.

use super::{Own, cluster};
use crate::contract::{Engine, MAPPING, Opened, fill, id, put, scope, search, tombstone};
use headwater_search::{Error, IndexName, Query, WriteOutcome, opensearch::OpenSearchIndex};
use headwater_tenancy::SealingKey;
use serde_json::{Value, json};
use std::sync::Arc;

impl Own {
    /// The keys of all that is in an index of the node, by the index's name.
    async fn kept(&self, index: &str) -> Vec<String> {
        let path = format!("/tests-{index}/_search?size=100");
        let (status, answer) = self.ask(reqwest::Method::POST, &path, json!({})).await;
        assert_eq!(status, 200, "{answer}");
        let hits = answer["hits"]["hits"].as_array().unwrap().iter();
        let mut keys: Vec<String> = hits.map(|hit| hit["_id"].as_str().unwrap().to_owned()).collect();
        keys.sort_unstable();
        keys
    }

    /// The indexes of the node that begin with the name of this one.
    async fn indexes(&self, name: &IndexName) -> Vec<String> {
        let path = format!("/_cat/indices/tests-{name}*?format=json&h=index");
        let (_, answer) = self.ask(reqwest::Method::GET, &path, Value::Null).await;
        let names = answer.as_array().unwrap().iter();
        let mut names: Vec<String> = names.map(|row| row["index"].as_str().unwrap().to_owned()).collect();
        names.retain(|found| {
            let rest = found.strip_prefix(&format!("tests-{name}")).unwrap();
            rest.is_empty() || rest.starts_with('-')
        });
        names.sort_unstable();
        names
    }

    /// The same node with these tenants apart, as after a change of the configuration.
    fn configured(&self, name: &IndexName, apart: &[&str]) -> Opened {
        let key = SealingKey::new([7; 32]);
        let cluster = Arc::new(cluster(&self.way, apart));
        Arc::new(OpenSearchIndex::new(cluster, name, &MAPPING, key))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_moves_to_its_own_index_with_the_next_generation() {
    let (engine, a, b) = (Own::start().await, scope("a").await, scope("a-5").await);
    let both = |version| {
        vec![
            put(&a, "p", version, json!({"title": "red cable"})),
            put(&b, "p", version, json!({"title": "blue cable"})),
        ]
    };
    fill(&engine.open().await, both(1)).await;
    // Configured now; what is live stays where it is and is found.
    let live = engine.configured(&engine.name, &["a-5"]);
    fill(&live, both(2)).await;
    assert_eq!(search(&live, &b, Query::text("cable")).await.total, 1);
    assert_eq!(engine.kept(&engine.name.to_string()).await, ["a-5:p", "a:p"]);

    let name = IndexName::new("products", "product-search", engine.name.generation + 200_000);
    let next = engine.configured(&name, &["a-5"]);
    fill(&next, both(2)).await;
    assert_eq!(engine.kept(&name.to_string()).await, ["a:p"]);
    assert_eq!(engine.kept(&format!("{name}-a-5.own")).await, ["a-5:p"]);
    // A process whose configuration is older looks in the same places, and a late version changes nothing.
    let elsewhere = engine.configured(&name, &[]);
    let late = elsewhere.write(both(1)).await.unwrap();
    assert_eq!(late, [WriteOutcome::Superseded { current: 2 }; 2]);
    fill(&elsewhere, vec![tombstone(&b, "p", 3)]).await;
    assert_eq!(search(&next, &b, Query::default()).await.total, 0);
    assert_eq!(
        next.write(both(2)).await.unwrap(),
        [
            WriteOutcome::Superseded { current: 2 },
            WriteOutcome::Superseded { current: 3 }
        ]
    );
    assert_eq!(engine.kept(&name.to_string()).await, ["a:p"]);
    assert!(next.stored(&b, &[id("p")]).await.unwrap()[0].as_ref().unwrap().deleted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_own_index_goes_with_its_generation() {
    let (engine, b) = (Own::start().await, scope("a-5").await);
    let name = IndexName::new("products", "product-search", engine.name.generation + 300_000);
    let index = engine.configured(&name, &["a-5"]);
    fill(&index, vec![put(&b, "p", 1, json!({"title": "cable"}))]).await;
    let (shared, own) = (format!("tests-{name}"), format!("tests-{name}-a-5.own"));
    assert_eq!(engine.indexes(&name).await, [shared, own]);
    let listed = OpenSearchIndex::list(&engine.cluster, &["products"]).await.unwrap();
    let listed = listed
        .iter()
        .filter(|listed| listed.to_string().starts_with(&name.to_string()));
    assert_eq!(listed.collect::<Vec<_>>(), [&name]);
    // A tenant's own way in is to its own index.
    OpenSearchIndex::point_tenant_alias(&engine.cluster, &b, &name)
        .await
        .unwrap();
    let alias = OpenSearchIndex::tenant_alias(&engine.cluster, &b, "products");
    assert_eq!(engine.kept(alias.strip_prefix("tests-").unwrap()).await, ["a-5:p"]);
    OpenSearchIndex::remove(&engine.cluster, &name).await.unwrap();
    assert!(engine.indexes(&name).await.is_empty());
    // Nor does it come back.
    let late = index.write(vec![put(&b, "p", 2, json!({}))]).await.unwrap_err();
    let is_gone = matches!(late, Error::Missing(_));
    assert!(is_gone && engine.indexes(&name).await.is_empty(), "{late}");
}
