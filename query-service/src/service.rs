//! What all reads have in common, and the reads of views and lists.

use crate::{
    consistency::Consistency,
    lists::{Ask, List},
    parameters::Parameters,
    refusal::{not_found, of_repository, unknown},
    searches::Settings,
    subscribe::{Subscription, SubscriptionOptions, Subscriptions, Wanted},
    view::{ReadView, View},
};
use ::http::StatusCode;
use headwater_dynamo_repository::Repository;
use headwater_edge::{Problem, id_of};
use headwater_event_log::EventLog;
use headwater_kernel::{AggregateType, Id, Personal};
use headwater_metrics::MetricStore;
use headwater_objects::ObjectStore;
use headwater_read_models::search::Mapping;
use headwater_runtime::Runtime;
use headwater_search::SearchIndex;
use headwater_tenancy::{Role, SealingKey, TenantScope};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Something by context and plural name of the aggregates.
pub(crate) type ByAggregate<T> = BTreeMap<&'static str, BTreeMap<&'static str, T>>;

/// Answers reads. Cheap to clone.
#[derive(Clone)]
pub struct QueryService(Arc<Inner>, Subscriptions);

pub(crate) struct Inner {
    pub(crate) log: EventLog,
    pub(crate) repository: Arc<dyn Fn(&'static str) -> Repository + Send + Sync>,
    pub(crate) key: SealingKey,
    pub(crate) runtime: Runtime,
    pub(crate) views: ByAggregate<View>,
    /// By projection, which aggregates it follows.
    pub(crate) sources: BTreeMap<&'static str, BTreeMap<(&'static str, &'static str), Source>>,
    pub(crate) aggregates: ByAggregate<AggregateType>,
    pub(crate) kinds: BTreeMap<&'static str, Kind>,
    pub(crate) indexes: BTreeMap<&'static str, Arc<dyn SearchIndex>>,
    pub(crate) settings: Settings,
    pub(crate) metrics: Option<Arc<dyn MetricStore>>,
    pub(crate) audit_log: Option<Arc<dyn ObjectStore>>,
}

/// Where it is seen how far a projection has come with an aggregate.
#[derive(Clone)]
pub(crate) enum Source {
    /// The version of a row or head.
    View(Arc<dyn ReadView>),
    /// The version of a search document of this kind.
    Document(&'static str),
}

/// A kind of search documents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) projection: &'static str,
    pub(crate) mapping: &'static Mapping,
}

/// A page of a list or a history.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) items: Vec<Value>,
    pub(crate) next_cursor: Option<String>,
}

impl fmt::Debug for QueryService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueryService")
    }
}

impl QueryService {
    pub(crate) fn of(inner: Inner, options: SubscriptionOptions) -> Self {
        let (log, runtime) = (inner.log.clone(), inner.runtime.clone());
        let subscriptions = Subscriptions::new(log, &inner.aggregates, options, runtime);
        Self(Arc::new(inner), subscriptions)
    }

    pub(crate) fn subscriptions(&self) -> &Subscriptions {
        &self.1
    }

    /// Subscribes to the tenant's events. `parameters` are those of `GET /v1/events`; `last` is the id of the last event that the
    /// subscriber saw before it lost its connection, and goes before `after`.
    ///
    /// # Errors
    /// 400 for a parameter that is unknown or has no use, 403, 429 `too-many-subscribers`, 503.
    pub async fn subscribe(
        &self,
        scope: &TenantScope,
        parameters: impl IntoIterator<Item = (String, String)>,
        last: Option<&str>,
    ) -> Result<Subscription, Problem> {
        may_read(scope)?;
        let wanted = Wanted::read(&self.0.log, &self.1, scope, &Parameters::new(parameters), last)?;
        self.1.open(scope, wanted).await
    }

    /// Ends all subscriptions, each with a cursor to resume from, so that a server that stops need not wait for them.
    pub fn close_subscriptions(&self) {
        self.1.close();
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// The view of one aggregate and its version.
    pub(crate) async fn view(
        &self,
        scope: &TenantScope,
        [context, aggregate, id]: [&str; 3],
        parameters: &Parameters,
        consistency: Option<&Consistency>,
    ) -> Result<(Value, u64), Problem> {
        may_read(scope)?;
        parameters.only(&[], None)?;
        let view = registered(&self.0.views, context, aggregate)?;
        let id = id_of(id)?;
        self.reach(scope, view.projection, consistency).await?;
        let found = view.reader.read(scope, &id).await.map_err(of_repository)?;
        let viewed = found.ok_or_else(|| not_found(&format!("{context}/{aggregate}/{id}")))?;
        Ok((answer(viewed.state, viewed.version), viewed.version))
    }

    /// A page of a list.
    pub(crate) async fn list(
        &self,
        scope: &TenantScope,
        list: &List,
        parent: Option<&str>,
        parameters: &Parameters,
        consistency: Option<&Consistency>,
    ) -> Result<Listed, Problem> {
        may_read(scope)?;
        let known: Vec<&str> = list.filters.iter().map(|filter| filter.name).collect();
        parameters.only(&[&known[..], &["limit", "cursor"]].concat(), None)?;
        let parent = parent.map(id_of).transpose()?;
        let page = parameters.page()?;
        let range = (list.range)(&Ask {
            parent: parent.as_ref(),
            parameters,
        })?;
        self.reach(scope, list.projection, consistency).await?;
        let mut repository = (self.0.repository)(list.projection);
        if consistency.is_some() {
            // The projection was waited for; the rows that it wrote have to be read then too.
            repository = repository.consistent();
        }
        let read = (list.read)(&repository, scope, &range, &page)
            .await
            .map_err(of_repository)?;
        // The root of a tree is its first row: without it there is no tree, whatever else lies there.
        if let (Some(root), None) = (list.root, &page.cursor)
            && read.items.first().is_none_or(|first| first["kind"] != root)
        {
            return Err(not_found(&format!(
                "{}/{}/{}",
                list.context,
                list.parent.unwrap_or_default(),
                parent.as_ref().map(Id::as_str).unwrap_or_default()
            )));
        }
        Ok(read)
    }
}

/// A state as the caller gets it: with its version, personal data revealed.
pub(crate) fn answer(mut state: Value, version: u64) -> Value {
    Personal::reveal(&mut state);
    if let Some(members) = state.as_object_mut() {
        members.insert("version".into(), version.into());
    }
    state
}

/// What is registered for an aggregate.
pub(crate) fn registered<'a, T>(all: &'a ByAggregate<T>, context: &str, aggregate: &str) -> Result<&'a T, Problem> {
    let of_context = all
        .get(context)
        .ok_or_else(|| unknown("unknown-context", "context", context, all.keys().copied()))?;
    of_context
        .get(aggregate)
        .ok_or_else(|| unknown("unknown-aggregate", "aggregate", aggregate, of_context.keys().copied()))
}

/// Whoever has a role in the tenant reads; operators stand outside of tenants.
pub(crate) fn may_read(scope: &TenantScope) -> Result<(), Problem> {
    if scope.roles().iter().any(|role| *role != Role::Operator) {
        return Ok(());
    }
    let detail = "this token may not read the tenant's data; that takes a role in the tenant";
    Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
}
