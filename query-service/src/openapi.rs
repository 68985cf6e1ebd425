//! What the reads add to the OpenAPI document (subscriptions see to themselves): made of what is registered and of the tables of lists and searches.

mod search;

use crate::{
    QueryService, audit,
    lists::{LISTS, List},
    metrics,
    parameters::{DEFAULT_LIMIT, MAX_LIMIT},
    prices,
    searches::SEARCHES,
    subscribe,
    view::View,
};
use headwater_edge::OpenApi;
use serde_json::{Map, Value, json};

const NO_ID: &str = "The id is none: blank, too long for a key, . or .., or with a character that cannot be seen.";

/// Adds every view, history, list and search of `service`.
pub fn describe(service: &QueryService, document: &mut OpenApi) {
    let waiting = [
        document.add_parameter(
            "Headwater-Consistency",
            "header",
            "The `token` of a receipt: the read waits until it sees at least what that command did, else 409 `not-yet-consistent`. \
             A token of an aggregate that this read does not show asks nothing of it. A list that is ordered by time or narrowed to an \
             owner comes from an index of DynamoDB, which follows its table by a moment that nothing can wait for.",
            json!({ "type": "string" }),
        ),
        document.add_parameter(
            "Headwater-Wait",
            "header",
            "How long to wait for that: `500ms`, `2s`; at most 10 s.",
            json!({ "type": "string", "pattern": "^[0-9]+(ms|s)$", "default": "2s" }),
        ),
    ];
    for (context, views) in &service.inner().views {
        for (name, of_view) in views {
            let family = format!("{context}.{name}");
            view(
                document,
                &family,
                &format!("/v1/{context}/{name}/{{id}}"),
                of_view,
                &waiting,
            );
        }
    }
    for (context, aggregates) in &service.inner().aggregates {
        for name in aggregates.keys() {
            let family = format!("{context}.{name}");
            history(document, &family, &format!("/v1/{context}/{name}/{{id}}/history"));
        }
    }
    subscribe::describe(service.subscriptions(), document);
    for of_list in LISTS {
        list(document, of_list, &waiting);
    }
    price(document, &waiting);
    if service.inner().audit_log.is_some() {
        audit::describe(document);
    }
    if service.inner().metrics.is_some() {
        metrics::describe(document);
    }
    for of_search in SEARCHES {
        if let (Some(kind), true) = (
            service.inner().kinds.get(of_search.kind),
            service.inner().indexes.contains_key(of_search.kind),
        ) {
            search::describe(document, of_search, kind.mapping, &waiting);
        }
    }
}

fn view(document: &mut OpenApi, family: &str, path: &str, view: &View, waiting: &[Value]) {
    let schema = document.add_schema(&format!("{family}.view"), view_schema(&view.empty));
    let mut parameters = vec![id()];
    parameters.extend_from_slice(waiting);
    let etag = json!({ "ETag": { "description": "The version, for If-Match.", "schema": { "type": "string" } } });
    let mut operation = read(family, "get", "The view of one aggregate", parameters, &schema);
    operation["responses"]["200"]["headers"] = etag;
    operation["responses"]["404"] = refused("There is nothing with this id in this tenant.");
    operation["responses"]["422"] = refused(NO_ID);
    document.add(path, "get", operation);
}

fn history(document: &mut OpenApi, family: &str, path: &str) {
    let item = document.add_schema(
        "HistoryEvent",
        json!({
            "type": "object",
            "required": ["sequence", "type", "schema_version", "occurred_at", "actor", "data"],
            "properties": {
                "sequence": { "type": "integer", "minimum": 1 },
                "type": { "type": "string", "description": "What happened; /schemas has the schema of its data." },
                "schema_version": { "type": "integer", "minimum": 1 },
                "occurred_at": { "type": "string", "format": "date-time" },
                "actor": { "type": "string" },
                "data": { "type": "object" }
            }
        }),
    );
    let mut parameters = vec![id()];
    parameters.extend(paging(DEFAULT_LIMIT, MAX_LIMIT));
    let mut operation = read(
        family,
        "history",
        "The events of one aggregate",
        parameters,
        &page_schema(&item),
    );
    operation["responses"]["404"] = refused("Nothing has happened to this id in this tenant.");
    operation["responses"]["422"] = refused(NO_ID);
    document.add(path, "get", operation);
}

