//! Search indexes by kind, projection and generation, each opened once in a process.

use super::opened::Opened;
use async_trait::async_trait;
use headwater_read_models::search::Mapping;
use headwater_runtime::Runtime;
use headwater_search::{Error, IndexName, SearchIndex};
use std::{collections::BTreeMap, sync::Arc};

/// Opens and removes the indexes of one adapter.
#[async_trait]
pub trait IndexStore: Send + Sync {
    /// Whether this process keeps indexes of a kind.
    fn keeps(&self, kind: &str) -> bool;

    /// Opens an index of a kind that it keeps, or makes it.
    ///
    /// # Errors
    /// As the adapter classifies.
    fn open(&self, name: &IndexName, mapping: &'static Mapping) -> Result<Arc<dyn SearchIndex>, Error>;

    /// Removes an index that is not open in this process; one that is not there is removed.
    ///
    /// # Errors
    /// As the adapter classifies.
    async fn remove(&self, name: &IndexName) -> Result<(), Error>;
}

/// The indexes of a process. Cheap to clone.
#[derive(Clone)]
pub struct Indexes(Arc<Inner>);

struct Inner {
    store: Box<dyn IndexStore>,
    open: Opened<IndexName, dyn SearchIndex>,
}

impl std::fmt::Debug for Indexes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Indexes")
    }
}

impl Indexes {
    /// Those of a store.
    pub fn new(store: impl IndexStore + 'static) -> Self {
        Self(Arc::new(Inner {
            store: Box::new(store),
            open: Opened::default(),
        }))
    }

    /// A process that keeps none.
    pub fn none() -> Self {
        BTreeMap::new().into()
    }

    /// Whether this process keeps indexes of a kind.
    pub fn keeps(&self, kind: &str) -> bool {
        self.0.store.keeps(kind)
    }

    /// An index; `None` when this process keeps none of its kind.
    ///
    /// # Errors
    /// As the adapter classifies.
    pub fn get(&self, name: &IndexName, mapping: &'static Mapping) -> Result<Option<Arc<dyn SearchIndex>>, Error> {
        if !self.keeps(&name.kind) {
            return Ok(None);
        }
        self.0.open.get(name, || self.0.store.open(name, mapping)).map(Some)
    }

    /// Removes an index once nobody in this process uses it any more.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while somebody does; else as the adapter classifies.
    pub async fn remove(&self, name: &IndexName, runtime: &Runtime) -> Result<(), Error> {
        self.0.open.close(name, runtime).await.map_err(Error::Unavailable)?;
        self.0.store.remove(name).await
    }
}

/// Indexes of the first generation that are open already.
struct Fixed(BTreeMap<&'static str, Arc<dyn SearchIndex>>);

#[async_trait]
impl IndexStore for Fixed {
    fn keeps(&self, kind: &str) -> bool {
        self.0.contains_key(kind)
    }

    fn open(&self, name: &IndexName, _: &'static Mapping) -> Result<Arc<dyn SearchIndex>, Error> {
        let index = self.0.get(name.kind.as_str()).filter(|_| name.generation == 1);
        let none = || Error::Unavailable(format!("{name} cannot be opened by this process"));
        index.cloned().ok_or_else(none)
    }

    async fn remove(&self, name: &IndexName) -> Result<(), Error> {
        Err(Error::Unavailable(format!("{name} cannot be removed by this process")))
    }
}

impl From<BTreeMap<&'static str, Arc<dyn SearchIndex>>> for Indexes {
    fn from(indexes: BTreeMap<&'static str, Arc<dyn SearchIndex>>) -> Self {
        Self::new(Fixed(indexes))
    }
}
