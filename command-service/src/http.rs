//! Commands by HTTP: one by one, or a batch as NDJSON.

use crate::{Accepted, CommandBus, Submission, batch, bus::permitted, precondition, submission};
use ::http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, ETAG},
};
use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::post,
};
use headwater_edge::{Authenticated, Called, Edge, Problem, parse_json, require_media_type, single_header};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const CAUSATION_ID: HeaderName = HeaderName::from_static("x-causation-id");

#[derive(Clone)]
struct Service {
    bus: CommandBus,
    edge: Edge,
}

/// The routes of commands, to be wrapped with [`Edge::http`].
pub fn router(bus: CommandBus, edge: Edge) -> Router {
    Router::new()
        .route("/v1/commands", post(many))
        .route("/v1/{context}/{aggregates}/{id}/{command}", post(one))
        .with_state(Service { bus, edge })
}

async fn one(
    State(Service { bus, edge }): State<Service>,
    Authenticated(caller): Authenticated,
    Path((context, aggregate, id, command)): Path<(String, String, String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    permitted(&caller.scope)?;
    let body = edge.read_body(&headers, body).await?;
    let payload = if body.is_empty() {
        submission::empty()
    } else {
        require_media_type(&headers, &["application/json"])?;
        parse_json(&body)?
    };
    let text = |name| Ok::<_, Problem>(single_header(&headers, &name)?.map(str::to_owned));
    let submission = Submission {
        context,
        aggregate,
        id,
        command,
        payload,
        command_id: text(IDEMPOTENCY_KEY)?,
        expected_version: precondition::expected_version(&headers)?,
        if_match: true,
        correlation_id: text(CORRELATION_ID)?,
        causation_id: text(CAUSATION_ID)?,
    };
    let accepted = edge.within_deadline(bus.submit(&caller.scope, submission)).await?;
    answer(&accepted)
}

fn answer(accepted: &Accepted) -> Result<Response, Problem> {
    let body = serde_json::to_vec(&accepted.receipt).map_err(|error| Problem::internal(error.to_string()))?;
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let tag = HeaderValue::try_from(format!("\"{}\"", accepted.current_version));
    headers.extend(tag.ok().map(|tag| (ETAG, tag)));
    if accepted.replayed {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

async fn many(
    State(Service { bus, edge }): State<Service>,
    Authenticated(caller): Authenticated,
    called: Option<Extension<Called>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    permitted(&caller.scope)?;
    require_media_type(
        &headers,
        &["application/x-ndjson", "application/ndjson", "application/jsonl"],
    )?;
    for refused in [&IDEMPOTENCY_KEY, &::http::header::IF_MATCH] {
        if headers.contains_key(refused) {
            let detail = format!("a batch has no {refused}; each line has its own command_id and expected_version");
            return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid-header", detail));
        }
    }
    let answers = batch::ndjson(
        bus,
        edge,
        caller.scope,
        called.map(|Extension(called)| called),
        &headers,
        body,
    )
    .await?;
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], answers).into_response())
}
