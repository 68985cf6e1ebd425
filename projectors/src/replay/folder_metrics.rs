//! Embedded metric stores in a folder of this process, a file for each generation.

use super::MetricStores;
use async_trait::async_trait;
use headwater_metrics::{Error, MetricStore, sqlite::SqliteStore};
use headwater_runtime::Runtime;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Keeps the metric stores of one folder.
#[derive(Debug)]
pub struct FolderMetrics {
    folder: PathBuf,
    runtime: Runtime,
}

impl FolderMetrics {
    /// Those in `folder`, which is made when it is missing.
    pub fn new(folder: impl Into<PathBuf>, runtime: Runtime) -> Self {
        Self {
            folder: folder.into(),
            runtime,
        }
    }

    /// The generations that a folder has.
    ///
    /// # Errors
    /// When the folder cannot be read; one that is not there has none.
    pub fn list(folder: &Path) -> std::io::Result<Vec<u32>> {
        match std::fs::read_dir(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
            Ok(entries) => {
                let generation = |entry: std::io::Result<std::fs::DirEntry>| Ok(generation_of(&entry?.path()));
                entries.filter_map(|entry| generation(entry).transpose()).collect()
            }
        }
    }

    fn file(&self, generation: u32) -> PathBuf {
        self.folder.join(format!("metrics-{generation}.db"))
    }
}

fn generation_of(file: &Path) -> Option<u32> {
    let name = file.file_name()?.to_str()?;
    name.strip_prefix("metrics-")?.strip_suffix(".db")?.parse().ok()
}

#[async_trait]
impl MetricStores for FolderMetrics {
    fn open(&self, generation: u32) -> Result<Arc<dyn MetricStore>, Error> {
        std::fs::create_dir_all(&self.folder).map_err(|error| Error::Storage(error.into()))?;
        let store = SqliteStore::open(&self.file(generation), self.runtime.clone())?;
        Ok(Arc::new(store))
    }

    async fn remove(&self, generation: u32) -> Result<(), Error> {
        SqliteStore::remove(&self.file(generation))
    }
}
