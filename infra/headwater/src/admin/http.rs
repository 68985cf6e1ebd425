//! The routes under `/v1/admin`. Each handler's first argument that can fail is the operator, and bodies are read last, within the limits of the
//! edge.

use super::{
    Admin, exports,
    operator::Operator,
    parameters::{Page, Parameters},
    parked::{Address, Wanted},
    problem::bad_request,
    replay_http,
    retry::RetryAll,
    tenants::NewTenant,
};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    routing::{get, post},
};
use headwater_edge::{Pairs, Problem, parse_json, require_media_type};
use http::HeaderMap;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

type Five = Path<[String; 5]>;

/// One parked aggregate.
pub(super) const ADDRESS: &str = "/v1/admin/parked/{projection}/{tenant}/{context}/{aggregate}/{id}";

/// Tenants: for every process.
pub(crate) fn tenant_routes(admin: Admin) -> Router {
    Router::new()
        .route("/v1/admin/tenants", get(tenants).post(create_tenant))
        .with_state(admin)
}

/// Projections and what is parked: for processes with the role `project`.
pub(crate) fn projecting_routes(admin: Admin) -> Router {
    Router::new()
        .route("/v1/admin/projections", get(projections))
        .route("/v1/admin/parked", get(parked))
        .route("/v1/admin/parked/retry", post(retry_all))
        .route(ADDRESS, get(show))
        .route(&format!("{ADDRESS}/retry"), post(retry))
        .route(&format!("{ADDRESS}/discard"), post(discard))
        .merge(exports::routes())
        .merge(replay_http::routes())
        .with_state(admin)
}

/// Reads the body of a request whose caller is known.
pub(super) async fn body<T: DeserializeOwned>(admin: &Admin, headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    require_media_type(headers, &["application/json"])?;
    let bytes = admin.edge().read_body(headers, body).await?;
    let value: Value = parse_json(&bytes)?;
    serde_json::from_value(value).map_err(|error| bad_request("invalid-payload", error.to_string()))
}

/// Waits for an answer to a request that the edge does not time itself.
pub(super) async fn timed<T: Serialize>(
    admin: &Admin,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<Json<T>, Problem> {
    admin.edge().within_deadline(work).await.map(Json)
}

async fn tenants(State(admin): State<Admin>, operator: Operator, Pairs(query): Pairs) -> Result<Json<Value>, Problem> {
    Parameters::read(&query, &[])?;
    let items = admin.tenants(&operator).await?;
    Ok(Json(json!({ "items": items })))
}

async fn create_tenant(
    State(admin): State<Admin>,
    operator: Operator,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<impl Serialize>, Problem> {
    let new: NewTenant = body(&admin, &headers, content).await?;
    timed(&admin, admin.create_tenant(&operator, &new)).await
}

async fn projections(
    State(admin): State<Admin>,
    operator: Operator,
    Pairs(query): Pairs,
) -> Result<Json<Value>, Problem> {
    let tenant = Parameters::read(&query, &["tenant"])?.tenant()?;
    let items = admin.projections(&operator, tenant.as_ref()).await?;
    Ok(Json(json!({ "items": items })))
}

async fn parked(
    State(admin): State<Admin>,
    operator: Operator,
    Pairs(query): Pairs,
) -> Result<Json<impl Serialize>, Problem> {
    let parameters = Parameters::read(&query, &["projection", "tenant", "limit", "cursor"])?;
    let tenant = parameters.tenant()?;
    let wanted = Wanted {
        projection: parameters.text("projection"),
        tenant: tenant.as_ref(),
    };
    admin.parked(&operator, &wanted, &parameters.page()?).await.map(Json)
}

async fn address(admin: &Admin, path: &[String; 5]) -> Result<Address, Problem> {
    admin.address(path.each_ref().map(String::as_str)).await
}

async fn show(
    State(admin): State<Admin>,
    operator: Operator,
    Path(path): Five,
) -> Result<Json<impl Serialize>, Problem> {
    admin.show(&operator, &address(&admin, &path).await?).await.map(Json)
}

async fn retry(
    State(admin): State<Admin>,
    operator: Operator,
    Path(path): Five,
) -> Result<Json<impl Serialize>, Problem> {
    timed(&admin, async {
        let address = address(&admin, &path).await?;
        admin.retry(&operator, &address, false).await
    })
    .await
}

async fn discard(
    State(admin): State<Admin>,
    operator: Operator,
    Path(path): Five,
) -> Result<Json<impl Serialize>, Problem> {
    timed(&admin, async {
        let address = address(&admin, &path).await?;
        admin.retry(&operator, &address, true).await
    })
    .await
}

async fn retry_all(
    State(admin): State<Admin>,
    operator: Operator,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<impl Serialize>, Problem> {
    let all: RetryAll = body(&admin, &headers, content).await?;
    let page = Page::new(all.limit, all.cursor.as_deref())?;
    let wanted = Wanted {
        projection: Some(&all.projection),
        tenant: all.tenant.as_ref(),
    };
    timed(&admin, admin.retry_all(&operator, &wanted, &page)).await
}
