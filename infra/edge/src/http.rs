//! What every HTTP request passes on its way in and out: admission, authentication, deadline, and problems for whatever went wrong.

use crate::{Authenticated, Called, Edge, Problem, unread::Unread};
use ::http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri, Version,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};

use futures::FutureExt;
use headwater_tenancy::TenantScope;
use hyper::body::Body as _;
use std::{future::Future, panic::AssertUnwindSafe};

/// Most bytes of a refusal of the framework that are taken over as the problem's detail.
const MAX_REFUSAL: usize = 4_096;

impl Edge {
    /// Wraps the merged routes of a process: no route under `/v1` is reached without a token, and whatever fails is a problem.
    pub fn http(&self, routes: Router) -> Router {
        routes
            .fallback(no_such_route)
            .layer(from_fn_with_state(self.clone(), pass))
    }
}

async fn no_such_route(method: Method, uri: Uri) -> Problem {
    let detail = format!(
        "there is no {method} {}; /openapi.json and /docs list what there is",
        uri.path()
    );
    Problem::new(StatusCode::NOT_FOUND, "no-such-route", detail)
}

async fn pass(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let mut trace = HeaderMap::new();
    if let Some(parent) = request.headers().get("traceparent") {
        trace.insert("traceparent", parent.clone());
    }
    let path = request.uri().path();
    let protected = path == "/v1" || path.starts_with("/v1/");
    // A request without a body has its whole time under the deadline; one with a body is timed by its handler, once it is there.
    let http1 = request.version() < Version::HTTP_2;
    let unread = if http1 && !request.body().is_end_stream() {
        Some(Unread::watch(&mut request))
    } else {
        None
    };
    let called = Called::by_http(&request);
    request.extensions_mut().insert(called.clone());
    let mut known = None;
    let timed = matches!(*request.method(), Method::GET | Method::HEAD);
    let answer = async {
        // Held until the answer begins; what streams on has bounds of its own.
        let _places = if protected {
            let place = edge.admit()?;
            let caller = edge
                .authenticate_request(request.headers(), request.extensions())
                .await?;
            known = edge.refusals().is_some().then(|| caller.scope.clone());
            let share = edge.admit_tenant(caller.scope.tenant())?;
            request.extensions_mut().insert(Authenticated(caller));
            Some((place, share))
        } else {
            None
        };
        let work = async { Ok(next.run(request).await) };
        if timed {
            edge.within_deadline(work).await
        } else {
            unpanicked(work).await
        }
    };
    let response = answer.await.unwrap_or_else(IntoResponse::into_response);
    if response.status().is_client_error() || response.status().is_server_error() {
        let told = known.as_ref().map(|scope| (scope, &called));
        let mut response = explain(&edge, response, &trace, told).await;
        // Without the rest of this body no next request is found on the connection; a client that is not told might try.
        if unread.is_some_and(|unread| unread.is()) {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        return response;
    }
    response
}

async fn unpanicked<T>(work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    let caught = AssertUnwindSafe(work).catch_unwind().await;
    caught.unwrap_or_else(|panic| Err(crate::edge::panicked(panic.as_ref())))
}

/// Makes a refusal of the framework a problem, gives every problem its trace id, and tells the audit log.
async fn explain(
    edge: &Edge,
    mut response: Response,
    headers: &HeaderMap,
    known: Option<(&TenantScope, &Called)>,
) -> Response {
    let trace = |problem| {
        let problem = edge.trace(problem, headers);
        if let Some((scope, called)) = known {
            edge.refuse(scope, called, &problem);
        }
        problem
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let problem = trace(problem);
        *response.body_mut() = document(&problem);
        response.headers_mut().remove(CONTENT_LENGTH);
        return response;
    }
    let content_type = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if content_type.is_some_and(|value| !value.starts_with("text/plain")) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = to_bytes(body, MAX_REFUSAL)
        .await
        .ok()
        .and_then(|bytes| String::from_utf8(bytes.into()).ok());
    let (code, default) = match parts.status {
        StatusCode::NOT_FOUND => ("not-found", "there is nothing here"),
        StatusCode::METHOD_NOT_ALLOWED => ("method-not-allowed", "this route takes other methods; see Allow"),
        StatusCode::PAYLOAD_TOO_LARGE => ("payload-too-large", "the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported-media-type", "the Content-Type is not taken here"),
        StatusCode::UNPROCESSABLE_ENTITY => ("unprocessable", "the request cannot be processed"),
        StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "not available now"),
        status if status.is_server_error() => ("internal", "the server failed"),
        _ => ("bad-request", "the request is not understood"),
    };
    let detail = text.filter(|text| !text.is_empty() && !parts.status.is_server_error());
    let problem = Problem::new(parts.status, code, detail.unwrap_or_else(|| default.to_owned()));
    let problem = trace(problem);
    parts.headers.remove(CONTENT_LENGTH);
    parts
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    Response::from_parts(parts, document(&problem))
}

fn document(problem: &Problem) -> Body {
    Body::from(problem.document().to_string())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(document(&self));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            let challenge = if self.code() == "unauthenticated" {
                "Bearer"
            } else {
                "Bearer error=\"invalid_token\""
            };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        // Taken out again by `explain`, which knows the request's trace.
        response.extensions_mut().insert(self);
        response
    }
}
