//! The event store of cqrs-es, per tenant: loads and commits through the log.

use super::{
    Cqrs, CqrsEvent,
    aggregate::Handled,
    decided::Decided,
    metadata::{self, Given},
};
use crate::{AggregateStore, Error, EventLog, Executed, Refusal, codec, log::name_of};
use cqrs_es::{AggregateContext, AggregateError, CqrsFramework, EventEnvelope, EventStore, Query};
use headwater_kernel::{Aggregate, AggregateType, Commit, Facts, Id, Rejection};
use headwater_tenancy::TenantScope;
use std::{collections::HashMap, fmt};

type Failure = AggregateError<Rejection>;

/// The stores of one aggregate type, which share its cache: one for the process, cheap to clone.
pub struct CqrsStores<A: Aggregate> {
    log: EventLog,
    appender: AggregateStore<Decided<A>>,
}

/// The aggregates of type `A` of one tenant, for cqrs-es. Made per scope, cheaply.
pub struct CqrsStore<A: Aggregate> {
    stores: CqrsStores<A>,
    scope: TenantScope,
}

/// An aggregate as it was loaded, on its way to a commit.
pub struct CqrsContext<A: Aggregate> {
    id: Id,
    version: u64,
    aggregate: Cqrs<A>,
}

impl EventLog {
    /// The aggregates of type `A` for users of cqrs-es.
    pub fn cqrs<A: Aggregate>(&self) -> CqrsStores<A> {
        CqrsStores {
            log: self.clone(),
            appender: AggregateStore::new(self.clone()),
        }
    }
}

impl<A: Aggregate> CqrsStores<A> {
    /// The store of the scope's tenant. Commits name the scope's actor.
    pub fn scoped(&self, scope: &TenantScope) -> CqrsStore<A> {
        CqrsStore {
            stores: self.clone(),
            scope: scope.clone(),
        }
    }
}

impl<A: Aggregate> CqrsStore<A> {
    /// cqrs-es' framework over this store. `CqrsFramework::new` does the same with services that are never asked.
    pub fn framework(self, queries: Vec<Box<dyn Query<Cqrs<A>>>>) -> CqrsFramework<Cqrs<A>, Self>
    where
        A::Event: PartialEq,
    {
        #[allow(clippy::unwrap_used, reason = "a constant id is valid")]
        let unused = self.facts(&Id::new("unused").unwrap());
        CqrsFramework::new(self, queries, unused)
    }

    fn facts(&self, id: &Id) -> Facts {
        Facts {
            tenant: self.scope.tenant().clone(),
            id: id.clone(),
            actor: self.scope.actor().clone(),
            now: self.stores.log.0.runtime.now(),
        }
    }
}

impl<A: Aggregate> CqrsContext<A> {
    /// The aggregate's id.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// The version that was loaded; 0 before the first event.
    pub fn version(&self) -> u64 {
        self.version
    }
}

impl<A: Aggregate> AggregateContext<Cqrs<A>> for CqrsContext<A>
where
    A::Event: PartialEq,
{
    fn aggregate(&mut self) -> &mut Cqrs<A> {
        &mut self.aggregate
    }
}

