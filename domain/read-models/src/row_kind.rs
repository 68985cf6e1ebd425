//! A kind of row without its Rust type: what whoever copies rows elsewhere needs of it.

use headwater_dynamo_schema::Entity;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

/// A kind of row.
#[derive(Debug, Clone, Copy)]
pub struct RowKind {
    /// The table of its bounded context: `crm`.
    pub table: &'static str,
    /// The discriminator: `LEAD`.
    pub entity: &'static str,
    schema: fn() -> Value,
}

impl RowKind {
    /// Describes `E`.
    pub const fn of<E: Entity + JsonSchema>() -> Self {
        Self {
            table: E::SCHEMA.table,
            entity: E::SCHEMA.entity,
            schema: schema_of::<E>,
        }
    }

    /// The JSON schema (2020-12) of its attributes. Personal data is marked with `x-personal-data`, as in events.
    pub fn schema(&self) -> Value {
        (self.schema)()
    }
}

fn schema_of<E: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<E>()
        .to_value()
}
