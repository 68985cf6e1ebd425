//! What the routes of replays add to the OpenAPI document.

use super::{
    openapi::{count, items, known, object, operation, parameter, seconds, tenant_parameter, text, time},
    replay_http::PROJECTION,
};
use headwater_edge::OpenApi;
use serde_json::{Value, json};

fn generation() -> Value {
    json!({ "type": "integer", "minimum": 1 })
}

fn check() -> Value {
    let of_tenant = object(json!({
        "aggregates": count(), "rows": count(), "stored_rows": count(), "checksum": count(), "stored_checksum": count(),
        "parked": count(), "differences": count()
    }));
    object(json!({
        "generation": count(),
        "at": time(),
        "tenants": count(),
        "total": of_tenant,
        "by_tenant": { "type": "object", "additionalProperties": of_tenant }
    }))
}

fn progress() -> Value {
    let states = [
        "attaching",
        "filling",
        "catching-up",
        "checking",
        "check-failed",
        "switching",
        "kept",
        "dropping",
    ];
    object(json!({
        "replay": object(json!({ "projection": text(), "generation": generation() })),
        "tenant": { "type": ["string", "null"], "description": "The one tenant that it is for." },
        "state": { "type": "string", "enum": states },
        "live": { "type": "boolean", "description": "Whether it is live for anybody." },
        "made_at": time(),
        "budget": object(json!({ "write_units_per_second": known(seconds()) })),
        "segments_done": count(),
        "segments": count(),
        "commits": { "type": "integer", "minimum": 0, "description": "Commits that were read." },
        "commits_about": { "type": "integer", "minimum": 0, "description": "Commits there are, about." },
        "rows": { "type": "integer", "minimum": 0, "description": "Rows or documents that were written." },
        "write_units": seconds(),
        "parked": count(),
        "seconds_left": { "type": ["integer", "null"], "minimum": 0, "description": "How long filling still takes, about." },
        "check": { "type": ["object", "null"], "description": "The last comparison with the log." },
        "problem": { "type": ["string", "null"], "description": "What keeps it from going on." }
    }))
}

/// A body of which only `required` must be there.
fn body(required: &[&str], properties: &Value) -> Value {
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": required, "properties": properties
    });
    json!({ "required": true, "content": { "application/json": { "schema": schema } } })
}

pub(super) fn describe(document: &mut OpenApi) {
    let path = || parameter("path", "projection", "Its name: `product-view`.", text());
    let name = document.add_schema(
        "GenerationName",
        object(json!({ "projection": text(), "generation": generation() })),
    );
    let progress = document.add_schema("ReplayProgress", progress());
    let check = document.add_schema("CheckTotals", check());
    let units = json!({ "type": "number", "exclusiveMinimum": 0, "description": "Most write units a second that it may take." });

    let all = operation(
        "replays",
        "The generations of a projection, the newest first, and how far each has come",
        "A replay makes a generation; `kept` is its end.",
        vec![path()],
        items(&progress),
    );
    document.add(&format!("{PROJECTION}/replays"), "get", all);
    let of_generation = json!({ "generation": generation() });
    for (rest, id, summary, description, required, properties) in [
        (
            "replays",
            "start-replay",
            "Begins to rebuild a projection beside what is live",
            "409 `replay-under-way` while another generation of it is being made.",
            &[][..],
            Some(json!({ "tenant": text(), "write_units_per_second": units })),
        ),
        (
            "replays/cancel",
            "cancel-replay",
            "Ends the replay that is under way",
            "What it wrote is deleted; 404 `no-replay` when there is none.",
            &[],
            None,
        ),
        (
            "switch",
            "switch-generation",
            "Makes a complete generation live",
            "For all tenants or for one. Back to the one before is this request, too.",
            &["generation"],
            Some(json!({ "generation": generation(), "tenant": text() })),
        ),
        (
            "drop",
            "drop-generation",
            "Deletes a generation",
            "409 `generation-live` for one that is live, or was so within the last minute.",
            &["generation"],
            Some(json!({ "generation": generation(), "write_units_per_second": units })),
        ),
        (
            "check",
            "check-generation",
            "Checks a generation anew whose check has failed",
            "It takes over when it is right.",
            &["generation"],
            Some(of_generation),
        ),
    ] {
        let mut described = operation(id, summary, description, vec![path()], name.clone());
        if let Some(properties) = properties {
            described["requestBody"] = body(required, &properties);
        }
        document.add(&format!("{PROJECTION}/{rest}"), "post", described);
    }

    let outcome = json!({
        "type": "object",
        "required": ["outcome"],
        "properties": {
            "outcome": { "type": "string", "enum": ["written", "newer", "nothing"] },
            "version": count(),
            "rows": count()
        }
    });
    let mut rewrite = operation(
        "rewrite-aggregate",
        "Folds one aggregate anew and writes it over what is live",
        "`aggregate` may be left out when the projection follows one kind of aggregates.",
        vec![path()],
        outcome,
    );
    let properties = json!({ "tenant": text(), "aggregate": text(), "id": text() });
    rewrite["requestBody"] = body(&["tenant", "id"], &properties);
    document.add(&format!("{PROJECTION}/rewrite"), "post", rewrite);

    let mut compare = operation(
        "compare-projection",
        "Compares what is live with a fold of the log",
        "A line for each difference as it is found, `totals` at the end; `problem` instead of them when it does not come to its end, \
         `heartbeat` while nothing is found. Writes nothing.",
        vec![path(), tenant_parameter()],
        Value::Null,
    );
    let difference = object(json!({
        "projection": text(),
        "generation": generation(),
        "tenant": text(),
        "aggregate": text(),
        "id": text(),
        "kind": { "type": "string", "enum": ["missing", "extra", "content", "version"] },
        "row": known(text()),
        "stored_version": count(),
        "log_version": count()
    }));
    let line = json!({
        "type": "object",
        "properties": {
            "difference": difference,
            "totals": check,
            "heartbeat": { "type": "object" },
            "problem": { "$ref": "#/components/schemas/Problem" }
        },
        "maxProperties": 1
    });
    compare["responses"]["200"]["content"] = json!({ "application/x-ndjson": { "schema": line } });
    document.add(&format!("{PROJECTION}/differences"), "get", compare);
}
