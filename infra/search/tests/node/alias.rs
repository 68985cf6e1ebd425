//! The alias of a tenant that has direct access to the cluster.

use super::Own;
use crate::contract::{Engine, fill, put, scope, tombstone};
use headwater_search::{Error, IndexName, opensearch::OpenSearchIndex};
use headwater_tenancy::SealingKey;
use serde_json::{Value, json};
use std::sync::Arc;

impl Own {
    /// The ids that a query by an alias finds, and how many it counts.
    async fn by_alias(&self, alias: &str, query: Value) -> (Vec<String>, u64) {
        let body = json!({"size": 100, "query": query, "track_total_hits": true});
        let (status, answer) = self
            .ask(reqwest::Method::POST, &format!("/{alias}/_search"), body)
            .await;
        assert_eq!(status, 200, "{answer}");
        let hits = answer["hits"]["hits"].as_array().unwrap().iter();
        let mut ids: Vec<String> = hits.map(|hit| hit["_id"].as_str().unwrap().to_owned()).collect();
        ids.sort_unstable();
        (ids, answer["hits"]["total"]["value"].as_u64().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_alias_shows_nobody_elses_documents() {
    let (engine, a, b) = (Own::start().await, scope("a").await, scope("a-b").await);
    let index = engine.open().await;
    let writes = vec![
        put(&a, "mine", 1, json!({"title": "red cable", "brand": "Mine"})),
        put(&a, "gone", 1, json!({"title": "red cable"})),
        put(&b, "theirs", 1, json!({"title": "red cable", "brand": "Theirs"})),
    ];
    fill(&index, writes).await;
    fill(&index, vec![tombstone(&a, "gone", 2)]).await;
    let cluster = &engine.cluster;
    OpenSearchIndex::point_tenant_alias(cluster, &a, &engine.name)
        .await
        .unwrap();
    let alias = OpenSearchIndex::tenant_alias(cluster, &a, "products");
    let of_others = json!({"bool": {"should": [
        {"term": {"tenant": "a-b"}}, {"term": {"values": "brand:Theirs"}}, {"ids": {"values": ["a-b:theirs"]}},
        {"term": {"words": "a-b:cable"}},
    ]}});
    let mine = (vec!["a:mine".to_owned()], 1);
    assert_eq!(engine.by_alias(&alias, json!({"match_all": {}})).await, mine);
    assert_eq!(engine.by_alias(&alias, of_others).await, (Vec::new(), 0));
    // It is for reading: what is written by it would have no version.
    let (status, _) = engine
        .ask(
            reqwest::Method::PUT,
            &format!("/{alias}/_doc/forged"),
            json!({"tenant": "a-b"}),
        )
        .await;
    assert_eq!(status, 400);
    // Nor in counts.
    let counts = json!({"size": 0, "aggs": {"brands": {"terms": {"field": "f_brand"}}}});
    let (_, answer) = engine
        .ask(reqwest::Method::POST, &format!("/{alias}/_search"), counts)
        .await;
    let brands = answer["aggregations"]["brands"]["buckets"].as_array().unwrap();
    assert_eq!((brands.len(), &brands[0]["key"]), (1, &json!("Mine")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_alias_moves_to_another_generation() {
    let (engine, a) = (Own::start().await, scope("moved").await);
    fill(&engine.open().await, vec![put(&a, "old", 1, json!({"title": "cable"}))]).await;
    let cluster = &engine.cluster;
    let next = IndexName::new("products", "product-search", engine.name.generation + 100_000);
    let key = SealingKey::new([7; 32]);
    let index: crate::contract::Opened = Arc::new(OpenSearchIndex::new(
        Arc::clone(cluster),
        &next,
        &crate::contract::MAPPING,
        key,
    ));
    let alias = OpenSearchIndex::tenant_alias(cluster, &a, "products");
    // Of an index that is not there it is not made.
    let error = OpenSearchIndex::point_tenant_alias(cluster, &a, &next)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Missing(_)), "{error}");
    OpenSearchIndex::point_tenant_alias(cluster, &a, &engine.name)
        .await
        .unwrap();
    fill(&index, vec![put(&a, "new", 1, json!({"title": "cable"}))]).await;
    for (name, id) in [(&engine.name, "moved:old"), (&next, "moved:new"), (&next, "moved:new")] {
        OpenSearchIndex::point_tenant_alias(cluster, &a, name).await.unwrap();
        let found = engine.by_alias(&alias, json!({"match_all": {}})).await;
        assert_eq!(found, (vec![id.to_owned()], 1));
    }
    for _ in 0..2 {
        OpenSearchIndex::remove_tenant_alias(cluster, &a, "products")
            .await
            .unwrap();
    }
    let (status, _) = engine
        .ask(reqwest::Method::GET, &format!("/{alias}/_search"), json!({}))
        .await;
    assert_eq!(status, 404);
}
