//! The embedded engine through the SDK: what the rest of the program relies on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod accounting;
mod durability;
mod faults;
mod housekeeping;
mod streams;
mod tables;

use aws_sdk_dynamodb::{
    operation::put_item::builders::PutItemFluentBuilder,
    primitives::Blob,
    types::{AttributeValue, Put, TransactWriteItem},
};
use headwater_dynamodb::{Database, Databases};
use headwater_runtime::Runtime;
use std::collections::HashMap;
use tempfile::TempDir;

/// An engine on a folder that goes when the test ends.
struct Fixture {
    databases: Databases,
    _dir: TempDir,
}

impl Fixture {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            databases: Databases::embedded(dir.path(), Runtime::tokio()).unwrap(),
            _dir: dir,
        }
    }

    fn durable(&self) -> &Database {
        &self.databases.durable
    }
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// An item of about `bytes` bytes.
fn item(partition: &str, sort: u64, bytes: usize) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("PK".to_owned(), text(partition)),
        ("SK".to_owned(), text(format!("{sort:010}"))),
        ("body".to_owned(), AttributeValue::B(Blob::new(vec![7; bytes]))),
    ])
}

fn put_new(database: &Database, table: &str, item: HashMap<String, AttributeValue>) -> PutItemFluentBuilder {
    let put = database.client().put_item().table_name(table).set_item(Some(item));
    put.condition_expression("attribute_not_exists(PK)")
}

fn transact_new(table: &str, item: HashMap<String, AttributeValue>) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(PK)");
    TransactWriteItem::builder().put(put.build().unwrap()).build()
}
