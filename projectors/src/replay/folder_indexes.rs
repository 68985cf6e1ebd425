//! Embedded search indexes in a folder of this process.

use super::IndexStore;
use async_trait::async_trait;
use headwater_read_models::search::Mapping;
use headwater_runtime::Runtime;
use headwater_search::{Error, IndexName, SearchIndex, tantivy::TantivyIndex};
use headwater_tenancy::SealingKey;
use std::{path::PathBuf, sync::Arc};

/// Keeps indexes of some kinds in one folder.
#[derive(Debug)]
pub struct FolderIndexes {
    folder: PathBuf,
    kinds: Vec<&'static str>,
    key: SealingKey,
    runtime: Runtime,
}

impl FolderIndexes {
    /// Those of these kinds, in `folder`, which is made when it is missing.
    pub fn new(folder: impl Into<PathBuf>, kinds: Vec<&'static str>, key: SealingKey, runtime: Runtime) -> Self {
        Self {
            folder: folder.into(),
            kinds,
            key,
            runtime,
        }
    }
}

#[async_trait]
impl IndexStore for FolderIndexes {
    fn keeps(&self, kind: &str) -> bool {
        self.kinds.contains(&kind)
    }

    fn open(&self, name: &IndexName, mapping: &'static Mapping) -> Result<Arc<dyn SearchIndex>, Error> {
        let (key, runtime) = (self.key.clone(), self.runtime.clone());
        Ok(Arc::new(TantivyIndex::open(&self.folder, name, mapping, key, runtime)?))
    }

    async fn remove(&self, name: &IndexName) -> Result<(), Error> {
        TantivyIndex::remove(&self.folder, name)
    }
}
