//! The metrics in the OpenAPI document.

use super::{ALL, FILLS, ONE, PARAMETERS, STATS};
use crate::openapi::{query, read, refused};
use headwater_edge::OpenApi;
use serde_json::{Value, json};

/// Adds both reads.
pub(crate) fn describe(document: &mut OpenApi) {
    series(document);
    bins(document);
}

fn series(document: &mut OpenApi) {
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let answer = json!({
        "type": "object",
        "required": ["items"],
        "properties": { "items": { "type": "array", "items": {
            "type": "object",
            "required": ["series", "dimensions"],
            "properties": {
                "series": { "type": "string" }, "dimensions": texts,
                "unit": { "type": "string", "description": "What the values are; of a meter nobody knows." },
                "description": { "type": "string" }
            }
        } } }
    });
    let summary = "The metric series: those made from events, and the tenant's meters";
    document.add(ALL, "get", read("metrics", "series", summary, Vec::new(), &answer));
}

fn bins(document: &mut OpenApi) {
    let names = |all: Vec<&str>, default: &str| json!({ "type": "string", "enum": all, "default": default });
    let mut parameters: Vec<Value> = vec![json!({
        "name": "series", "in": "path", "required": true, "description": "The series, percent-encoded.",
        "schema": { "type": "string" }
    })];
    for (name, description) in PARAMETERS {
        let schema = match name {
            "from" | "to" => json!({ "type": "string", "anyOf": [{ "format": "date-time" }, { "format": "date" }] }),
            "bin" => json!({ "type": "string", "pattern": "^[1-9][0-9]*[mhd]$", "default": "1h" }),
            "stat" => names(STATS.iter().map(|(name, _)| *name).collect(), "avg"),
            "fill" => names(FILLS.iter().map(|(name, _)| *name).collect(), "none"),
            _ => json!({ "type": "string" }),
        };
        parameters.push(query(name, description, schema));
    }
    parameters.push(json!({
        "name": "dimensions", "in": "query", "style": "form", "explode": true,
        "description": "`dim.NAME=VALUE`: only points whose dimension NAME is exactly VALUE; repeated, any of them.",
        "schema": { "type": "object", "patternProperties": { "^dim\\..+": { "type": "string" } }, "additionalProperties": false }
    }));
    let time = || json!({ "type": "string", "format": "date-time" });
    let answer = json!({
        "type": "object",
        "required": ["series", "from", "to", "items"],
        "properties": {
            "series": { "type": "string" }, "from": time(), "to": time(),
            "items": { "type": "array", "description": "By group, then by time.", "items": {
                "type": "object",
                "required": ["time", "value"],
                "properties": {
                    "time": time(), "value": { "type": ["number", "null"] },
                    "group": { "type": "object", "additionalProperties": { "type": "string" } }
                }
            } }
        }
    });
    let mut operation = read("metrics", "bins", "The bins of one metric series", parameters, &answer);
    operation["responses"]["404"] = refused("There is no such series in this tenant.");
    document.add(ONE, "get", operation);
}
