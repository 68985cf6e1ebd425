//! What is asked without a token: `/healthz`, `/readyz`, and for Prometheus `/metrics`.

use super::readiness::Readiness;
use crate::metrics;
use axum::{
    Router,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use headwater_dynamodb::Databases;
use http::{StatusCode, header::RETRY_AFTER};

/// Whether it lives, and whether it should get requests.
pub(super) fn router(readiness: &Readiness) -> Router {
    let readiness = readiness.clone();
    Router::new().route("/healthz", get(|| async { "ok" })).route(
        "/readyz",
        get(move || async move {
            match readiness.ask() {
                Ok(()) => "ready".into_response(),
                Err(why) => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], why).into_response(),
            }
        }),
    )
}

/// Numbers of the process.
pub(super) fn metrics(databases: &Databases) -> Router {
    let databases = databases.clone();
    Router::new().route("/metrics", get(move || async move { metrics::exposition(&databases) }))
}

/// Refuses what comes before the process has started.
pub(super) async fn admit(State(readiness): State<Readiness>, request: Request, next: Next) -> Response {
    match readiness.admit() {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
