//! Putting the service together: read models and contexts register themselves.

use crate::{
    QueryService, SubscriptionOptions,
    searches::Settings,
    service::{Inner, Kind, Source},
    view::View,
};
use headwater_dynamo_repository::Repository;
use headwater_event_log::EventLog;
use headwater_kernel::{Aggregate, AggregateRegistry, AggregateType};
use headwater_metrics::MetricStore;
use headwater_objects::ObjectStore;
use headwater_read_models::{DocumentFold, ProjectionRegistry, RowFold, RowsFold, metrics::MetricFold};
use headwater_runtime::Runtime;
use headwater_search::SearchIndex;
use headwater_tenancy::SealingKey;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// A [`QueryService`] in the making. Give it to `headwater_read_models::register` and to the contexts' `register`.
pub struct QueryServiceBuilder {
    inner: Inner,
    subscriptions: SubscriptionOptions,
}

impl fmt::Debug for QueryServiceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueryServiceBuilder")
    }
}

impl QueryService {
    /// A service that reads nothing yet. `repository` gives the rows of a projection; `key` opens consistency tokens and seals the
    /// cursors of histories, and is the one that the command side and the repositories have.
    pub fn builder(
        log: EventLog,
        repository: Arc<dyn Fn(&'static str) -> Repository + Send + Sync>,
        key: SealingKey,
        runtime: Runtime,
    ) -> QueryServiceBuilder {
        QueryServiceBuilder {
            inner: Inner {
                log,
                repository,
                key,
                runtime,
                views: BTreeMap::new(),
                sources: BTreeMap::new(),
                aggregates: BTreeMap::new(),
                kinds: BTreeMap::new(),
                indexes: BTreeMap::new(),
                settings: Settings::default(),
                metrics: None,
                audit_log: None,
            },
            subscriptions: SubscriptionOptions::default(),
        }
    }
}

impl QueryServiceBuilder {
    /// Searches of `kind` ask `index`. A kind without an index is not served.
    #[must_use]
    pub fn search_index(mut self, kind: &'static str, index: Arc<dyn SearchIndex>) -> Self {
        self.inner.indexes.insert(kind, index);
        self
    }

    /// Metrics are asked of `store`; without it there are none.
    #[must_use]
    pub fn metric_store(mut self, store: Arc<dyn MetricStore>) -> Self {
        self.inner.metrics = Some(store);
        self
    }

    /// Tenants' auditors read what is in `objects`; without them there is no audit log here.
    #[must_use]
    pub fn audit_log(mut self, objects: Arc<dyn ObjectStore>) -> Self {
        self.inner.audit_log = Some(objects);
        self
    }

    /// Other bounds for subscriptions than the usual ones.
    #[must_use]
    pub fn subscriptions(mut self, options: SubscriptionOptions) -> Self {
        self.subscriptions = options;
        self
    }

    /// The service.
    pub fn build(self) -> QueryService {
        QueryService::of(self.inner, self.subscriptions)
    }

    fn view<A: Aggregate>(&mut self, view: View) {
        let source = Source::View(Arc::clone(&view.reader));
        self.source::<A>(view.projection, source);
        // The first projection that keeps a view of an aggregate is the one that answers for it.
        let of_context = self.inner.views.entry(A::CONTEXT).or_default();
        of_context.entry(A::NAME).or_insert(view);
    }

    fn source<A: Aggregate>(&mut self, projection: &'static str, source: Source) {
        let sources = self.inner.sources.entry(projection).or_default();
        sources.insert((A::CONTEXT, A::NAME), source);
    }
}

impl ProjectionRegistry for QueryServiceBuilder {
    fn row<F: RowFold>(&mut self, projection: &'static str) {
        let repository = (self.inner.repository)(projection);
        self.view::<F::Source>(View::row::<F>(projection, repository));
    }

    fn rows<F: RowsFold>(&mut self, projection: &'static str) {
        let repository = (self.inner.repository)(projection);
        self.view::<F::Source>(View::rows::<F>(projection, repository));
    }

    fn document<F: DocumentFold>(&mut self, projection: &'static str) {
        self.source::<F::Source>(projection, Source::Document(F::KIND));
        let mapping = F::mapping();
        self.inner.kinds.insert(F::KIND, Kind { projection, mapping });
    }

    /// No read of metrics waits for an aggregate.
    fn metric<F: MetricFold>(&mut self, _: &'static str) {}
}

impl AggregateRegistry for QueryServiceBuilder {
    fn aggregate<A: Aggregate>(&mut self) {
        let of_context = self.inner.aggregates.entry(A::CONTEXT).or_default();
        of_context.insert(A::NAME, AggregateType::of::<A>());
    }
}
