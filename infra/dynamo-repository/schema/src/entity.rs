//! The trait that the derive implements.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// The templates of an entity, as they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntitySchema {
    /// The table of the bounded context.
    pub table: &'static str,
    /// The discriminator that each row carries in `entity`.
    pub entity: &'static str,
    /// The partition key's template; begins with the tenant.
    pub pk: &'static str,
    /// The sort key's template.
    pub sk: &'static str,
    /// The templates of up to three indexes: number, partition key, sort key.
    pub indexes: &'static [(u8, &'static str, &'static str)],
}

/// The key of a row, without the tenant: whose it is follows from the scope, always.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey {
    /// What follows `TENANT#<tenant>` in the partition key; empty or beginning with `#`.
    pub partition: String,
    /// The sort key.
    pub sort: String,
}

/// The key of a row in one of its indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexKey {
    /// Which index: 1, 2 or 3.
    pub index: u8,
    /// Partition and sort key; `None` when the row is not in this index.
    pub key: Option<RowKey>,
}

/// A struct whose rows a repository keeps. Derived by `DynamoRepository`.
pub trait Entity: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The templates.
    const SCHEMA: EntitySchema;

    /// The row's key.
    fn row_key(&self) -> RowKey;

    /// The row's keys in all declared indexes.
    fn index_keys(&self) -> Vec<IndexKey>;
}

/// What a query's rows can be read as: one entity, or an enum of several (derived by `DynamoEntities`).
pub trait FromRow: Sized + Send {
    /// Whether rows with this discriminator are wanted.
    fn wants(entity: &str) -> bool;

    /// Reads a row's attributes.
    ///
    /// # Errors
    /// When they do not fit the entity.
    fn from_row(entity: &str, attributes: Map<String, Value>) -> Result<Self, serde_json::Error>;
}
