//! From the list of read models to consumers: a visitor that gives each fold its follower and its refold, for whichever generation, and
//! each projection its position.

use crate::{
    ApplyError, Consumer, Follower, Indexes,
    checkpoint::TablePositions,
    consumer::PositionStore,
    document::{self, DocumentFollower},
    heads::{Heads, source_of},
    metric::{self, MetricFollower},
    replay::{
        Metrics,
        refold::{OneDocument, OneRow, Points, Refold, Refolding, SeveralRows},
    },
    row::RowFollower,
    rows::RowsFollower,
    stored_positions::StoredPositions,
};
use headwater_dynamo_repository::Repository;
use headwater_dynamodb::Database;
use headwater_event_log::{EventLog, consumer::Checkpoints};
use headwater_kernel::{Aggregate, TenantId};
use headwater_metrics::MetricStore;
use headwater_read_models::{
    DocumentFold, Fold, ProjectionRegistry, RowFold, RowsFold,
    metrics::{MetricFold, TABLE},
};
use headwater_runtime::Runtime;
use headwater_search::{IndexName, SearchIndex};
use std::{
    collections::{BTreeMap, BTreeSet},
    marker::PhantomData,
    sync::Arc,
};

/// Where projections are kept.
#[derive(Clone)]
pub struct Stores {
    /// Gaps are filled from it.
    pub log: EventLog,
    /// Rows and checkpoints.
    pub views: Database,
    /// The repository of a projection.
    pub repository: Arc<dyn Fn(&'static str) -> Repository + Send + Sync>,
    /// Search indexes.
    pub indexes: Indexes,
    /// Metric stores.
    pub metrics: Metrics,
}

/// What keeps one fold in one generation.
struct Part {
    follower: Arc<dyn Follower>,
    refold: Arc<dyn Refold>,
    kept_in: KeptIn,
}

/// Where the effect of a part is.
enum KeptIn {
    Tables,
    Index(Arc<dyn SearchIndex>),
    Metrics(Arc<dyn MetricStore>),
}

/// Makes the part of a generation; `None` when this process has no store for it.
type Maker = Arc<dyn Fn(&Stores, u32) -> Result<Option<Part>, ApplyError> + Send + Sync>;

#[derive(Clone, Default)]
struct Entry {
    folds: BTreeMap<String, u32>,
    tables: BTreeSet<&'static str>,
    kinds: BTreeSet<&'static str>,
    measures: bool,
    makers: Vec<Maker>,
}

/// One generation of a projection, ready to be kept and filled.
pub(crate) struct Keep {
    pub(crate) consumer: Consumer,
    pub(crate) refolds: Vec<Arc<dyn Refold>>,
}

/// All projections, in whichever generation. Pass it to `headwater_read_models::register`.
#[derive(Clone)]
pub struct Catalogue {
    pub(crate) stores: Stores,
    entries: BTreeMap<&'static str, Entry>,
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.entries.keys()).finish()
    }
}

impl Catalogue {
    /// None yet.
    pub fn new(stores: Stores) -> Self {
        Self {
            stores,
            entries: BTreeMap::new(),
        }
    }

