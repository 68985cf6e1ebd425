//! What subscriptions add to the OpenAPI document.

use super::Subscriptions;
use crate::openapi::{query, refused};
use headwater_edge::OpenApi;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const DESCRIPTION: &str = "\
Server-sent events of the tenant, each at least as early as the next one of its aggregate, none left out and none sent twice. Without \
`after` the stream begins with the tenant's first event; `after=now` begins with what comes from now on; `after=CURSOR` begins behind the \
event whose `id` the cursor was, at any age. Whoever comes back with `Last-Event-ID`, as an `EventSource` does by itself, goes on there, \
whatever `after` says. A cursor holds a place in each context; a context that it was never used for is read from its beginning.\n\n\
`event` is the event's type and `data` the event. An `id` without data says where to resume and that the stream lives; it comes at once \
and every 15 s without an event. `event: end` is the last one: its data has `code` (`too-slow`, `expired`, `closing`, `failed`), `detail` \
and the `cursor` to come back with.";

/// Adds `GET /v1/events`.
pub(crate) fn describe(subscriptions: &Subscriptions, document: &mut OpenApi) {
    let contexts: Vec<&str> = subscriptions.types().keys().copied().collect();
    let types: BTreeSet<&String> = subscriptions.types().values().flatten().collect();
    let text = || json!({ "type": "string" });
    let event = document.add_schema(
        "FeedEvent",
        json!({
            "type": "object",
            "required": [
                "context", "aggregate", "id", "sequence", "type", "schema_version", "occurred_at", "actor", "data"
            ],
            "properties": {
                "context": { "type": "string", "enum": contexts },
                "aggregate": text(),
                "id": text(),
                "sequence": { "type": "integer", "minimum": 1, "description": "Its place in the aggregate's history." },
                "type": { "type": "string", "description": "What happened; /schemas has the schema of its data." },
                "schema_version": { "type": "integer", "minimum": 1 },
                "occurred_at": { "type": "string", "format": "date-time" },
                "actor": text(),
                "data": { "type": "object" }
            }
        }),
    );
    let any_of = |values: Value| json!({ "type": "array", "items": { "type": "string", "enum": values } });
    let parameters = json!([
        query("after", "The `id` of the last event seen, or `now`.", text()),
        query("context", "Only of these contexts.", any_of(json!(contexts))),
        query("type", "Only of these types.", any_of(json!(types))),
        {
            "name": "Last-Event-ID", "in": "header", "schema": text(),
            "description": "The last `id` of a stream that was cut; goes before `after`."
        }
    ]);
    let stream = json!({
        "type": "string",
        "description": "Frames of `id`, `event` and `data`; `data` is a FeedEvent.",
        "contentMediaType": "application/json",
        "contentSchema": event
    });
    let operation = json!({
        "operationId": "events.subscribe",
        "tags": ["events"],
        "summary": "The tenant's events, from a cursor on and then as they come",
        "description": DESCRIPTION,
        "parameters": parameters,
        "responses": {
            "200": { "description": "The stream.", "content": { "text/event-stream": { "schema": stream } } },
            "400": refused("A parameter is unknown or has a value that it cannot have, or the cursor is not of this tenant."),
            "401": refused("No valid token."),
            "429": refused("The tenant has as many subscribers as it may have; Retry-After says when to come back."),
            "503": refused("Not now; Retry-After says when.")
        }
    });
    document.add("/v1/events", "get", operation);
}
