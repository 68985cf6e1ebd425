//! How a context hands its aggregates to whoever serves them: a visitor, so that each visitor keeps the types, and a description for
//! those that need none.

use crate::{Aggregate, Upcast};
use schemars::{Schema, generate::SchemaSettings};
use serde_json::Value;

/// Receives every aggregate of a context. A context's `register` calls it once per aggregate; that is its list.
pub trait AggregateRegistry {
    /// Takes one aggregate.
    fn aggregate<A: Aggregate>(&mut self);
}

/// An aggregate without its Rust type: what the edges and the history need of it.
#[derive(Clone, Copy)]
pub struct AggregateType {
    /// The bounded context: `catalog`.
    pub context: &'static str,
    /// The plural name: `products`.
    pub name: &'static str,
    /// The schema version that this build writes for an event type.
    pub schema_version: fn(&str) -> u32,
    /// Brings an event one version forward.
    pub upcast: fn(&str, u32, Value) -> Option<Upcast>,
    command_schema: fn() -> Schema,
    event_schema: fn() -> Schema,
}

fn schema_of<T: schemars::JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
}

impl AggregateType {
    /// Describes `A`.
    pub const fn of<A: Aggregate>() -> Self {
        Self {
            context: A::CONTEXT,
            name: A::NAME,
            schema_version: A::schema_version,
            upcast: A::upcast,
            command_schema: schema_of::<A::Command>,
            event_schema: schema_of::<A::Event>,
        }
    }

    /// The commands by name, each with its description and the JSON schema (2020-12) of its payload.
    pub fn commands(&self) -> Vec<(String, String, Value)> {
        variants((self.command_schema)(), |variant| {
            let (name, payload) = variant.get("properties")?.as_object()?.iter().next()?;
            Some((name.clone(), payload.clone()))
        })
    }

    /// The events by type, each with its description and the JSON schema (2020-12) of its data.
    pub fn events(&self) -> Vec<(String, String, Value)> {
        variants((self.event_schema)(), |variant| {
            let members = variant.get("properties")?;
            Some((
                members.get("type")?.get("const")?.as_str()?.to_owned(),
                members.get("data")?.clone(),
            ))
        })
    }
}

impl std::fmt::Debug for AggregateType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.context, self.name)
    }
}

/// Takes the variants of an enum's schema apart, each with the definitions it may refer to.
fn variants(schema: Schema, take: impl Fn(&Value) -> Option<(String, Value)>) -> Vec<(String, String, Value)> {
    let root = schema.to_value();
    let definitions = root.get("$defs").cloned();
    let all = root
        .get("oneOf")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_else(|| vec![root.clone()]);
    all.iter()
        .filter_map(|variant| {
            let (name, mut body) = take(variant)?;
            let description = variant
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            if let (Some(definitions), Some(body)) = (&definitions, body.as_object_mut()) {
                body.insert("$defs".into(), definitions.clone());
            }
            Some((name, description, body))
        })
        .collect()
}
