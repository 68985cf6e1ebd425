//! A row ready to be written, whatever its entity: what a projection that writes several kinds of rows hands over.

use crate::{Entity, IndexKey, RowKey};
use serde_json::{Map, Value};

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct RowItem {
    /// The table of the bounded context.
    pub table: &'static str,
    /// The discriminator.
    pub entity: &'static str,
    /// Its key.
    pub key: RowKey,
    /// Its keys in the indexes.
    pub indexes: Vec<IndexKey>,
    /// Its attributes.
    pub attributes: Map<String, Value>,
}

/// An entity does not serialise as an object.
#[derive(Debug, thiserror::Error)]
#[error("{entity} cannot be written as a row: {why}")]
pub struct RowItemError {
    entity: &'static str,
    why: String,
}

impl RowItem {
    /// The row of an entity.
    ///
    /// # Errors
    /// [`RowItemError`] when it does not serialise as an object.
    pub fn of<E: Entity>(entity: &E) -> Result<Self, RowItemError> {
        let failed = |why: String| RowItemError {
            entity: E::SCHEMA.entity,
            why,
        };
        match serde_json::to_value(entity) {
            Ok(Value::Object(attributes)) => Ok(Self {
                table: E::SCHEMA.table,
                entity: E::SCHEMA.entity,
                key: entity.row_key(),
                indexes: entity.index_keys(),
                attributes,
            }),
            Ok(_) => Err(failed("it is no object".into())),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}