    /// The names of the projections.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.entries.keys().copied()
    }

    /// A name as it was registered.
    pub(crate) fn name(&self, projection: &str) -> Option<&'static str> {
        self.entries.get_key_value(projection).map(|(name, _)| *name)
    }

    /// The versions of a projection's folds in this build, by `<context>.<aggregates>`.
    pub(crate) fn folds(&self, projection: &str) -> BTreeMap<String, u32> {
        self.entries
            .get(projection)
            .map(|entry| entry.folds.clone())
            .unwrap_or_default()
    }

    /// The views tables that a projection is in.
    pub(crate) fn tables(&self, projection: &str) -> Vec<&'static str> {
        let entry = self.entries.get(projection);
        entry
            .map(|entry| entry.tables.iter().copied().collect())
            .unwrap_or_default()
    }

    /// The kinds of documents that a projection keeps.
    pub(crate) fn kinds(&self, projection: &str) -> Vec<&'static str> {
        let entry = self.entries.get(projection);
        entry
            .map(|entry| entry.kinds.iter().copied().collect())
            .unwrap_or_default()
    }

    /// Whether a projection is kept in metric stores.
    pub(crate) fn measures(&self, projection: &str) -> bool {
        self.entries.get(projection).is_some_and(|entry| entry.measures)
    }

    /// Whether a projection is kept in tables.
    pub(crate) fn has_rows(&self, projection: &str) -> bool {
        self.kinds(projection).is_empty() && !self.measures(projection)
    }

    /// Removes the stores of a generation that hold it and nothing else.
    pub(crate) async fn remove_stores(
        &self,
        projection: &'static str,
        generation: u32,
        runtime: &Runtime,
    ) -> Result<(), ApplyError> {
        for kind in self.kinds(projection) {
            let name = IndexName::new(kind, projection, generation);
            let removed = self.stores.indexes.remove(&name, runtime).await;
            removed.map_err(document::failed)?;
        }
        if self.measures(projection) {
            let removed = self.stores.metrics.remove(generation, runtime).await;
            removed.map_err(metric::failed)?;
        }
        Ok(())
    }

    /// Whether this process has all stores of a projection.
    pub(crate) fn keeps_all(&self, projection: &str) -> bool {
        let keeps = |kind: &&str| self.stores.indexes.keeps(kind);
        self.kinds(projection).iter().all(keeps) && (!self.measures(projection) || self.stores.metrics.are_kept())
    }

    /// A generation of a projection; `None` when this process does not keep it.
    pub(crate) fn build(
        &self,
        projection: &'static str,
        generation: u32,
        only: Option<TenantId>,
    ) -> Result<Option<Keep>, ApplyError> {
        let Some(entry) = self.entries.get(projection) else {
            return Ok(None);
        };
        let (mut followers, mut refolds, mut kept_in) = (Vec::new(), Vec::new(), KeptIn::Tables);
        for maker in &entry.makers {
            let Some(part) = maker(&self.stores, generation)? else {
                return Ok(None);
            };
            followers.push(part.follower);
            refolds.push(part.refold);
            if !matches!(part.kept_in, KeptIn::Tables) {
                kept_in = part.kept_in;
            }
        }
        // What is written to an index is seen when it is committed.
        let eager = matches!(kept_in, KeptIn::Index(_));
        let in_table = |index| {
            let checkpoints = Checkpoints::new(self.stores.views.clone(), self.stores.log.runtime().clone());
            TablePositions::new(checkpoints, format!("{projection}.{generation}"), index)
        };
        let positions: Arc<dyn PositionStore> = match kept_in {
            KeptIn::Index(index) if index.keeps_positions() => Arc::new(StoredPositions::new(index)),
            KeptIn::Metrics(store) if store.keeps_positions() => Arc::new(StoredPositions::new(store)),
            KeptIn::Index(index) => Arc::new(in_table(Some(index))),
            KeptIn::Tables | KeptIn::Metrics(_) => Arc::new(in_table(None)),
        };
        let consumer = Consumer {
            projection,
            generation,
            followers,
            eager,
            positions,
            only,
            held: Arc::default(),
            fresh: Arc::default(),
        };
        Ok(Some(Keep { consumer, refolds }))
    }

    fn entry<F: Fold>(&mut self, projection: &'static str, table: &'static str, maker: Maker) -> &mut Entry {
        let entry = self.entries.entry(projection).or_default();
        let (context, aggregates) = source_of::<F>();
        entry.folds.insert(format!("{context}.{aggregates}"), F::VERSION);
        entry.tables.insert(table);
        entry.makers.push(maker);
        entry
    }
}

impl ProjectionRegistry for Catalogue {
    fn row<F: RowFold>(&mut self, projection: &'static str) {
        let maker = move |stores: &Stores, generation| {
            let repository = (stores.repository)(projection).at_generation(generation);
            let shape = OneRow(repository.bulk(generation));
            let fold = PhantomData;
            Ok(Some(Part {
                refold: Arc::new(Refolding::<F, _> {
                    shape,
                    fold,
                    follower: None,
                }),
                follower: Arc::new(RowFollower::<F> {
                    log: stores.log.clone(),
                    repository,
                    heads: Heads::new(),
                }),
                kept_in: KeptIn::Tables,
            }))
        };
        self.entry::<F>(projection, F::SCHEMA.table, Arc::new(maker));
    }

