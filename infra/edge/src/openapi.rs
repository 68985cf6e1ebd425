//! The OpenAPI 3.1 document, put together by the services from the types they serve.

use serde_json::{Map, Value, json};

/// A document in the making.
#[derive(Debug, Clone)]
pub struct OpenApi {
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
    parameters: Map<String, Value>,
}

impl Default for OpenApi {
    fn default() -> Self {
        Self::new()
    }
}

impl OpenApi {
    /// An empty document; it knows the problem schema, the problem responses and the bearer token.
    pub fn new() -> Self {
        let mut schemas = Map::new();
        schemas.insert("Problem".into(), problem_schema());
        Self {
            paths: Map::new(),
            schemas,
            parameters: Map::new(),
        }
    }

    /// Adds an operation: `add("/v1/catalog/products/{id}", "get", json!({…}))`. An operation of a path below `/v1` needs the token
    /// and may answer any problem; both are added here.
    pub fn add(&mut self, path: &str, method: &str, mut operation: Value) -> &mut Self {
        if let Some(members) = operation.as_object_mut() {
            let responses = members.entry("responses").or_insert_with(|| json!({}));
            if let Some(responses) = responses.as_object_mut() {
                responses
                    .entry("default")
                    .or_insert_with(|| json!({ "$ref": "#/components/responses/Problem" }));
            }
            let protected = path.starts_with("/v1/");
            members
                .entry("security")
                .or_insert_with(|| if protected { json!([{ "token": [] }]) } else { json!([]) });
        }
        let item = self.paths.entry(path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(method.to_ascii_lowercase(), operation);
        }
        self
    }

    /// Adds a parameter as a component, under its own name, and returns the reference to it.
    pub fn add_parameter(&mut self, name: &str, place: &str, description: &str, schema: Value) -> Value {
        let parameter = json!({
            "name": name, "in": place, "required": place == "path", "description": description, "schema": schema
        });
        self.parameters.insert(name.to_owned(), parameter);
        json!({ "$ref": format!("#/components/parameters/{name}") })
    }

    /// Adds a schema as a component and returns the reference to it. Its `$defs` become components too, named after it.
    pub fn add_schema(&mut self, name: &str, schema: Value) -> Value {
        self.add_schema_of(name, name, schema)
    }

    /// As [`OpenApi::add_schema`], with the `$defs` named after `family`: schemas of one family have the same definitions, once.
    pub fn add_schema_of(&mut self, family: &str, name: &str, mut schema: Value) -> Value {
        let definitions = schema.as_object_mut().and_then(|members| members.remove("$defs"));
        relocate(&mut schema, family);
        if let Some(Value::Object(definitions)) = definitions {
            for (definition, mut body) in definitions {
                relocate(&mut body, family);
                self.schemas.insert(format!("{family}.{definition}"), body);
            }
        }
        self.schemas.insert(name.to_owned(), schema);
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// The document.
    pub fn finish(mut self) -> Value {
        self.forget_unused();
        json!({
            "openapi": "3.1.0",
            "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
            "info": {
                "title": "Headwater",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "Commands to aggregates and reads of their projections. Errors are problem documents (RFC 9457) with a stable `code`.",
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
            },
            "servers": [{ "url": "/" }],
            "paths": self.paths,
            "components": {
                "schemas": self.schemas,
                "parameters": self.parameters,
                "responses": { "Problem": {
                    "description": "The request was refused; the code says why.",
                    "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
                } },
                "securitySchemes": { "token": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "`headwater token --tenant T` prints one."
                } }
            }
        })
    }

    /// Definitions of events come with the generator's settings; what no path reaches is dropped.
    fn forget_unused(&mut self) {
        loop {
            let everything = format!(
                "{}{}",
                Value::Object(self.paths.clone()),
                Value::Object(self.schemas.clone())
            );
            let before = self.schemas.len();
            self.schemas.retain(|name, _| {
                name == "Problem" || everything.contains(&format!("\"#/components/schemas/{name}\""))
            });
            if self.schemas.len() == before {
                return;
            }
        }
    }
}

/// Turns references to the schema's own definitions into references to components.
fn relocate(schema: &mut Value, family: &str) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some(name) = reference.strip_prefix("#/$defs/")
            {
                *reference = format!("#/components/schemas/{family}.{name}");
            }
            members.values_mut().for_each(|value| relocate(value, family));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| relocate(item, family)),
        _ => {}
    }
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "detail", "errors"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "code": { "type": "string", "description": "Stable, in kebab case: `version-conflict`." },
            "detail": { "type": "string" },
            "errors": { "type": "array", "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": { "type": "string", "description": "JSON pointer into the payload; empty for the whole." },
                    "detail": { "type": "string" }
                }
            } },
            "trace_id": { "type": "string" },
            "current_version": { "type": "integer", "minimum": 0 },
            "retry_after": { "type": "integer", "minimum": 0, "description": "Seconds; also in the header Retry-After." }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_become_components_and_unused_ones_go() {
        let mut document = OpenApi::new();
        let schema = json!({
            "type": "object",
            "properties": { "price": { "$ref": "#/$defs/Money" } },
            "$defs": { "Money": { "properties": { "c": { "$ref": "#/$defs/Currency" } } }, "Currency": {}, "Other": {} }
        });
        let reference = document.add_schema_of("a.b", "a.b.create", schema);
        document.add(
            "/v1/a/b/{id}/create",
            "POST",
            json!({ "requestBody": { "content": { "application/json": { "schema": reference } } } }),
        );
        let document = document.finish();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        assert_eq!(
            schemas["a.b.create"]["properties"]["price"]["$ref"],
            "#/components/schemas/a.b.Money"
        );
        assert!(schemas.contains_key("a.b.Currency") && !schemas.contains_key("a.b.Other"));
        let operation = &document["paths"]["/v1/a/b/{id}/create"]["post"];
        assert_eq!(operation["security"][0]["token"], json!([]));
        assert!(operation["responses"]["default"].is_object());
    }
}
