//! The requests in work, by route, from their head to the last byte of their answer: what a drain that took too long has cut.

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use hyper::body::{Frame, SizeHint};
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

/// Counts by route. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<BTreeMap<String, usize>>>);

impl InFlight {
    fn enter(&self, route: String) -> Place {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(route.clone()).or_default() += 1;
        Place {
            of: self.clone(),
            route,
        }
    }

    /// What is in work now.
    pub(super) fn now(&self) -> Vec<(String, usize)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(route, count)| (route.clone(), *count)).collect()
    }
}

/// A request's place among them.
struct Place {
    of: InFlight,
    route: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.route) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.route);
            }
        }
    }
}

/// Counts a request under its route, without the ids in its path.
pub(super) async fn count(State(all): State<InFlight>, request: Request, next: Next) -> Response {
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unknown route", MatchedPath::as_str);
    let place = all.enter(format!("{} {path}", request.method()));
    let response = next.run(request).await;
    response.map(|body| Body::new(Counted { body, _place: place }))
}

/// A body that gives its place back when it is gone.
struct Counted {
    body: Body,
    _place: Place,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