    fn rows<F: RowsFold>(&mut self, projection: &'static str) {
        let maker = move |stores: &Stores, generation| {
            let repository = (stores.repository)(projection).at_generation(generation);
            let shape = SeveralRows(repository.bulk(generation));
            let fold = PhantomData;
            let follower: Arc<dyn Follower> = Arc::new(RowsFollower::<F> {
                log: stores.log.clone(),
                repository,
                heads: Heads::new(),
            });
            Ok(Some(Part {
                refold: Arc::new(Refolding::<F, _> {
                    shape,
                    fold,
                    follower: F::HAS_SUMS.then(|| Arc::clone(&follower)),
                }),
                follower,
                kept_in: KeptIn::Tables,
            }))
        };
        self.entry::<F>(projection, F::TABLE, Arc::new(maker));
    }

    /// A kind without an index is not kept by this process.
    fn document<F: DocumentFold>(&mut self, projection: &'static str) {
        let maker = move |stores: &Stores, generation| {
            let name = IndexName::new(F::KIND, projection, generation);
            let index = stores.indexes.get(&name, F::mapping()).map_err(document::failed)?;
            let Some(index) = index else { return Ok(None) };
            let shape = OneDocument(Arc::clone(&index));
            let fold = PhantomData;
            Ok(Some(Part {
                refold: Arc::new(Refolding::<F, _> {
                    shape,
                    fold,
                    follower: None,
                }),
                follower: Arc::new(DocumentFollower::<F> {
                    log: stores.log.clone(),
                    index: Arc::clone(&index),
                    fold,
                }),
                kept_in: KeptIn::Index(index),
            }))
        };
        let entry = self.entry::<F>(projection, F::Source::CONTEXT, Arc::new(maker));
        entry.kinds.insert(F::KIND);
    }

    /// Without metric stores this process does not keep it.
    fn metric<F: MetricFold>(&mut self, projection: &'static str) {
        let maker = move |stores: &Stores, generation| {
            let store = stores.metrics.get(generation).map_err(metric::failed)?;
            let Some(store) = store else { return Ok(None) };
            let follower: Arc<dyn Follower> = Arc::new(MetricFollower::<F> {
                log: stores.log.clone(),
                store: Arc::clone(&store),
                dropped: stores.metrics.dropped_count(),
                heads: Heads::new(),
            });
            Ok(Some(Part {
                refold: Arc::new(Refolding::<F, _> {
                    shape: Points,
                    fold: PhantomData,
                    follower: Some(Arc::clone(&follower)),
                }),
                follower,
                kept_in: KeptIn::Metrics(store),
            }))
        };
        let entry = self.entry::<F>(projection, TABLE, Arc::new(maker));
        entry.measures = true;
    }
}

/// All projections in one generation: for a runner that keeps no others.
#[derive(Debug)]
pub struct Projections {
    catalogue: Catalogue,
    generation: u32,
}

impl Projections {
    /// None yet; pass it to `headwater_read_models::register`. Writes go to `generation`.
    pub fn new(stores: Stores, generation: u32) -> Self {
        let catalogue = Catalogue::new(stores);
        Self { catalogue, generation }
    }

    /// One consumer per projection that this process keeps.
    pub fn consumers(self) -> Vec<Consumer> {
        let build = |name| match self.catalogue.build(name, self.generation, None) {
            Ok(keep) => keep.map(|keep| keep.consumer),
            Err(error) => {
                tracing::error!(projection = name, error = ?error, "the projection is not kept: its index cannot be opened");
                None
            }
        };
        self.catalogue.names().filter_map(build).collect()
    }
}

impl ProjectionRegistry for Projections {
    fn row<F: RowFold>(&mut self, projection: &'static str) {
        self.catalogue.row::<F>(projection);
    }

    fn rows<F: RowsFold>(&mut self, projection: &'static str) {
        self.catalogue.rows::<F>(projection);
    }

    fn document<F: DocumentFold>(&mut self, projection: &'static str) {
        self.catalogue.document::<F>(projection);
    }

    fn metric<F: MetricFold>(&mut self, projection: &'static str) {
        self.catalogue.metric::<F>(projection);
    }
}
