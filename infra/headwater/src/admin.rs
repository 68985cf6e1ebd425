//! What operators do by HTTP: `GET /v1/admin/tenants` and `POST /v1/admin/tenants` `{"id", "region"}`. It takes the role of an operator.

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use headwater_edge::{Authenticated, Edge, Problem};
use headwater_kernel::{Region, TenantId};
use headwater_tenancy::{Caller, DirectoryError, OperatorScope, TenantDirectory};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

#[derive(Clone)]
struct Admin {
    directory: TenantDirectory,
    edge: Edge,
    /// The only region whose tenants these stores take, if not all.
    region: Option<Region>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    id: TenantId,
    region: Region,
}

/// The routes.
pub(crate) fn router(directory: TenantDirectory, edge: Edge, region: Option<Region>) -> Router {
    Router::new()
        .route("/v1/admin/tenants", get(list).post(create))
        .with_state(Admin {
            directory,
            edge,
            region,
        })
}

fn operator(caller: Caller) -> Result<OperatorScope, Problem> {
    caller.operator.ok_or_else(|| {
        Problem::new(
            StatusCode::FORBIDDEN,
            "operator-only",
            "this takes the role operator; sign a token with --role operator",
        )
    })
}

fn problem(error: DirectoryError) -> Problem {
    match &error {
        DirectoryError::Exists { .. } => Problem::new(StatusCode::CONFLICT, "tenant-exists", error.to_string()),
        DirectoryError::Unknown(_) => Problem::new(StatusCode::NOT_FOUND, "not-found", error.to_string()),
        _ => Problem::internal(format!("{error:?}")),
    }
}

async fn list(State(admin): State<Admin>, Authenticated(caller): Authenticated) -> Response {
    let listed = async { admin.directory.list(&operator(caller)?).await.map_err(problem) }.await;
    listed.map(|items| Json(json!({ "items": items }))).into_response()
}

async fn create(State(admin): State<Admin>, Authenticated(caller): Authenticated, body: Bytes) -> Response {
    let created = admin
        .edge
        .within_deadline(async {
            let operator = operator(caller)?;
            let new: NewTenant = serde_json::from_slice(&body)
                .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "invalid-payload", error.to_string()))?;
            if let Some(here) = admin.region.filter(|here| *here != new.region) {
                let detail = format!(
                    "these stores hold tenants of {here}; make this one where {} is",
                    new.region
                );
                return Err(Problem::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "region-not-here",
                    detail,
                ));
            }
            admin
                .directory
                .create(&operator, &new.id, new.region)
                .await
                .map_err(problem)
        })
        .await;
    created.map(|tenant| Json(json!(tenant))).into_response()
}
