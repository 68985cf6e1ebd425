//! What the routes under `/v1/admin` add to the OpenAPI document.

use super::{
    exports,
    http::ADDRESS,
    parameters::{DEFAULT_LIMIT, MAX_LIMIT},
    replay_openapi,
};
use headwater_edge::OpenApi;
use serde_json::{Value, json};

pub(super) fn operation(name: &str, summary: &str, description: &str, parameters: Vec<Value>, answer: Value) -> Value {
    json!({
        "operationId": format!("admin.{name}"),
        "tags": ["admin"],
        "summary": summary,
        "description": format!("{description} Takes the role `operator`, else 403 `operator-only`."),
        "parameters": parameters,
        "responses": { "200": { "description": "Done.", "content": { "application/json": { "schema": answer } } } }
    })
}

pub(super) fn parameter(place: &str, name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": place, "required": place == "path", "description": description, "schema": schema })
}

pub(super) fn tenant_parameter() -> Value {
    parameter("query", "tenant", "Of this tenant alone.", json!({ "type": "string" }))
}

fn paging() -> [Value; 2] {
    [
        parameter(
            "query",
            "limit",
            "Most items of the answer.",
            json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT }),
        ),
        parameter(
            "query",
            "cursor",
            "`next_cursor` of the page before.",
            json!({ "type": "string" }),
        ),
    ]
}

pub(super) fn items(of: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["items"],
        "properties": {
            "items": { "type": "array", "items": of },
            "next_cursor": { "type": "string", "description": "Absent at the end." }
        }
    })
}

/// An object all of whose members are there.
pub(super) fn object(properties: Value) -> Value {
    let names: Vec<String> = properties
        .as_object()
        .into_iter()
        .flat_map(|all| all.keys().cloned())
        .collect();
    json!({ "type": "object", "required": names, "properties": properties })
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

pub(super) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

pub(super) fn seconds() -> Value {
    json!({ "type": "number", "minimum": 0 })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

pub(super) fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// The same, or null.
pub(super) fn known(mut schema: Value) -> Value {
    schema["type"] = json!([schema["type"], "null"]);
    schema
}

/// Adds listing and making tenants.
pub(crate) fn describe_tenants(document: &mut OpenApi) {
    let region = json!({ "type": "string", "enum": ["us", "eu"] });
    let tenant = document.add_schema(
        "Tenant",
        object(json!({
            "id": text(),
            "region": region,
            "state": { "type": "string", "enum": ["active", "suspended"] },
            "created_at": time()
        })),
    );
    let all = operation("tenants", "All tenants", "By id.", Vec::new(), items(&tenant));
    document.add("/v1/admin/tenants", "get", all);
    let mut create = operation(
        "create-tenant",
        "Makes a tenant",
        "Making the same one again changes nothing.",
        Vec::new(),
        tenant,
    );
    let body = object(json!({ "id": text(), "region": region }));
    create["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": body } } });
    document.add("/v1/admin/tenants", "post", create);
}

fn projection_schema(document: &mut OpenApi) -> Value {
    let shard = document.add_schema(
        "ShardStatus",
        object(json!({
            "shard": text(),
            "held_by": { "type": ["string", "null"], "description": "The worker that reads it, by the lease." },
            "here": { "type": "boolean", "description": "Whether that is the asked process; the lag is known of such shards alone." },
            "position": { "type": ["string", "null"], "description": "Up to where everything has had its effect, as written down last." },
            "position_at": known(time()),
            "at_tip": { "type": ["boolean", "null"], "description": "Whether the last read found nothing new." },
            "lag_events": known(count()),
            "lag_seconds": known(seconds()),
            "recovering": known(flag())
        })),
    );
    let tenant = json!({ "tenant": text(), "lag_events": count(), "lag_seconds": seconds() });
    let context = document.add_schema(
        "ContextStatus",
        object(json!({
            "context": text(),
            "lag_events": count(),
            "lag_seconds": seconds(),
            "recovering": flag(),
            "parked": count(),
            "shards": { "type": "array", "items": shard },
            "most_behind": { "type": "array", "maxItems": 10, "items": object(tenant) }
        })),
    );
    document.add_schema(
        "ProjectionStatus",
        object(json!({
            "projection": text(),
            "generation": { "type": "integer", "minimum": 1 },
            "live": { "type": "boolean", "description": "Whether queries read it." },
            "state": { "type": "string", "description": "`kept`, or what is being done with it: `filling`, `catching-up`, `checking`, `dropping`." },
            "folds": { "type": "object", "additionalProperties": count(), "description": "The version of each fold that made it." },
            "outdated": { "type": "boolean", "description": "Whether this build folds otherwise, so that a replay is due." },
            "lag_events": count(),
            "lag_seconds": { "type": "number", "minimum": 0, "description": "For how long the oldest commit has waited." },
            "recovering": { "type": "boolean", "description": "Whether it catches up from the log." },
            "parked": count(),
            "partial": { "type": "boolean", "description": "Whether other processes read some of its shards, whose lag is not in these numbers." },
            "contexts": { "type": "array", "items": context }
        })),
    )
}

