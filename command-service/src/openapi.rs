//! What the commands add to the OpenAPI document: a path each, made of their types.

use crate::CommandBus;
use headwater_edge::OpenApi;
use headwater_kernel::AggregateType;
use serde_json::{Value, json};

/// Adds every command of `bus`, and the batch.
pub fn describe(bus: &CommandBus, document: &mut OpenApi) {
    let receipt = document.add_schema("Receipt", receipt());
    let text = || json!({ "type": "string", "minLength": 1, "maxLength": 255 });
    let parameters = [
        document.add_parameter(
            "id",
            "path",
            "The aggregate's id: any text that can be seen, percent-encoded; neither . nor .. nor with invisible characters.",
            json!({ "type": "string", "minLength": 1, "maxLength": headwater_kernel::MAX_ID_BYTES }),
        ),
        document.add_parameter(
            "Idempotency-Key",
            "header",
            "Names the command: sent again with the same key and payload, it answers the first receipt. Generated if absent.",
            text(),
        ),
        document.add_parameter(
            "If-Match",
            "header",
            "The version that you have seen, in quotes: \"7\". The command is refused (412) when there is another.",
            json!({ "type": "string", "pattern": "^\"[0-9]+\"$" }),
        ),
        document.add_parameter("X-Correlation-Id", "header", "Ties together what one request sets in motion.", text()),
        document.add_parameter("X-Causation-Id", "header", "The command or event that caused this command.", text()),
    ];
    for aggregate in bus.aggregates() {
        for (name, description, schema) in aggregate.commands() {
            command(document, aggregate, &name, &description, schema, &parameters, &receipt);
        }
    }
    batch(document, &receipt);
}

fn command(
    document: &mut OpenApi,
    aggregate: &AggregateType,
    name: &str,
    description: &str,
    schema: Value,
    parameters: &[Value],
    receipt: &Value,
) {
    let family = format!("{}.{}", aggregate.context, aggregate.name);
    // Not the bare name: a definition of the payload might have it too.
    let payload = document.add_schema_of(&family, &format!("{family}.{name}"), schema);
    let summary = description.lines().next().unwrap_or_default();
    let operation = json!({
        "operationId": format!("{family}.{name}"),
        "tags": [family],
        "summary": summary,
        "description": description,
        "parameters": parameters,
        "requestBody": { "required": true, "content": { "application/json": { "schema": payload } } },
        "responses": {
            "200": {
                "description": "The receipt; the same one for a repetition.",
                "headers": {
                    "ETag": { "description": "The aggregate's version now.", "schema": { "type": "string" } },
                    "Idempotency-Replayed": {
                        "description": "`true` when the command was done before.",
                        "schema": { "type": "string", "const": "true" }
                    }
                },
                "content": { "application/json": { "schema": receipt } }
            },
            "400": refused("The payload or a header does not parse."),
            "401": refused("No valid token."),
            "404": refused("There is nothing with this id in this tenant."),
            "412": refused("The aggregate is at another version than If-Match says."),
            "422": refused("A rule of the domain forbids it, or the Idempotency-Key was used with another payload."),
            "503": refused("Not now; Retry-After says when.")
        }
    });
    document.add(
        &format!("/v1/{}/{}/{{id}}/{name}", aggregate.context, aggregate.name),
        "post",
        operation,
    );
}

fn refused(description: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({ "description": description, "content": { "application/problem+json": { "schema": schema } } })
}

fn batch(document: &mut OpenApi, receipt: &Value) {
    let line = document.add_schema(
        "CommandLine",
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["context", "aggregate", "id", "command"],
            "properties": {
                "context": { "type": "string" },
                "aggregate": { "type": "string", "description": "The plural name, as in the path." },
                "id": { "type": "string" },
                "command": { "type": "string" },
                "payload": { "type": "object" },
                "command_id": { "type": ["string", "null"], "minLength": 1, "maxLength": 255 },
                "expected_version": { "type": ["integer", "null"], "minimum": 0 },
                "correlation_id": { "type": ["string", "null"] },
                "causation_id": { "type": ["string", "null"] }
            }
        }),
    );
    let result = document.add_schema(
        "CommandResult",
        json!({
            "type": "object",
            "required": ["line", "status"],
            "properties": {
                "line": { "type": "integer", "minimum": 1 },
                "status": { "type": "integer" },
                "receipt": receipt,
                "replayed": { "type": "boolean" },
                "current_version": { "type": "integer", "minimum": 0 },
                "problem": { "$ref": "#/components/schemas/Problem" }
            }
        }),
    );
    let operation = json!({
        "operationId": "commands",
        "tags": ["batch"],
        "summary": "Many commands, a line each",
        "description": "One JSON object a line, one result a line in the same order, streamed both ways. Commands to the same \
                        aggregate run in order. A refused line stops none of the others. Read while you write: the server reads on \
                        only while the results that wait for you take less than 64 MiB.",
        "requestBody": { "required": true, "content": { "application/x-ndjson": {
            "schema": line,
            "example": "{\"context\":\"catalog\",\"aggregate\":\"products\",\"id\":\"P1\",\"command\":\"change-price\",\"payload\":{\"price_cents\":1999}}\n"
        } } },
        "responses": { "200": {
            "description": "A result for every line that is not blank.",
            "content": { "application/x-ndjson": { "schema": result } }
        } }
    });
    document.add("/v1/commands", "post", operation);
}

fn receipt() -> Value {
    json!({
        "type": "object",
        "required": ["command_id", "context", "aggregate", "id", "version", "events", "token"],
        "properties": {
            "command_id": { "type": "string" },
            "context": { "type": "string" },
            "aggregate": { "type": "string" },
            "id": { "type": "string" },
            "version": { "type": "integer", "minimum": 0 },
            "events": { "type": "array", "items": {
                "type": "object",
                "required": ["type", "sequence", "id"],
                "properties": {
                    "type": { "type": "string" },
                    "sequence": { "type": "integer", "minimum": 1 },
                    "id": { "type": "string", "format": "uuid" }
                }
            } },
            "token": { "type": "string", "description": "Send it with a read as Headwater-Consistency." }
        }
    })
}
