//! What was called, as far as a refusal of it is told: kept beside a request, whose handler takes it away.

use crate::{Edge, Problem, refusals};
use ::http::{HeaderValue, Method, Request, Uri};
use headwater_analytics::refusal;
use headwater_tenancy::TenantScope;

/// Services of which all methods read.
const READ: &[&str] = &["/headwater.v1.QueryService/", "/headwater.v1.SchemaService/"];

/// Most bytes of a path that are told.
const MAX_PATH: usize = 512;

/// A call. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Called {
    /// None by gRPC, where it says nothing.
    method: Option<Method>,
    uri: Uri,
    correlation_id: Option<HeaderValue>,
}

impl Called {
    pub(crate) fn by_http<B>(request: &Request<B>) -> Self {
        Self {
            method: Some(request.method().clone()),
            uri: request.uri().clone(),
            correlation_id: request.headers().get("x-correlation-id").cloned(),
        }
    }

    pub(crate) fn by_grpc(uri: &Uri) -> Self {
        Self {
            method: None,
            uri: uri.clone(),
            correlation_id: None,
        }
    }

    fn reads(&self) -> bool {
        match &self.method {
            Some(method) => method.is_safe(),
            None => READ.iter().any(|service| self.uri.path().starts_with(service)),
        }
    }

    /// Method and path. Parameters are left out: what people search for is nobody else's business.
    fn route(&self) -> String {
        let path = self.uri.path();
        let path = path.get(..MAX_PATH).unwrap_or(path);
        match &self.method {
            Some(method) => format!("{method} {path}"),
            None => path.to_owned(),
        }
    }
}

impl Edge {
    /// Notes for the tenant's audit log that a call was refused, if this process keeps such and it is one to be told. It never waits.
    pub fn refuse(&self, scope: &TenantScope, called: &Called, problem: &Problem) {
        let Some(kept) = self.refusals() else { return };
        if !refusals::is_told(called.reads(), problem.status()) {
            return;
        }
        let runtime = self.runtime();
        let at @ (_, time) = (runtime.monotonic(), runtime.now());
        kept.note(scope.tenant(), at, problem.code(), || {
            let (command, of_command) = problem.asked().cloned().unzip();
            let of_header = || called.correlation_id.as_ref().and_then(|id| id.to_str().ok());
            let correlation_id = of_command.flatten().or_else(|| of_header().map(str::to_owned));
            refusal::Request {
                time,
                actor: scope.actor().as_str().to_owned(),
                client: scope.client().cloned(),
                route: called.route(),
                status: problem.status().as_u16(),
                code: problem.code().to_owned(),
                trace_id: problem.trace_id().map(str::to_owned),
                correlation_id: correlation_id.map(|id| refusals::cut(&id)),
                command: command.map(|command| refusal::Addressed {
                    context: refusals::cut(&command.context),
                    aggregate: refusals::cut(&command.aggregate),
                    id: refusals::cut(&command.id),
                    name: refusals::cut(&command.name),
                }),
            }
        });
    }
}