/// Adds projections and what is parked.
pub(crate) fn describe_projecting(document: &mut OpenApi) {
    let projection = projection_schema(document);
    document.add(
        "/v1/admin/projections",
        "get",
        operation(
            "projections",
            "Where each generation of each projection stands",
            "With a tenant: its lag, what it has parked, and which generation is live for it.",
            vec![tenant_parameter()],
            items(&projection),
        ),
    );
    let members = json!({
        "projection": text(),
        "generation": { "type": "integer", "minimum": 1 },
        "tenant": text(),
        "context": text(),
        "aggregate": { "type": "string", "description": "The plural name: `products`." },
        "id": text(),
        "first_sequence": { "type": "integer", "minimum": 0, "description": "Of the commit that stops it; 0 when that is not known." },
        "up_to": { "type": "integer", "minimum": 0, "description": "How far its history goes, as far as the projection was told." },
        "reason": { "type": "string", "description": "Why, without anything that was stored." },
        "since": time()
    });
    let parked = document.add_schema("ParkedAggregate", object(members.clone()));
    let name = |description: &str| parameter("query", "projection", description, text());
    let mut parameters = vec![
        name("`product-view` for all its generations, `product-view.2` for one."),
        tenant_parameter(),
    ];
    parameters.extend(paging());
    document.add(
        "/v1/admin/parked",
        "get",
        operation(
            "parked",
            "Aggregates that a projection cannot follow further",
            "In order of projection, tenant, context, aggregate and id.",
            parameters,
            items(&parked),
        ),
    );
    let outcome = document.add_schema(
        "ParkedOutcome",
        object(json!({
            "outcome": { "type": "string", "enum": ["applied", "still-parked", "not-parked"] },
            "parked": parked
        })),
    );
    let path = [
        (
            "projection",
            "`product-view.2`; without a number the generation that is live for the tenant.",
        ),
        ("tenant", "Whose it is."),
        ("context", "The bounded context."),
        ("aggregate", "The plural name: `products`."),
        ("id", "Its id."),
    ]
    .map(|(name, description)| parameter("path", name, description, text()));
    let mut shown = members;
    shown["events"] = json!({ "type": "array", "items": { "type": "object" }, "description": "Of the commit that stops it, as the history has them." });
    for (path_of, method, name, summary, description, answer) in [
        (
            "",
            "get",
            "parked-one",
            "One of them, and the events of the commit that stops it",
            "404 `not-parked` when it is not.",
            object(shown),
        ),
        (
            "/retry",
            "post",
            "retry",
            "Applies it as far as its history goes",
            "404 `not-parked` when it is not.",
            outcome.clone(),
        ),
        (
            "/discard",
            "post",
            "discard",
            "Applies it without the commit that stops it",
            "That commit has no effect in this generation; a rebuild will meet it again.",
            outcome.clone(),
        ),
    ] {
        let described = operation(name, summary, description, path.to_vec(), answer);
        document.add(&format!("{ADDRESS}{path_of}"), method, described);
    }
    let mut all = operation(
        "retry-all",
        "Tries a page of what a projection has parked",
        "As much as the time of a request allows; `next_cursor`, sent as `cursor`, goes on.",
        Vec::new(),
        items(&outcome),
    );
    let body = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["projection"],
        "properties": { "projection": text(), "tenant": text(), "limit": { "type": "integer", "minimum": 1, "maximum": MAX_LIMIT }, "cursor": text() }
    });
    all["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": body } } });
    document.add("/v1/admin/parked/retry", "post", all);
    replay_openapi::describe(document);
    exports::describe(document);
}