impl<A: Aggregate> EventStore<Cqrs<A>> for CqrsStore<A>
where
    A::Event: PartialEq,
{
    type AC = CqrsContext<A>;

    /// Every event of the aggregate, brought to the current version; none for an id that has none.
    async fn load_events(&self, aggregate_id: &str) -> Result<Vec<EventEnvelope<Cqrs<A>>>, Failure> {
        let id = id_of(aggregate_id)?;
        let commits = self
            .stores
            .log
            .commits(&self.scope, &AggregateType::of::<A>(), &id, 1)
            .await;
        let mut events = Vec::new();
        for commit in commits.map_err(failed)? {
            events.extend(envelopes(&commit)?);
        }
        Ok(events)
    }

    /// The newest snapshot and every commit after it, read from the table and not from a cache.
    async fn load_aggregate(&self, aggregate_id: &str) -> Result<CqrsContext<A>, Failure> {
        let id = id_of(aggregate_id)?;
        let (Decided(state), version) = self.stores.appender.read(&self.scope, &id).await.map_err(failed)?;
        let aggregate = Cqrs::loaded(state, self.facts(&id));
        Ok(CqrsContext { id, version, aggregate })
    }

    /// One append at the loaded version + 1. Returns what is committed under the command's id, now or before.
    async fn commit(
        &self,
        events: Vec<CqrsEvent<A>>,
        context: CqrsContext<A>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<Cqrs<A>>>, Failure> {
        self.scope
            .may_command()
            .map_err(|refused| AggregateError::UserError(Rejection::rule(refused.code(), refused.to_string())))?;
        let CqrsContext { id, version, aggregate } = context;
        let Handled { name, payload, refused } = aggregate.into_handled();
        let given = Given::read(metadata, &self.scope).map_err(AggregateError::UserError)?;
        let writes = !events.is_empty() && refused.is_none();
        if !writes && given.command_id.is_none() {
            // Nothing could have been committed under an id that nobody has.
            return refused.map_or(Ok(Vec::new()), |rejection| Err(AggregateError::UserError(rejection)));
        }
        // Events that no command stands behind are told apart by themselves.
        let payload = if name.is_empty() {
            codec::to_text(&events).map_err(failed)?.into_bytes()
        } else {
            payload
        };
        let events: Vec<A::Event> = events.into_iter().map(|event| event.0).collect();
        let decided = || refused.clone().map_or_else(|| Ok(events.clone()), Err);
        let runtime = &self.stores.log.0.runtime;
        let request = given.request(&name, &payload, writes.then_some(version), || {
            runtime.uuid().to_string()
        });
        match self.stores.appender.execute(&self.scope, &id, request, decided).await {
            Ok(Executed::Committed(commit)) => envelopes(&commit),
            Ok(Executed::Replayed { commit, .. }) => {
                let mut events = envelopes(&commit)?;
                for event in &mut events {
                    event.metadata.insert(metadata::REPLAYED.to_owned(), true.to_string());
                }
                Ok(events)
            }
            Ok(Executed::Unchanged { .. }) => Ok(Vec::new()),
            Err(refusal) => Err(refused_by_log(refusal)),
        }
    }
}

fn id_of(aggregate_id: &str) -> Result<Id, Failure> {
    Id::new(aggregate_id).map_err(|error| AggregateError::UserError(Rejection::rule("invalid-id", error.to_string())))
}

/// The events of a commit at the current version.
fn envelopes<A: Aggregate>(commit: &Commit) -> Result<Vec<EventEnvelope<Cqrs<A>>>, Failure>
where
    A::Event: PartialEq,
{
    let envelope = |recorded: headwater_kernel::RecordedEvent<'_>| {
        Ok(EventEnvelope {
            aggregate_id: commit.id.as_str().to_owned(),
            sequence: usize::try_from(recorded.sequence).unwrap_or(usize::MAX),
            payload: CqrsEvent(codec::decode_event::<A>(recorded.event).map_err(failed)?),
            metadata: metadata::of_event(commit, &recorded),
        })
    };
    commit.recorded().map(envelope).collect()
}

/// What the caller caused is a user error; the rest is sorted by what helps.
fn refused_by_log(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Rejected(rejection) => AggregateError::UserError(rejection),
        Refusal::VersionConflict { .. } | Refusal::Contended => AggregateError::AggregateConflict,
        Refusal::CommandIdReused => {
            AggregateError::UserError(Rejection::rule("idempotency-key-reused", refusal.to_string()))
        }
        Refusal::Log(error) => failed(error),
    }
}

fn failed(error: Error) -> Failure {
    match error {
        Error::Conflict => AggregateError::AggregateConflict,
        Error::TooLarge { .. } => AggregateError::UserError(Rejection::rule("commit-too-large", error.to_string())),
        Error::Claimed { .. } => AggregateError::UserError(Rejection::rule("already-taken", error.to_string())),
        Error::Unreadable { .. } => AggregateError::DeserializationError(error.into()),
        Error::Unavailable(_) => AggregateError::DatabaseConnectionError(error.into()),
        Error::Refused(_) => AggregateError::UnexpectedError(error.into()),
    }
}

impl<A: Aggregate> Clone for CqrsStores<A> {
    fn clone(&self) -> Self {
        Self {
            log: self.log.clone(),
            appender: self.appender.clone(),
        }
    }
}

impl<A: Aggregate> Clone for CqrsStore<A> {
    fn clone(&self) -> Self {
        self.stores.scoped(&self.scope)
    }
}

impl<A: Aggregate> fmt::Debug for CqrsStores<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.appender.fmt(f)
    }
}

impl<A: Aggregate> fmt::Debug for CqrsStore<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}", self.stores, self.scope.tenant())
    }
}

impl<A: Aggregate> fmt::Debug for CqrsContext<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = name_of(&AggregateType::of::<A>(), self.id.as_str());
        write!(f, "{name} at {}", self.version)
    }
}
