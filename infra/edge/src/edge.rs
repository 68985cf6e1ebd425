//! One process's edge: who may come in, how many at a time, and for how long.

use crate::{
    Limits, Place, Problem, Refusals, SharedPlace, TenantPlace, TrustedProxies, admission::Admission, telling::Telling,
};
use ::http::{HeaderMap, StatusCode};
use futures::FutureExt;
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use headwater_tenancy::Authenticator;
use std::{any::Any, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

/// When a caller whose time was over should come back.
const COME_BACK: Duration = Duration::from_secs(1);

/// What every request passes, by HTTP and gRPC alike. Cheap to clone; a process has one, so that its limits are the process's.
#[derive(Debug, Clone)]
pub struct Edge(Arc<Inner>);

/// What an edge stands between.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// What it is reached through.
    pub proxies: TrustedProxies,
    /// Where refusals wait to be written into the audit log; without, they are not told there.
    pub refusals: Option<Refusals>,
}

#[derive(Debug)]
struct Inner {
    authenticator: Authenticator,
    limits: Limits,
    runtime: Runtime,
    requests: Admission,
    searches: Admission,
    batches: Admission,
    telling: Telling,
    proxies: TrustedProxies,
    refusals: Option<Refusals>,
}

impl Edge {
    /// An edge that lets in whom `authenticator` knows, with nothing around it.
    pub fn new(authenticator: Authenticator, limits: Limits, runtime: Runtime) -> Self {
        Self::with(Surroundings::default(), authenticator, limits, runtime)
    }

    /// The same with what is around it.
    pub fn with(
        Surroundings { proxies, refusals }: Surroundings,
        authenticator: Authenticator,
        limits: Limits,
        runtime: Runtime,
    ) -> Self {
        let requests = Admission::requests(&limits);
        let searches = Admission::searches(&limits);
        let batches = Admission::batches(&limits);
        Self(Arc::new(Inner {
            authenticator,
            limits,
            runtime,
            requests,
            searches,
            batches,
            telling: Telling::default(),
            proxies,
            refusals,
        }))
    }

    /// What is allowed.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The clock and tasks of this process.
    pub fn runtime(&self) -> &Runtime {
        &self.0.runtime
    }

    pub(crate) fn refusals(&self) -> Option<&Refusals> {
        self.0.refusals.as_ref()
    }

    pub(crate) fn proxies(&self) -> &TrustedProxies {
        &self.0.proxies
    }

    pub(crate) fn authenticator(&self) -> &Authenticator {
        &self.0.authenticator
    }

    /// Takes a place among the requests in work.
    ///
    /// # Errors
    /// 503 `overloaded`, at once: whoever waits in a queue here would only make the load last.
    pub fn admit(&self) -> Result<Place, Problem> {
        self.0.requests.place()
    }

    /// Takes one of the places that a tenant may have among them, once it is known whose request it is.
    ///
    /// # Errors
    /// 429 `too-many-requests`.
    pub fn admit_tenant(&self, tenant: &TenantId) -> Result<TenantPlace, Problem> {
        self.0.requests.share(tenant)
    }

    /// Takes a place among the searches: they are few enough that, if their engine hangs, commands and other queries have places left.
    ///
    /// # Errors
    /// 429 `too-many-requests` when the tenant has as many as it may, 503 `overloaded` when all have.
    pub fn admit_search(&self, tenant: &TenantId) -> Result<SharedPlace, Problem> {
        Ok(SharedPlace(self.0.searches.share(tenant)?, self.0.searches.place()?))
    }

    /// Takes a place among the streaming batches.
    ///
    /// # Errors
    /// 429 `too-many-requests` when the tenant has as many as it may, 503 `overloaded` when all have.
    pub fn admit_batch(&self, tenant: &TenantId) -> Result<SharedPlace, Problem> {
        Ok(SharedPlace(self.0.batches.share(tenant)?, self.0.batches.place()?))
    }

    /// Waits for the answer of one command or query, for as long as the deadline allows. A panic becomes a problem.
    ///
    /// # Errors
    /// The work's own, 503 `deadline-exceeded` (the work is dropped then; a command may have been committed), 500 after a panic.
    pub async fn within_deadline<T>(&self, work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
        let guarded = AssertUnwindSafe(work).catch_unwind();
        match self.until_deadline(guarded).await {
            Some(Ok(result)) => result,
            Some(Err(panic)) => Err(panicked(panic.as_ref())),
            None => Err(Problem::unavailable(
                "deadline-exceeded",
                "the request took too long; try again, a command with the same Idempotency-Key",
                COME_BACK,
            )),
        }
    }

    /// What comes of some work; none when it takes longer than a request may.
    pub(crate) async fn until_deadline<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.0.runtime.timeout(self.0.limits.deadline, work).await.ok()
    }

    /// Gives a problem the request's trace id, and tells the operator what the caller is not told. `headers` are the request's.
    #[must_use]
    pub fn trace(&self, problem: Problem, headers: &HeaderMap) -> Problem {
        let given = headers
            .get("traceparent")
            .and_then(|value| value.to_str().ok())
            .and_then(trace_id_of);
        let trace_id = given.unwrap_or_else(|| self.0.runtime.uuid().simple().to_string());
        if let Some(operator) = problem.operator() {
            let (status, code) = (problem.status().as_u16(), problem.code());
            if status == StatusCode::INTERNAL_SERVER_ERROR.as_u16() {
                tracing::error!(trace_id, status, code, "{operator}");
            } else if let Some(left_out) = self.0.telling.may(self.0.runtime.monotonic()) {
                tracing::warn!(trace_id, status, code, left_out, "{operator}");
            }
        }
        problem.traced(trace_id)
    }
}

/// The trace id of a W3C `traceparent`: `00-<32 hex>-<16 hex>-<2 hex>`.
fn trace_id_of(traceparent: &str) -> Option<String> {
    let id = traceparent.split('-').nth(1)?;
    let valid = id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (valid && id.bytes().any(|byte| byte != b'0')).then(|| id.to_owned())
}

pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Problem {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Problem::internal(format!("panicked: {}", text.unwrap_or("no message")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_trace_of_a_caller_that_has_one() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(
            trace_id_of(&format!("00-{id}-00f067aa0ba902b7-01")).as_deref(),
            Some(id)
        );
        assert_eq!(trace_id_of("00-4bf9-00f067aa0ba902b7-01"), None);
        assert_eq!(trace_id_of(&format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32))), None);
    }
}
