//! What the adapter makes of the documents, read from an index that it filled, so that it can be sent without the adapter.

use crate::{direct::Direct, measures::BATCH, products::Data};
use headwater_runtime::Runtime;
use reqwest::Method;
use serde_json::{Value, json};
use std::{ops::Range, sync::Arc, time::Duration};

/// An index like the adapter's and the bodies of the requests that fill it.
pub(crate) struct Prepared {
    index: Value,
    /// Of each batch.
    bodies: Arc<Vec<String>>,
}

impl Prepared {
    /// From an index with all documents of `data`, of this tenant.
    pub(crate) async fn read(direct: &Direct, name: &str, tenant: &str, data: &Data) -> Self {
        let mut found = direct.send(Method::GET, &format!("/{name}"), String::new()).await;
        let found = &mut found[name];
        let mut settings = json!({});
        for kept in ["analysis", "similarity", "refresh_interval", "auto_expand_replicas"] {
            settings[kept] = found["settings"]["index"][kept].take();
        }
        let mut bodies = Vec::new();
        for batch in data.documents.chunks(BATCH) {
            let key = |document: &Value| format!("{tenant}:{}", document["id"].as_str().unwrap());
            let keys: Vec<Value> = batch
                .iter()
                .map(|document| json!({"_id": key(document), "routing": tenant}))
                .collect();
            let asked = json!({ "docs": keys }).to_string();
            let answer = direct.send(Method::POST, &format!("/{name}/_mget"), asked).await;
            let line = |found: &Value| {
                let action = json!({"_id": found["_id"], "routing": tenant, "version": 1, "version_type": "external"});
                format!("{}\n{}\n", json!({ "index": action }), found["_source"])
            };
            bodies.push(answer["docs"].as_array().unwrap().iter().map(line).collect());
        }
        Self {
            index: json!({"settings": settings, "mappings": found["mappings"].take()}),
            bodies: Arc::new(bodies),
        }
    }

    /// Indexes all and removes the index again; how long the first took, until they are seen.
    pub(crate) async fn fill(
        &self,
        direct: &Direct,
        data: &Arc<Data>,
        runtime: &Runtime,
        at_a_time: usize,
    ) -> Duration {
        let bodies = Arc::clone(&self.bodies);
        let body = move |_: &Data, batch: Range<usize>| bodies[batch.start / BATCH].clone();
        let took = direct
            .bulk("prepared", &self.index, (data, runtime, at_a_time), body)
            .await;
        direct.remove("prepared").await;
        took
    }

    /// The mean size of what is sent of a document.
    pub(crate) fn kilobytes(&self) -> f64 {
        self.bodies.iter().map(String::len).sum::<usize>() as f64 / 1e3 / (self.bodies.len() * BATCH) as f64
    }
}

/// The mean size of a document as it is.
pub(crate) fn kilobytes(data: &Data) -> f64 {
    let bytes = data.documents.iter().map(|document| document.to_string().len());
    bytes.sum::<usize>() as f64 / 1e3 / data.documents.len() as f64
}
