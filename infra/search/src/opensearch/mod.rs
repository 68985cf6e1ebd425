//! The OpenSearch adapter: one index per kind, projection and generation, shared by all tenants but those that have their [own](places), each
//! tenant's documents on one shard.
//!
//! What is written is durable when it is answered; a commit makes it visible to searches. What a query means is planned here as for the
//! embedded adapter ([`crate::tantivy`]); the engine finds, scores, counts and sorts.

mod alias;
mod bulk;
mod clauses;
mod cluster;
mod collapse;
mod credentials;
mod document;
mod layout;
mod made;
mod places;
mod refresh;
mod run;
mod statistics;
mod suggest;
mod words;

use crate::{
    DocumentWrite, Error, Hits, IndexName, Query, SearchIndex, StoredDocument, SuggestQuery, Suggestion, WriteOutcome,
    values,
};
use ::opensearch::http::Method;
use async_trait::async_trait;
use cluster::classified;
pub use cluster::{Access, Cluster};
use headwater_kernel::Id;
use headwater_read_models::search::Mapping;
use headwater_tenancy::{SealingKey, TenantScope};
use made::Made;
use refresh::Refresh;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// How often it is looked whether a document is visible.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A search index in a cluster. It is made there when it is first used.
#[derive(Debug)]
pub struct OpenSearchIndex {
    cluster: Arc<Cluster>,
    name: String,
    mapping: &'static Mapping,
    key: SealingKey,
    made: Made,
    refresh: Refresh,
}

impl OpenSearchIndex {
    /// The index of this name. Nothing is sent yet, so the cluster need not be there.
    pub fn new(cluster: Arc<Cluster>, name: &IndexName, mapping: &'static Mapping, key: SealingKey) -> Self {
        Self {
            name: format!("{}{name}", cluster.prefix()),
            cluster,
            mapping,
            key,
            made: Made::default(),
            refresh: Refresh::default(),
        }
    }

    /// The names of all indexes of `kinds` in the cluster.
    ///
    /// # Errors
    /// As classified.
    pub async fn list(cluster: &Cluster, kinds: &[&str]) -> Result<Vec<IndexName>, Error> {
        let answer = cluster
            .expect(Method::Get, "/_cat/indices?format=json&h=index", None)
            .await?;
        let names = answer
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| row["index"].as_str());
        let names = names.filter_map(|name| name.strip_prefix(cluster.prefix())?.parse::<IndexName>().ok());
        Ok(names.filter(|name| kinds.contains(&name.kind.as_str())).collect())
    }

    /// Removes an index, and those of tenants beside it; nothing happens when it is not there.
    ///
    /// # Errors
    /// As classified.
    pub async fn remove(cluster: &Cluster, name: &IndexName) -> Result<(), Error> {
        let shared = format!("{}{name}", cluster.prefix());
        // By name, as a cluster may refuse to remove by a pattern.
        let path = format!("/_cat/indices/{}?format=json&h=index", places::any_apart(&shared));
        let apart = cluster.expect(Method::Get, &path, None).await?;
        let apart = apart.as_array().into_iter().flatten();
        let apart = apart.filter_map(|row| row["index"].as_str());
        for index in apart.chain([shared.as_str()]) {
            let answer = cluster.send(Method::Delete, &format!("/{index}"), None).await?;
            if !matches!(answer.status, 200 | 404) {
                return Err(classified(answer.status, &answer.body));
            }
        }
        Ok(())
    }

    /// Documents as they are stored now, visible or not; none where there is none.
    async fn get(&self, keys: &[(&str, String)]) -> Result<Vec<Option<Value>>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let places = self.ready().await?;
        let docs: Vec<Value> = keys
            .iter()
            .map(|(tenant, key)| json!({"_index": places.of(tenant), "_id": key, "routing": tenant}))
            .collect();
        let body = json!({ "docs": docs }).to_string();
        let mut answer = self
            .cluster
            .expect(
                Method::Post,
                "/_mget?_source_includes=version,deleted,source",
                Some(body),
            )
            .await?;
        let Some(docs) = answer["docs"].as_array_mut() else {
            return Err(Error::Unavailable("an answer without documents".into()));
        };
        docs.iter_mut()
            .map(|doc| {
                if doc.get("error").is_some() {
                    return Err(classified(500, doc));
                }
                Ok((doc["found"] == true).then(|| doc["_source"].take()))
            })
            .collect()
    }
}

