//! Deletes items whose time to live has passed, a page at a time between groups. The engine's own sweep holds its caller for whole tables.

use super::{engine::Engine, operations::complete};
use dynoxide::actions::delete_item::{self, DeleteItemRequest};
use rusqlite::params;
use serde_json::{Value, json};

/// Rows read per step.
const PAGE: i64 = 500;

/// Where the sweep stands.
#[derive(Default)]
pub(super) struct Expiry {
    /// The table being swept and the last row read of it; `None` between sweeps.
    position: Option<(String, i64)>,
}

impl Expiry {
    /// Reads one page and deletes what has expired. Returns whether the sweep goes on.
    pub(super) fn step(&mut self, engine: &Engine) -> Result<bool, rusqlite::Error> {
        let connection = engine.connection();
        let (after_table, after_row) = match &self.position {
            Some((table, row)) => (table.as_str(), *row),
            None => ("", 0),
        };
        let table = connection
            .prepare_cached(
                "SELECT table_name, ttl_attribute, key_schema FROM _tables
                 WHERE ttl_enabled = 1 AND ttl_attribute IS NOT NULL AND table_name >= ?1 ORDER BY table_name LIMIT 1",
            )?
            .query_map(params![after_table], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                ))
            })?
            .next()
            .transpose()?;
        let Some((table, attribute, keys)) = table else {
            self.position = None;
            return Ok(false);
        };
        let from = if table == after_table { after_row } else { 0 };
        let now = engine.runtime.now().nanos() / 1_000_000_000;
        let quoted = table.replace('"', "\"\"");
        let rows = connection
            .prepare_cached(&format!(
                "SELECT rowid, item_json FROM \"{quoted}\" WHERE rowid > ?1 ORDER BY rowid LIMIT ?2"
            ))?
            .query_map(params![from, PAGE], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let Some((last, _)) = rows.last() else {
            // Past every name that equals this one and before every one that follows it.
            self.position = Some((format!("{table}\0"), 0));
            return Ok(true);
        };
        self.position = Some((table.clone(), *last));
        for (_, item) in rows {
            if let Some(key) = expired(&item, &attribute, &keys, now) {
                delete(engine, &table, &attribute, &key, now);
            }
        }
        Ok(true)
    }
}

/// The key of an item whose time has passed.
fn expired(item: &str, attribute: &str, key_schema: &str, now: i64) -> Option<Value> {
    if !item.contains(attribute) {
        return None;
    }
    let item: Value = serde_json::from_str(item).ok()?;
    let expires: i64 = item.get(attribute)?.get("N")?.as_str()?.parse().ok()?;
    if expires > now {
        return None;
    }
    let schema: Value = serde_json::from_str(key_schema).ok()?;
    let names = schema
        .as_array()?
        .iter()
        .filter_map(|key| key.get("AttributeName")?.as_str());
    Some(Value::Object(
        names
            .map(|name| (name.to_owned(), item.get(name).cloned().unwrap_or_default()))
            .collect(),
    ))
}

/// Deletes the item if it still has expired, with its index rows and its stream record.
fn delete(engine: &Engine, table: &str, attribute: &str, key: &Value, now: i64) {
    let request = json!({
        "TableName": table,
        "Key": key,
        "ConditionExpression": "#ttl <= :now",
        "ExpressionAttributeNames": { "#ttl": attribute },
        "ExpressionAttributeValues": { ":now": { "N": now.to_string() } },
    });
    let deleted = serde_json::from_value::<DeleteItemRequest>(request)
        .map_err(|error| error.to_string())
        .and_then(|request| {
            engine
                .write(|storage| complete(delete_item::execute(storage, request)))
                .map_err(|error| error.to_string())
        });
    if let Err(error) = deleted {
        tracing::warn!(table, error, "an expired item was not deleted");
    }
}
