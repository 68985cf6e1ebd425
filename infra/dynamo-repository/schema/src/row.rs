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

/// Whether the repository writes this attribute itself, so that no entity may.
pub fn is_own_attribute(name: &str) -> bool {
    matches!(name, "PK" | "SK" | "entity" | "version") || name.starts_with("GSI")
}

/// An entity does not serialise as an object, or as one with attributes of the repository's own.
#[derive(Debug, thiserror::Error)]
#[error("{entity} cannot be written as a row: {why}")]
pub struct RowItemError {
    entity: &'static str,
    why: String,
}

impl RowItemError {
    pub(crate) fn new(entity: &'static str, why: impl Into<String>) -> Self {
        Self {
            entity,
            why: why.into(),
        }
    }
}

impl RowItem {
    /// The row of an entity.
    ///
    /// # Errors
    /// [`RowItemError`] when it does not serialise as an object, or has an attribute of the repository's own.
    pub fn of<E: Entity>(entity: &E) -> Result<Self, RowItemError> {
        let failed = |why: String| RowItemError::new(E::SCHEMA.entity, why);
        match serde_json::to_value(entity) {
            Ok(Value::Object(attributes)) => match attributes.keys().find(|name| is_own_attribute(name)) {
                Some(name) => Err(failed(format!("the repository writes the attribute {name} itself"))),
                None => Ok(Self {
                    table: E::SCHEMA.table,
                    entity: E::SCHEMA.entity,
                    key: entity.row_key(),
                    indexes: entity.index_keys(),
                    attributes,
                }),
            },
            Ok(_) => Err(failed("it is no object".into())),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}
