//! What is asked without a token: `/healthz`, `/readyz`, and for Prometheus `/metrics`.

use super::readiness::Readiness;
use crate::metrics::Exporter;
use axum::{
    Router,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use headwater_edge::{Edge, Problem};
use std::time::Duration;

/// When to ask again.
const COME_BACK: Duration = Duration::from_secs(1);

/// Whether it lives, and whether it should get requests.
pub(super) fn router(readiness: &Readiness) -> Router {
    let readiness = readiness.clone();
    Router::new().route("/healthz", get(|| async { "ok" })).route(
        "/readyz",
        get(move || async move {
            match readiness.ask() {
                Ok(()) => "ready".into_response(),
                Err(why) => Problem::unavailable("not-ready", why, COME_BACK).into_response(),
            }
        }),
    )
}

/// Numbers of the process.
pub(super) fn metrics(exporter: &Exporter) -> Router {
    let exporter = exporter.clone();
    Router::new().route("/metrics", get(move || async move { exporter.text().await }))
}

/// Refuses what comes before the process has started, and before anything else of the request is looked at: who asks can be told only once the
/// tenants' table answers.
pub(super) async fn admit(
    State((readiness, edge)): State<(Readiness, Edge)>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if matches!(path, "/healthz" | "/readyz" | "/metrics") {
        return next.run(request).await;
    }
    match readiness.admit() {
        Ok(()) => next.run(request).await,
        Err(problem) => edge.trace(problem, request.headers()).into_response(),
    }
}
