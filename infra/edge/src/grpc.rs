//! What every gRPC call passes: the same admission, authentication and deadlines as HTTP, with the same problems as statuses.
//!
//! All that is known by a call's headers is decided before anything of its body is kept, in a layer around the services. What takes a
//! single message gets it whole and in time; a stream of messages is for its method to bound.

use crate::{Authenticated, Called, Edge, Problem};
use axum::{
    body::Body,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use headwater_tenancy::{Caller, TenantScope};
use prost::Message;
use std::{collections::BTreeSet, future::Future, sync::Arc};
use tonic::{Extensions, Status, metadata::MetadataMap, service::Routes};

/// What a message may take beyond the largest body: its frame and the names around a payload.
const AROUND: usize = 64 << 10;

/// Services that answer anybody, as their clients have no token: is it up, and what does it speak.
const OPEN: &[&str] = &["/grpc.health.", "/grpc.reflection."];

/// What the layer knows.
#[derive(Clone)]
struct Layer {
    edge: Edge,
    /// The paths of methods that take a stream of messages.
    streams: Arc<BTreeSet<String>>,
}

impl Edge {
    /// The gRPC services of a process as routes for [`crate::serve_http`]. No service but health and reflection is reached without a
    /// token, and none by more calls at a time than are allowed.
    pub fn grpc(&self, services: Routes) -> axum::Router {
        let streams = Arc::new(streams());
        let edge = self.clone();
        let layer = from_fn_with_state(Layer { edge, streams }, pass);
        services.prepare().into_axum_router().layer(layer)
    }

    /// Who is calling: whom [`Edge::grpc`] has let in. A service that is served without it verifies the token here.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`.
    pub async fn enter(&self, metadata: &MetadataMap, extensions: &Extensions) -> Result<Caller, Status> {
        if let Some(Authenticated(caller)) = extensions.get() {
            return Ok(caller.clone());
        }
        let caller = self.authenticate(metadata.as_ref()).await;
        caller.map_err(|problem| self.status(problem, metadata))
    }

    /// Does one unary call: waits for its answer within the deadline.
    ///
    /// # Errors
    /// As [`Edge::enter`], and whatever `work` ends with.
    pub async fn unary<T, F>(
        &self,
        metadata: &MetadataMap,
        extensions: &Extensions,
        work: impl FnOnce(Caller) -> F,
    ) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Problem>>,
    {
        let caller = self.enter(metadata, extensions).await?;
        let scope = self.refusals().is_some().then(|| caller.scope.clone());
        self.within_deadline(work(caller))
            .await
            .map_err(|problem| match &scope {
                Some(scope) => self.refused(scope, problem, metadata, extensions),
                None => self.status(problem, metadata),
            })
    }

    /// The status of a problem of a known caller's call, traced and told to the audit log.
    pub fn refused(
        &self,
        scope: &TenantScope,
        problem: Problem,
        metadata: &MetadataMap,
        extensions: &Extensions,
    ) -> Status {
        let problem = self.trace(problem, metadata.as_ref());
        if let Some(called) = extensions.get() {
            self.refuse(scope, called, &problem);
        }
        problem.into()
    }

    /// The status of a problem, traced.
    pub fn status(&self, problem: Problem, metadata: &MetadataMap) -> Status {
        self.trace(problem, metadata.as_ref()).into()
    }
}

async fn pass(State(Layer { edge, streams }): State<Layer>, request: Request, next: Next) -> Response {
    let (mut parts, mut body) = request.into_parts();
    let path = parts.uri.path();
    let open = OPEN.iter().any(|service| path.starts_with(service));
    let streamed = streams.contains(path) || path.starts_with("/grpc.reflection.");
    let called = Called::by_grpc(&parts.uri);
    let mut known = None;
    let entered = async {
        let places = if open {
            None
        } else {
            let place = edge.admit()?;
            let caller = edge.authenticate_request(&parts.headers, &parts.extensions).await?;
            known = edge.refusals().is_some().then(|| caller.scope.clone());
            let share = edge.admit_tenant(caller.scope.tenant())?;
            parts.extensions.insert(Authenticated(caller));
            Some((place, share))
        };
        if !streamed {
            let limit = edge.limits().max_body.saturating_add(AROUND);
            let message = edge.read_at_most(limit, &parts.headers, std::mem::take(&mut body));
            body = Body::from(message.await?);
        }
        Ok(places)
    };
    match entered.await {
        // Held until the answer begins; what streams on has bounds of its own.
        Ok(_places) => {
            parts.extensions.insert(called);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => {
            let problem = edge.trace(problem, &parts.headers);
            if let Some(scope) = &known {
                edge.refuse(scope, &called, &problem);
            }
            Status::from(problem).into_http()
        }
    }
}

/// The paths of this protocol's methods that take a stream of messages, by its own description.
fn streams() -> BTreeSet<String> {
    let described = prost_types::FileDescriptorSet::decode(crate::v1::FILE_DESCRIPTOR_SET).unwrap_or_default();
    let mut paths = BTreeSet::new();
    for file in &described.file {
        for service in &file.service {
            let streams = service.method.iter().filter(|method| method.client_streaming());
            paths.extend(streams.map(|method| format!("/{}.{}/{}", file.package(), service.name(), method.name())));
        }
    }
    paths
}

impl From<&Problem> for crate::v1::Problem {
    fn from(problem: &Problem) -> Self {
        let error = |error: &crate::FieldError| crate::v1::ProblemError {
            pointer: error.pointer.clone(),
            detail: error.detail.clone(),
        };
        Self {
            status: problem.status().as_u16().into(),
            code: problem.code().to_owned(),
            title: problem.title(),
            detail: problem.detail().to_owned(),
            errors: problem.errors().iter().map(error).collect(),
            trace_id: problem.trace_id().unwrap_or_default().to_owned(),
            current_version: problem.version(),
            retry_after_seconds: problem.retry_seconds(),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn streams_of_messages_are_known() {
        let expected = ["/headwater.v1.CommandService/SubmitMany".to_owned()];
        assert_eq!(super::streams(), expected.into());
    }
}
