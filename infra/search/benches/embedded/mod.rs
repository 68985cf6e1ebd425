//! tantivy as somebody uses it who has no Headwater: the documents as they are, the engine's analysis, query parser and scoring, one query, in the
//! thread that asks.

use crate::{measures::gained, products::Data};
use headwater_runtime::Runtime;
use serde_json::Value;
use std::{path::Path, time::Duration};
use tantivy::{
    Index, IndexReader, TantivyDocument,
    aggregation::{AggContextParams, AggregationCollector, agg_req::Aggregations, agg_result::AggregationResults},
    collector::{Count, TopDocs},
    query::QueryParser,
    schema::{FAST, Field, INDEXED, STORED, STRING, Schema, TEXT, Value as _},
};

/// What the engine's indexer may hold in memory, in bytes.
const MEMORY: usize = 64 << 20;
/// Fields that are searched by words, and what they count.
const WORDS: [(&str, f32); 5] = [
    ("title", 3.0),
    ("category", 2.0),
    ("brand", 1.5),
    ("sku", 1.0),
    ("description", 0.8),
];
const FACETS: [&str; 2] = ["brand", "category"];

pub(crate) struct Embedded {
    index: Index,
    reader: IndexReader,
    parser: QueryParser,
    aggregations: Aggregations,
    id: Field,
    source: Field,
}

impl Embedded {
    pub(crate) fn new(folder: &Path) -> Self {
        let mut schema = Schema::builder();
        let id = schema.add_text_field("id", STRING | STORED);
        let source = schema.add_text_field("source", STORED);
        let words = WORDS.map(|(name, weight)| (schema.add_text_field(name, TEXT), weight));
        for name in FACETS {
            schema.add_text_field(&format!("{name}_value"), STRING | FAST);
        }
        schema.add_i64_field("price_cents", INDEXED | FAST);
        let index = Index::create_in_dir(folder, schema.build()).unwrap();
        let mut parser = QueryParser::for_index(&index, words.iter().map(|(field, _)| *field).collect());
        for (field, weight) in words {
            parser.set_field_boost(field, weight);
        }
        let counts = FACETS.map(|name| {
            let terms = serde_json::json!({"terms": {"field": format!("{name}_value"), "size": 20}});
            (name.to_owned(), terms)
        });
        let counts: serde_json::Map<String, Value> = counts.into_iter().collect();
        Self {
            reader: index.reader().unwrap(),
            index,
            parser,
            aggregations: serde_json::from_value(Value::Object(counts)).unwrap(),
            id,
            source,
        }
    }

    /// Indexes all; how long that took, until they are seen.
    pub(crate) fn fill(&self, data: &Data, runtime: &Runtime) -> Duration {
        let start = runtime.monotonic();
        let mut writer = self.index.writer::<TantivyDocument>(MEMORY).unwrap();
        let schema = self.index.schema();
        for given in &data.documents {
            let mut document = TantivyDocument::new();
            document.add_text(self.id, given["id"].as_str().unwrap());
            document.add_text(self.source, given.to_string());
            let names = WORDS.iter().map(|(name, _)| (*name, (*name).to_owned()));
            for (name, field) in names.chain(FACETS.map(|name| (name, format!("{name}_value")))) {
                let values = given[name]
                    .as_array()
                    .map_or(std::slice::from_ref(&given[name]), Vec::as_slice);
                for value in values.iter().filter_map(Value::as_str) {
                    document.add_text(schema.get_field(&field).unwrap(), value);
                }
            }
            if let Some(price) = given["price_cents"].as_i64() {
                document.add_i64(schema.get_field("price_cents").unwrap(), price);
            }
            writer.add_document(document).unwrap();
        }
        writer.commit().unwrap();
        self.reader.reload().unwrap();
        runtime.monotonic() - start
    }

    /// The ids of the best twenty; their documents, the total and two facets are read as well.
    pub(crate) fn search(&self, text: &str) -> Vec<String> {
        let (query, _) = self.parser.parse_query_lenient(text);
        let counts = AggregationCollector::from_aggs(self.aggregations.clone(), AggContextParams::default());
        let collectors = (TopDocs::with_limit(20).order_by_score(), Count, counts);
        let searcher = self.reader.searcher();
        let (best, total, counts): (Vec<_>, usize, AggregationResults) = searcher.search(&query, &collectors).unwrap();
        std::hint::black_box((total, counts));
        let read = |address| {
            let document: TantivyDocument = searcher.doc(address).unwrap();
            let text = |field| document.get_first(field).and_then(|value| value.as_str()).unwrap();
            std::hint::black_box(serde_json::from_str::<Value>(text(self.source)).unwrap());
            text(self.id).to_owned()
        };
        best.into_iter().map(|(_, address)| read(address)).collect()
    }

    pub(crate) fn ndcg(&self, data: &Data) -> f64 {
        let judged = data.judgments.iter().filter_map(|(text, ratings)| {
            let found = self.search(text);
            gained(&found.iter().map(String::as_str).collect::<Vec<_>>(), ratings)
        });
        let judged: Vec<f64> = judged.collect();
        judged.iter().sum::<f64>() / judged.len() as f64
    }
}