fn list(document: &mut OpenApi, list: &List, waiting: &[Value]) {
    let family = match list.parent {
        Some(parent) => format!("{}.{parent}", list.context),
        None => format!("{}.{}", list.context, list.collection),
    };
    let name = list.parent.map_or("list", |_| list.collection);
    let mut parameters: Vec<Value> = list.parent.map(|_| id()).into_iter().collect();
    for filter in list.filters {
        let mut schema = json!({ "type": "string" });
        if filter.is_time {
            schema["format"] = json!("date-time");
        }
        parameters.push(query(filter.name, filter.description, schema));
    }
    parameters.extend(paging(DEFAULT_LIMIT, MAX_LIMIT));
    parameters.extend_from_slice(waiting);
    let item = json!({
        "type": "object",
        "required": ["id", "version"],
        "properties": { "id": { "type": "string" }, "version": version() }
    });
    let mut item = item;
    if list.root.is_some() {
        item["required"] = json!(["kind", "id", "version"]);
        item["properties"]["kind"] = json!({ "type": "string", "enum": ["account", "opportunity", "line-item"] });
    }
    let mut operation = read(&family, name, list.summary, parameters, &page_schema(&item));
    if list.root.is_some() {
        operation["responses"]["404"] = refused("There is nothing with this id in this tenant.");
        operation["responses"]["422"] = refused(NO_ID);
    }
    document.add(&list.path(), "get", operation);
}

fn price(document: &mut OpenApi, waiting: &[Value]) {
    let text = || json!({ "type": "string" });
    let time = || json!({ "type": "string", "format": "date-time" });
    let of = |(name, description): (&str, &str)| query(name, description, if name == "at" { time() } else { text() });
    let mut parameters = vec![id()];
    parameters.extend(prices::PARAMETERS.map(of));
    parameters.extend_from_slice(waiting);
    let answer = json!({
        "type": "object",
        "required": ["price_list_id", "product_id", "price_cents", "currency", "at", "entry", "version"],
        "properties": {
            "price_list_id": text(), "product_id": text(), "variant_id": text(), "price_cents": { "type": "integer", "minimum": 0 },
            "currency": text(), "at": time(),
            "entry": {
                "type": "object", "description": "What the price was set for: the product, or the variant of it.",
                "required": ["product_id"], "properties": { "product_id": text(), "variant_id": text() }
            },
            "version": version()
        }
    });
    let summary = "What a product or variant costs at a time under a price list";
    let mut operation = read("catalog.price-lists", "price", summary, parameters, &answer);
    operation["responses"]["404"] = refused(
        "There is no such price list in this tenant; or `no-price`: it is not in effect then, or has no entry for this.",
    );
    operation["responses"]["422"] = refused(NO_ID);
    document.add(prices::PATH, "get", operation);
}

pub(crate) fn read(family: &str, name: &str, summary: &str, parameters: Vec<Value>, schema: &Value) -> Value {
    json!({
        "operationId": format!("{family}.{name}"),
        "tags": [family],
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": { "description": summary, "content": { "application/json": { "schema": schema } } },
            "400": refused("A parameter is unknown or has a value that it cannot have."),
            "401": refused("No valid token."),
            "409": refused("The view has not reached the consistency token in time."),
            "503": refused("Not now; Retry-After says when.")
        }
    })
}

pub(crate) fn refused(description: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({ "description": description, "content": { "application/problem+json": { "schema": schema } } })
}

pub(crate) fn query(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

fn id() -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "description": "The aggregate's id, percent-encoded.",
        "schema": { "type": "string", "minLength": 1, "maxLength": headwater_kernel::MAX_ID_BYTES }
    })
}

pub(crate) fn paging(default: usize, max: usize) -> [Value; 2] {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": max, "default": default });
    [
        query("limit", "Most items of the page.", limit),
        query(
            "cursor",
            "`next_cursor` of the page before.",
            json!({ "type": "string" }),
        ),
    ]
}

fn version() -> Value {
    json!({ "type": "integer", "minimum": 1, "description": "How many events of its aggregate it shows." })
}

fn cursor() -> Value {
    json!({ "type": "string", "description": "Where to go on; absent at the end." })
}

pub(crate) fn page_schema(item: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["items"],
        "properties": { "items": { "type": "array", "items": item }, "next_cursor": cursor() }
    })
}

/// What a view always has, by the state before the first event; what is optional comes on top.
fn view_schema(empty: &Value) -> Value {
    let mut properties = Map::new();
    for (name, value) in empty.as_object().into_iter().flatten() {
        let of_type = match value {
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            _ => "object",
        };
        properties.insert(name.clone(), json!({ "type": of_type }));
    }
    let mut required: Vec<String> = properties.keys().cloned().collect();
    properties.insert("version".into(), version());
    required.push("version".into());
    json!({ "type": "object", "required": required, "properties": properties })
}
