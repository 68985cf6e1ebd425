//! Two engines in memory, one per store, and the streams of their event tables. Requests run one at a time, on the caller's thread.

use super::streams::{StreamRecord, StreamRules, Streams};
use crate::{Store, TableDefinition, embedded::complete};
use dynoxide::{
    DynoxideError,
    actions::{
        batch_get_item, batch_write_item, create_table, delete_item, describe_table, get_item, put_item, query, scan,
        transact_get_items, transact_write_items, update_item, vector_lifecycle::VectorIndexLifecycle,
    },
    storage::Storage,
};
use headwater_kernel::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Both stores. Clones are the same.
#[derive(Clone)]
pub struct SimulatedEngine(Arc<Mutex<Inner>>);

struct Inner {
    durable: Storage,
    rebuildable: Storage,
    vectors: VectorIndexLifecycle,
    streams: Streams,
    /// The answers to transactions, by token.
    tokens: BTreeMap<String, Vec<u8>>,
}

impl std::fmt::Debug for SimulatedEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimulatedEngine")
    }
}

fn print(result: Result<impl Serialize, DynoxideError>) -> (u16, Vec<u8>) {
    match result {
        Ok(answer) => (200, serde_json::to_vec(&answer).unwrap_or_default()),
        Err(error) => (error.status_code(), error.to_json().into_bytes()),
    }
}

fn parse<T: DeserializeOwned>(request: &Value) -> Result<T, DynoxideError> {
    T::deserialize(request).map_err(|error| DynoxideError::ValidationException(error.to_string()))
}

