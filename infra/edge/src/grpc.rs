//! What every gRPC call passes: the same admission, authentication and deadline as HTTP, with the same problems as statuses.

use crate::{Edge, Permit, Problem};
use headwater_tenancy::Caller;
use std::future::Future;
use tonic::{Status, metadata::MetadataMap, service::Routes};

impl Edge {
    /// The gRPC services of a process as routes for [`crate::serve_http`], which keeps the same limits on their connections.
    pub fn grpc(&self, services: Routes) -> axum::Router {
        services.prepare().into_axum_router()
    }

    /// Lets a call in: a place among the requests in work, held by the returned permit, and its caller.
    ///
    /// # Errors
    /// `UNAVAILABLE` (`overloaded`), `UNAUTHENTICATED`.
    pub async fn enter(&self, metadata: &MetadataMap) -> Result<(Permit, Caller), Status> {
        let enter = async { Ok((self.admit()?, self.authenticate(metadata.as_ref()).await?)) };
        enter.await.map_err(|problem| self.status(problem, metadata))
    }

    /// Does one unary call: lets it in, and waits for its answer within the deadline.
    ///
    /// # Errors
    /// As [`Edge::enter`], and whatever `work` ends with.
    pub async fn unary<T, F>(&self, metadata: &MetadataMap, work: impl FnOnce(Caller) -> F) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Problem>>,
    {
        let (_place, caller) = self.enter(metadata).await?;
        self.within_deadline(work(caller))
            .await
            .map_err(|problem| self.status(problem, metadata))
    }

    /// The status of a problem, traced.
    pub fn status(&self, problem: Problem, metadata: &MetadataMap) -> Status {
        self.trace(problem, metadata.as_ref()).into()
    }
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
