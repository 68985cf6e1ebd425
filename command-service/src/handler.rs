//! One aggregate type behind a face without its type, so that the bus can hold them all.

use crate::refusal::{problem_of, undecodable};
use futures::future::BoxFuture;
use headwater_edge::Problem;
use headwater_event_log::{AggregateStore, EventLog, Executed, Request};
use headwater_kernel::{Aggregate, AggregateType, Id, Rejection, decode_command};
use headwater_tenancy::TenantScope;
use serde_json::Value;
use std::sync::{Mutex, PoisonError};

/// Executes the commands of one aggregate type.
pub(crate) trait Handler: Send + Sync {
    /// Executes one. `payload` is the value of which `request` has the canonical bytes.
    fn execute<'a>(
        &'a self,
        scope: &'a TenantScope,
        id: &'a Id,
        request: Request<'a>,
        payload: Value,
        if_match: bool,
    ) -> BoxFuture<'a, Result<Executed, Problem>>;
}

/// An entry of the registry.
pub(crate) struct Entry {
    pub(crate) aggregate: AggregateType,
    pub(crate) commands: Vec<String>,
    pub(crate) handler: Box<dyn Handler>,
}

impl Entry {
    pub(crate) fn of<A: Aggregate>(log: &EventLog) -> Self {
        let aggregate = AggregateType::of::<A>();
        let commands = aggregate.commands().into_iter().map(|(name, ..)| name).collect();
        Self {
            aggregate,
            commands,
            handler: Box::new(Typed::<A>(AggregateStore::new(log.clone()))),
        }
    }
}

struct Typed<A>(AggregateStore<A>);

impl<A: Aggregate> Handler for Typed<A> {
    fn execute<'a>(
        &'a self,
        scope: &'a TenantScope,
        id: &'a Id,
        request: Request<'a>,
        payload: Value,
        if_match: bool,
    ) -> BoxFuture<'a, Result<Executed, Problem>> {
        Box::pin(async move {
            let (name, canonical) = (request.name, request.payload);
            let first = decode_command::<A::Command>(name, payload).map_err(undecodable)?;
            // Deciding takes the command, and nearly every command is decided once: only a retry decodes again.
            let first = Mutex::new(Some(first));
            let decode = || {
                if let Some(command) = first.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    return Ok(command);
                }
                let value = serde_json::from_slice(canonical).unwrap_or_default();
                decode_command(name, value).map_err(|error| Rejection::rule("invalid-payload", error.to_string()))
            };
            self.0
                .execute(scope, id, request, decode)
                .await
                .map_err(|refusal| problem_of(refusal, if_match))
        })
    }
}