impl SimulatedEngine {
    /// Without tables.
    #[allow(clippy::expect_used, reason = "a simulation without memory is none")]
    pub fn new(rules: StreamRules) -> Self {
        let storage = || Storage::memory().expect("memory");
        Self(Arc::new(Mutex::new(Inner {
            durable: storage(),
            rebuildable: storage(),
            vectors: VectorIndexLifecycle::new(),
            streams: Streams::new(rules),
            tokens: BTreeMap::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a table. One with a stream gets a modelled one.
    ///
    /// # Panics
    /// When the engine does not take it.
    pub fn create_table(&self, table: &TableDefinition, now: Timestamp) {
        let key = |pk: &str, sk: Option<&str>| {
            let of = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
            let mut keys = vec![of(pk, "HASH")];
            keys.extend(sk.map(|sk| of(sk, "RANGE")));
            json!(keys)
        };
        let mut names = vec![table.partition_key];
        names.extend(table.sort_key);
        names.extend(table.indexes.iter().flat_map(|index| [index.pk, index.sk]));
        let mut request = json!({
            "TableName": table.name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": key(table.partition_key, table.sort_key),
            "AttributeDefinitions": names.iter().map(|name| json!({ "AttributeName": name, "AttributeType": "S" })).collect::<Vec<_>>(),
        });
        if !table.indexes.is_empty() {
            let index = |index: &crate::Index| {
                json!({
                    "IndexName": index.name,
                    "KeySchema": key(index.pk, Some(index.sk)),
                    "Projection": { "ProjectionType": "ALL" },
                })
            };
            request["GlobalSecondaryIndexes"] = json!(table.indexes.iter().map(index).collect::<Vec<_>>());
        }
        let mut inner = self.lock();
        let made = parse::<create_table::CreateTableRequest>(&request)
            .and_then(|request| complete(create_table::execute(inner.storage(table.store), request)));
        assert!(made.is_ok(), "{}: {:?}", table.name, made.err());
        if table.stream {
            inner.streams.add(&table.name, now);
        }
    }

    /// Runs a request and returns what answers it, and whether it was run. `remote`: a transaction is known by its token, and one that
    /// comes again is not run again.
    pub(super) fn run(
        &self,
        store: Store,
        operation: &str,
        request: &Value,
        now: Timestamp,
        remote: bool,
    ) -> (u16, Vec<u8>, bool) {
        let mut inner = self.lock();
        let token = request["ClientRequestToken"].as_str().filter(|_| remote);
        if let Some(known) = token.and_then(|token| inner.tokens.get(token)) {
            return (200, known.clone(), false);
        }
        if let Some((status, answer)) = inner.streams.answer(operation, request, now) {
            return (status, answer, true);
        }
        let (status, answer) = inner.execute(store, operation, request);
        if status == 200 {
            inner.streams.written(operation, request, now);
            if let Some(token) = token {
                inner.tokens.insert(token.to_owned(), answer.clone());
            }
        }
        if operation == "DescribeTable" && status == 200 {
            return (status, inner.streams.described(&answer), true);
        }
        (status, answer, true)
    }

    /// One item as it stands, in DynamoDB's JSON.
    pub fn item(&self, store: Store, table: &str, key: &Value) -> Option<Value> {
        let request = json!({ "TableName": table, "Key": key, "ConsistentRead": true });
        let (_, answer) = self.lock().execute(store, "GetItem", &request);
        let mut answer: Value = serde_json::from_slice(&answer).ok()?;
        answer.get_mut("Item").map(Value::take)
    }

    /// All items of a table.
    pub fn items(&self, store: Store, table: &str) -> Vec<Value> {
        let inner = self.lock();
        let mut items = Vec::new();
        let mut request = json!({ "TableName": table });
        loop {
            let (_, answer) = inner.execute(store, "Scan", &request);
            let mut answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
            if let Some(Value::Array(page)) = answer.get_mut("Items").map(Value::take) {
                items.extend(page);
            }
            match answer.get_mut("LastEvaluatedKey").map(Value::take) {
                Some(after @ Value::Object(_)) => request["ExclusiveStartKey"] = after,
                _ => return items,
            }
        }
    }

    /// What a sync would make safe of the rebuildable store, in the place of what was safe before.
    ///
    /// # Panics
    /// When the engine cannot copy its tables.
    pub fn sync_rebuildable(&self) {
        let inner = self.lock();
        for table in tables(&inner.rebuildable) {
            let sql = format!(
                "DROP TABLE IF EXISTS \"_safe_{table}\"; CREATE TABLE \"_safe_{table}\" AS SELECT * FROM \"{table}\""
            );
            let copied = inner.rebuildable.conn().execute_batch(&sql);
            assert!(copied.is_ok(), "{table}: {copied:?}");
        }
    }

    /// A power cut: the rebuildable store is what it was at its last sync.
    ///
    /// # Panics
    /// When the engine cannot copy its tables.
    pub fn lose_power(&self) {
        let inner = self.lock();
        for table in tables(&inner.rebuildable) {
            let sql = format!("DELETE FROM \"{table}\"; INSERT INTO \"{table}\" SELECT * FROM \"_safe_{table}\"");
            let copied = inner.rebuildable.conn().execute_batch(&sql);
            assert!(copied.is_ok(), "{table}: {copied:?}");
        }
    }

    /// Splits the nth open shard of a table's stream in two, or ends it for one that follows on.
    pub fn split(&self, table: &str, nth: usize, in_two: bool, now: Timestamp) {
        self.lock().streams.split(table, nth, in_two, now);
    }

    /// Trims every shard of a table's stream up to a part (of 1,000) of its records, whatever their age. What is closed and empty then
    /// goes.
    pub fn trim(&self, table: &str, part: usize, now: Timestamp) {
        self.lock().streams.trim(table, part, now);
    }

    /// Turns a table's stream off. What it has can still be read.
    pub fn stream_off(&self, table: &str, now: Timestamp) {
        self.lock().streams.turn_off(table, now);
    }

    /// Turns it on again: another stream.
    pub fn stream_on(&self, table: &str, now: Timestamp) {
        self.lock().streams.turn_on(table, now);
    }

    /// The records of a shard, also those that are trimmed, by sequence number.
    pub fn records(&self, stream: &str, shard: &str) -> Vec<StreamRecord> {
        self.lock().streams.records(stream, shard)
    }
}

fn tables(storage: &Storage) -> Vec<String> {
    let named = || {
        let mut statement = storage.conn().prepare(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_%' ESCAPE '\\'",
        )?;
        let names = statement.query_map([], |row| row.get(0))?;
        names.collect::<Result<Vec<String>, rusqlite::Error>>()
    };
    named().unwrap_or_default()
}

impl Inner {
    fn storage(&self, store: Store) -> &Storage {
        match store {
            Store::Durable => &self.durable,
            Store::Rebuildable => &self.rebuildable,
        }
    }

    fn execute(&self, store: Store, operation: &str, request: &Value) -> (u16, Vec<u8>) {
        let storage = self.storage(store);
        macro_rules! operations {
            ($($name:literal => $module:ident::$type:ident),* $(,)?) => {
                match operation {
                    $($name => print(parse::<$module::$type>(request)
                        .and_then(|request| complete($module::execute(storage, request)))),)*
                    "DescribeTable" => print(parse::<describe_table::DescribeTableRequest>(request)
                        .and_then(|request| complete(describe_table::execute(storage, request, &self.vectors)))),
                    _ => print(Err::<(), _>(DynoxideError::ValidationException(format!("the simulation does not know {operation}")))),
                }
            };
        }
        operations! {
            "PutItem" => put_item::PutItemRequest,
            "GetItem" => get_item::GetItemRequest,
            "DeleteItem" => delete_item::DeleteItemRequest,
            "UpdateItem" => update_item::UpdateItemRequest,
            "Query" => query::QueryRequest,
            "Scan" => scan::ScanRequest,
            "BatchGetItem" => batch_get_item::BatchGetItemRequest,
            "BatchWriteItem" => batch_write_item::BatchWriteItemRequest,
            "TransactGetItems" => transact_get_items::TransactGetItemsRequest,
            "TransactWriteItems" => transact_write_items::TransactWriteItemsRequest,
        }
    }
}
