//! Exports: begun, and looked at. The destination is configuration, so that no request writes elsewhere.

use super::{
    Admin,
    http::{body, timed},
    openapi::{object, operation},
    operator::Operator,
};
use crate::{
    contexts,
    exporting::{Exporter, Status, Wanted},
};
use axum::{Json, Router, body::Body, extract::State, routing::get};
use headwater_edge::{OpenApi, Pairs, Problem};
use headwater_kernel::TenantId;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

const PATH: &str = "/v1/admin/exports";

/// The body of `POST`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    tenant: Option<TenantId>,
    context: Option<String>,
    /// Of these alone: `events` or `views`.
    only: Option<Only>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Only {
    Events,
    Views,
}

pub(super) fn routes() -> Router<Admin> {
    Router::new().route(PATH, get(status).post(start))
}

fn exporter(admin: &Admin) -> Result<&Exporter, Problem> {
    admin.parts.exporter.as_ref().ok_or_else(|| {
        let detail = "this process has no destination for exports; set export.to in its configuration";
        Problem::new(StatusCode::NOT_FOUND, "no-export", detail)
    })
}

async fn status(State(admin): State<Admin>, _: Operator, Pairs(query): Pairs) -> Result<Json<Status>, Problem> {
    super::parameters::Parameters::read(&query, &[])?;
    Ok(Json(exporter(&admin)?.status()))
}

async fn start(
    State(admin): State<Admin>,
    operator: Operator,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<Status>, Problem> {
    let asked: Asked = body(&admin, &headers, content).await?;
    timed(&admin, async {
        if let Some(tenant) = &asked.tenant {
            admin.scope(&operator, tenant).await?;
        }
        if let Some(context) = asked
            .context
            .as_deref()
            .filter(|context| !contexts::NAMES.contains(context))
        {
            let detail = format!(
                "there is no context {context}; there are {}",
                contexts::NAMES.join(", ")
            );
            return Err(Problem::new(StatusCode::NOT_FOUND, "unknown-context", detail));
        }
        let wanted = Wanted {
            tenant: asked.tenant,
            context: asked.context,
            without_events: asked.only == Some(Only::Views),
            without_views: asked.only == Some(Only::Events),
        };
        exporter(&admin)?.start(wanted).ok_or_else(|| {
            Problem::new(
                StatusCode::CONFLICT,
                "export-under-way",
                "an export is under way; ask again when it has ended",
            )
        })
    })
    .await
}

pub(super) fn describe(document: &mut OpenApi) {
    let text = json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let mut answer = object(json!({
        "running": { "type": "boolean", "description": "Whether one is under way." },
        "ended": count,
        "rows": { "type": "object", "additionalProperties": count, "description": "Of the last that has ended: rows by table." },
        "files": count
    }));
    answer["properties"]["run"] =
        json!({ "type": "string", "description": "Its name; absent when it had nothing new, or failed." });
    answer["properties"]["error"] = json!({ "type": "string", "description": "Why it has failed." });
    let shown = operation(
        "exports",
        "Shows how exports of this process stand",
        "404 `no-export` where none is configured.",
        Vec::new(),
        answer.clone(),
    );
    document.add(PATH, "get", shown);
    let mut begun = operation(
        "export",
        "Begins an export of what is new",
        "It goes on after the answer. 409 `export-under-way` while another does.",
        Vec::new(),
        answer,
    );
    let body = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": { "tenant": text, "context": text, "only": { "type": "string", "enum": ["events", "views"] } }
    });
    begun["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": body } } });
    document.add(PATH, "post", begun);
}
