//! The routes of replays: `/v1/admin/projections/{projection}/…`.

use super::{
    Admin,
    http::{body, timed},
    operator::Operator,
    parameters::Parameters,
    replays::{OfAggregate, OfGeneration, Start},
};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::stream;
use headwater_edge::{Pairs, Problem};
use headwater_projectors::{DryRun, ReplayId, Reported, Rewritten};
use http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::{Value, json};
use std::{convert::Infallible, time::Duration};

/// All of them begin so.
pub(super) const PROJECTION: &str = "/v1/admin/projections/{projection}";

/// How often a comparison that finds nothing says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(10);

pub(super) fn routes() -> Router<Admin> {
    let route = |rest: &str| format!("{PROJECTION}/{rest}");
    Router::new()
        .route(&route("replays"), get(progress).post(start))
        .route(&route("replays/cancel"), post(cancel))
        .route(&route("switch"), post(switch))
        .route(&route("drop"), post(drop_generation))
        .route(&route("check"), post(check))
        .route(&route("rewrite"), post(rewrite))
        .route(&route("differences"), get(differences))
}

async fn progress(
    State(admin): State<Admin>,
    _: Operator,
    Path(projection): Path<String>,
    Pairs(query): Pairs,
) -> Result<Json<Value>, Problem> {
    Parameters::read(&query, &[])?;
    Ok(Json(json!({ "items": admin.progress(&projection).await? })))
}

async fn start(
    State(admin): State<Admin>,
    operator: Operator,
    Path(projection): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<ReplayId>, Problem> {
    let start: Start = body(&admin, &headers, content).await?;
    timed(&admin, admin.start_replay(&operator, &projection, start)).await
}

async fn cancel(
    State(admin): State<Admin>,
    _: Operator,
    Path(projection): Path<String>,
) -> Result<Json<ReplayId>, Problem> {
    timed(&admin, admin.cancel_replay(&projection)).await
}

async fn switch(
    State(admin): State<Admin>,
    operator: Operator,
    Path(projection): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<ReplayId>, Problem> {
    let to: OfGeneration = body(&admin, &headers, content).await?;
    timed(&admin, admin.switch(&operator, &projection, to)).await
}

async fn drop_generation(
    State(admin): State<Admin>,
    _: Operator,
    Path(projection): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<ReplayId>, Problem> {
    let of: OfGeneration = body(&admin, &headers, content).await?;
    timed(&admin, admin.drop_generation(&projection, of)).await
}

async fn check(
    State(admin): State<Admin>,
    _: Operator,
    Path(projection): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<ReplayId>, Problem> {
    let of: OfGeneration = body(&admin, &headers, content).await?;
    timed(&admin, admin.check_again(&projection, of)).await
}

async fn rewrite(
    State(admin): State<Admin>,
    operator: Operator,
    Path(projection): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<Rewritten>, Problem> {
    let of: OfAggregate = body(&admin, &headers, content).await?;
    timed(&admin, admin.rewrite(&operator, &projection, &of)).await
}

/// A line for each difference as it is found, the sums at the end; a problem instead of them when it does not come to its end.
async fn differences(
    State(admin): State<Admin>,
    operator: Operator,
    Path(projection): Path<String>,
    Pairs(query): Pairs,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let tenant = Parameters::read(&query, &["tenant"])?.tenant()?;
    let run = admin.compare(&operator, &projection, tenant).await?;
    let lines = stream::unfold(Some(run), move |run| {
        let (admin, headers) = (admin.clone(), headers.clone());
        async move {
            let (line, run) = line(&admin, run?, &headers).await?;
            Some((Ok::<_, Infallible>(format!("{line}\n")), run))
        }
    });
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

/// The next line, and the comparison if it goes on.
async fn line(admin: &Admin, mut run: DryRun, headers: &HeaderMap) -> Option<(Value, Option<DryRun>)> {
    match admin.edge().runtime().timeout(HEARTBEAT, run.next()).await {
        Err(_) => Some((json!({ "heartbeat": {} }), Some(run))),
        Ok(None) => None,
        Ok(Some(Ok(Reported::Difference(difference)))) => Some((json!({ "difference": difference }), Some(run))),
        Ok(Some(Ok(Reported::Totals(totals)))) => Some((json!({ "totals": totals }), None)),
        Ok(Some(Err(error))) => {
            let problem = admin.edge().trace(Admin::comparison_failed(error), headers);
            Some((json!({ "problem": problem.document() }), None))
        }
    }
}
