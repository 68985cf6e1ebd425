//! From the list of read models to consumers: a visitor that gives each fold its follower, and each projection its position.

use crate::{
    Consumer, Follower, checkpoint::TablePositions, document::DocumentFollower, document::IndexPositions, heads::Heads,
    row::RowFollower, rows::RowsFollower,
};
use headwater_dynamo_repository::Repository;
use headwater_dynamodb::Database;
use headwater_event_log::{EventLog, consumer::Checkpoints};
use headwater_read_models::{DocumentFold, ProjectionRegistry, RowFold, RowsFold};
use headwater_search::SearchIndex;
use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};

/// Where projections are kept.
#[derive(Clone)]
pub struct Stores {
    /// Gaps are filled from it.
    pub log: EventLog,
    /// Rows and checkpoints.
    pub views: Database,
    /// The repository of a projection.
    pub repository: Arc<dyn Fn(&'static str) -> Repository + Send + Sync>,
    /// Search indexes by kind.
    pub indexes: BTreeMap<&'static str, Arc<dyn SearchIndex>>,
}

/// The followers of all projections, as they are registered.
pub struct Projections {
    stores: Stores,
    generation: u32,
    consumers: BTreeMap<&'static str, Consumer>,
}

impl Projections {
    /// None yet; pass it to `headwater_read_models::register`. Writes go to `generation`.
    pub fn new(stores: Stores, generation: u32) -> Self {
        Self {
            stores,
            generation,
            consumers: BTreeMap::new(),
        }
    }

    /// One consumer per projection.
    pub fn consumers(self) -> Vec<Consumer> {
        self.consumers.into_values().collect()
    }

    fn repository(&self, projection: &'static str) -> Repository {
        (self.stores.repository)(projection).at_generation(self.generation)
    }

    fn follow_in_table(&mut self, projection: &'static str, follower: Arc<dyn Follower>) {
        let (views, generation) = (self.stores.views.clone(), self.generation);
        let consumer = self.consumers.entry(projection).or_insert_with(|| Consumer {
            projection,
            generation,
            positions: Arc::new(TablePositions {
                checkpoints: Checkpoints::new(views),
                consumer: format!("{projection}.{generation}"),
            }),
            followers: Vec::new(),
            eager: false,
            only: None,
            held: Arc::default(),
            fresh: Arc::default(),
        });
        consumer.followers.push(follower);
    }
}

impl ProjectionRegistry for Projections {
    fn row<F: RowFold>(&mut self, projection: &'static str) {
        let (log, repository) = (self.stores.log.clone(), self.repository(projection));
        let follower = RowFollower::<F> {
            log,
            repository,
            heads: Heads::new(),
        };
        self.follow_in_table(projection, Arc::new(follower));
    }

    fn rows<F: RowsFold>(&mut self, projection: &'static str) {
        let (log, repository) = (self.stores.log.clone(), self.repository(projection));
        let follower = RowsFollower::<F> {
            log,
            repository,
            heads: Heads::new(),
        };
        self.follow_in_table(projection, Arc::new(follower));
    }

    /// A kind without an index is not kept by this process.
    fn document<F: DocumentFold>(&mut self, projection: &'static str) {
        let Some(index) = self.stores.indexes.get(F::KIND).cloned() else {
            return;
        };
        let log = self.stores.log.clone();
        let follower = Arc::new(DocumentFollower::<F> {
            log,
            index: Arc::clone(&index),
            fold: PhantomData,
        });
        let generation = self.generation;
        let consumer = self.consumers.entry(projection).or_insert_with(|| Consumer {
            projection,
            generation,
            followers: Vec::new(),
            eager: true,
            positions: Arc::new(IndexPositions::new(index)),
            only: None,
            held: Arc::default(),
            fresh: Arc::default(),
        });
        consumer.followers.push(follower);
    }
}
