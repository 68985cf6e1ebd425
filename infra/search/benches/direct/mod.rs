//! OpenSearch as somebody uses it who has no Headwater: the documents as they are, the engine's analysis and scoring, one query.

use crate::{
    measures::{self, gained},
    products::Data,
};
use headwater_runtime::Runtime;
use serde_json::{Value, json};
use std::{ops::Range, sync::Arc, time::Duration};

#[derive(Clone)]
pub(crate) struct Direct {
    client: reqwest::Client,
    url: String,
}

impl Direct {
    pub(crate) fn new(endpoint: &str) -> Self {
        headwater_runtime::tls::use_ring();
        Self {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            url: endpoint.to_owned(),
        }
    }

    pub(crate) async fn send(&self, method: reqwest::Method, path: &str, body: impl Into<reqwest::Body>) -> Value {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = request.header("content-type", "application/x-ndjson").body(body);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success() && body["errors"] != true, "{status} {body}");
        body
    }

    /// Indexes all into an index of this name, so many requests at a time; how long that took, until they are seen.
    pub(crate) async fn fill(&self, name: &str, data: &Arc<Data>, runtime: &Runtime, at_a_time: usize) -> Duration {
        let keyword = json!({"type": "text", "fields": {"keyword": {"type": "keyword"}}});
        let index = json!({"mappings": {"properties": {
            "sku": keyword, "title": {"type": "text"}, "brand": keyword, "category": keyword,
            "description": {"type": "text"}, "gtin": {"type": "keyword"}, "price_cents": {"type": "long"},
            "released_at": {"type": "date"}, "attributes": {"type": "flat_object"},
        }}, "settings": {"refresh_interval": "-1", "number_of_replicas": 0}});
        let line = |document: &Value| format!("{}\n{document}\n", json!({"index": {"_id": document["id"]}}));
        let body = move |data: &Data, batch: Range<usize>| data.documents[batch].iter().map(line).collect::<String>();
        self.bulk(name, &index, (data, runtime, at_a_time), body).await
    }

    /// Makes an index and sends it what `body` says of each batch; how long that took, without the making, until all is seen.
    pub(crate) async fn bulk<B: Into<reqwest::Body>>(
        &self,
        name: &str,
        index: &Value,
        (data, runtime, at_a_time): (&Arc<Data>, &Runtime, usize),
        body: impl Fn(&Data, Range<usize>) -> B + Clone + Send + 'static,
    ) -> Duration {
        let path = format!("/{name}");
        self.send(reqwest::Method::PUT, &path, index.to_string()).await;
        let (bulk, to) = (format!("{path}/_bulk?filter_path=errors,items.*.error"), self.clone());
        let write = move |data: Arc<Data>, batch: Range<usize>| {
            let (to, bulk, body) = (to.clone(), bulk.clone(), body.clone());
            async move {
                let body: reqwest::Body = body(&data, batch).into();
                to.send(reqwest::Method::POST, &bulk, body).await;
            }
        };
        let start = runtime.monotonic();
        measures::each_batch(data, runtime, at_a_time, write).await;
        self.send(reqwest::Method::POST, &format!("{path}/_refresh"), String::new())
            .await;
        runtime.monotonic() - start
    }

    pub(crate) async fn remove(&self, names: &str) {
        self.send(reqwest::Method::DELETE, &format!("/{names}"), String::new())
            .await;
    }

    pub(crate) async fn search(&self, text: &str, facets: bool) -> Value {
        let mut body = json!({
            "size": 20, "track_total_hits": true,
            "query": {"multi_match": {
                "query": text, "fields": ["title^3", "category^2", "brand^1.5", "sku", "description^0.8"],
                "fuzziness": "AUTO", "prefix_length": 1,
            }},
        });
        if facets {
            let count = |field: &str| json!({"terms": {"field": format!("{field}.keyword"), "size": 20}});
            body["aggs"] = json!({"brand": count("brand"), "category": count("category")});
        }
        let body = body.to_string();
        self.send(reqwest::Method::POST, "/direct/_search", body).await
    }

    pub(crate) async fn ndcg(&self, data: &Data) -> f64 {
        let (mut sum, mut queries) = (0.0, 0);
        for (text, ratings) in &data.judgments {
            let answer = self.search(text, false).await;
            let hits = answer["hits"]["hits"].as_array().unwrap();
            let found: Vec<&str> = hits.iter().map(|hit| hit["_id"].as_str().unwrap()).collect();
            if let Some(gained) = gained(&found, ratings) {
                sum += gained;
                queries += 1;
            }
        }
        sum / f64::from(queries)
    }

    /// What indexes take on disk.
    pub(crate) async fn megabytes(&self, names: &str) -> f64 {
        // Until the old segments are let go by searches and by the last commit.
        for path in ["_forcemerge?max_num_segments=1", "_refresh", "_flush?force=true"] {
            let path = format!("/{names}/{path}");
            self.send(reqwest::Method::POST, &path, String::new()).await;
        }
        let path = format!("/{names}/_stats/store");
        let stats = self.send(reqwest::Method::GET, &path, String::new()).await;
        stats["_all"]["total"]["store"]["size_in_bytes"].as_f64().unwrap() / 1e6
    }
}