fn version(source: &Value) -> Result<u64, Error> {
    let version = source["version"].as_u64();
    version.ok_or_else(|| Error::Corrupt("a document without a version".into()))
}

#[async_trait]
impl SearchIndex for OpenSearchIndex {
    async fn write(&self, writes: Vec<DocumentWrite>) -> Result<Vec<WriteOutcome>, Error> {
        for write in &writes {
            values::check(self.mapping, write)?;
            if i64::try_from(write.version).is_err() {
                return Err(Error::InvalidDocument {
                    id: write.id.to_string(),
                    reason: format!("its version {} is beyond 63 bits", write.version),
                });
            }
        }
        self.noticed(bulk::write(self, &writes).await)
    }

    async fn stored(&self, scope: &TenantScope, ids: &[Id]) -> Result<Vec<Option<StoredDocument>>, Error> {
        let tenant = scope.tenant().as_str();
        let keys: Vec<_> = ids
            .iter()
            .map(|id| (tenant, layout::key(tenant, id.as_str())))
            .collect();
        let stored = |source: Option<Value>| {
            let Some(mut source) = source else { return Ok(None) };
            Ok(Some(StoredDocument {
                version: version(&source)?,
                deleted: source["deleted"] == true,
                body: source.get_mut("source").map(Value::take),
            }))
        };
        let found = self.noticed(self.get(&keys).await)?;
        found.into_iter().map(stored).collect()
    }

    fn keeps_positions(&self) -> bool {
        false
    }

    async fn commit(&self, _: Value) -> Result<(), Error> {
        let all = self.ready().await?.all();
        self.noticed(self.refresh.run(&self.cluster, &all).await)
    }

    async fn positions(&self) -> Result<Option<Value>, Error> {
        Ok(None)
    }

    async fn incarnation(&self) -> Result<Option<String>, Error> {
        self.noticed(self.uuids().await).map(Some)
    }

    async fn search(&self, scope: &TenantScope, query: &Query) -> Result<Hits, Error> {
        self.noticed(run::run(self, scope, query).await)
    }

    async fn suggest(&self, scope: &TenantScope, query: &SuggestQuery) -> Result<Vec<Suggestion>, Error> {
        self.noticed(suggest::suggest(self, scope, query).await)
    }

    async fn visible_version(&self, scope: &TenantScope, id: &Id) -> Result<Option<u64>, Error> {
        let tenant = scope.tenant().as_str();
        let body = json!({
            "size": 1, "track_total_hits": false, "_source": ["version"],
            "query": {"ids": {"values": [layout::key(tenant, id.as_str())]}},
        });
        let answer = self.noticed(self.ask(tenant, &body).await)?;
        let hit = answer["hits"]["hits"].get(0);
        hit.map(|hit| version(&hit["_source"])).transpose()
    }

    async fn await_visible(&self, scope: &TenantScope, id: &Id, version: u64, limit: Duration) -> Result<bool, Error> {
        let runtime = &self.cluster.runtime;
        let seen = async {
            loop {
                let visible = self.visible_version(scope, id).await?;
                if visible.is_some_and(|visible| visible >= version) {
                    return Ok(true);
                }
                runtime.sleep(LOOK_EVERY).await;
            }
        };
        runtime.timeout(limit, seen).await.unwrap_or(Ok(false))
    }
}

impl OpenSearchIndex {
    /// Searches the shard of a tenant. An answer that lacks a part is none.
    async fn ask(&self, tenant: &str, body: &Value) -> Result<Value, Error> {
        let name = self.ready().await?.of(tenant);
        let path = format!("/{name}/_search?routing={tenant}&allow_partial_search_results=false");
        let answer = self.cluster.expect(Method::Post, &path, Some(body.to_string())).await?;
        if answer["timed_out"] == true {
            return Err(Error::Unavailable("the search took too long".into()));
        }
        Ok(answer)
    }
}
