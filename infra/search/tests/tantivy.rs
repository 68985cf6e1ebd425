//! The embedded adapter against the contract that all adapters keep, and what is its own: files, crashes, checkpoints.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, reason = "tests")]

#[macro_use]
mod contract;
mod embedded;
mod undone;

use contract::{Engine, MAPPING, Opened};
use headwater_runtime::Runtime;
use headwater_search::{IndexName, SearchIndex, tantivy::TantivyIndex};
use headwater_tenancy::SealingKey;
use std::{path::PathBuf, sync::Arc};

/// An index in a folder of its own.
struct Embedded {
    folder: PathBuf,
    // Kept so that the folder is removed after the test.
    _removed_after: Option<tempfile::TempDir>,
}

impl Embedded {
    fn at(&self) -> Arc<TantivyIndex> {
        let name = IndexName::new("products", "product-search", 1);
        let key = SealingKey::new([7; 32]);
        Arc::new(TantivyIndex::open(&self.folder, &name, &MAPPING, key, Runtime::tokio()).unwrap())
    }
}

#[async_trait::async_trait]
impl Engine for Embedded {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            folder: folder.path().join("search"),
            _removed_after: Some(folder),
        }
    }

    async fn open(&self) -> Opened {
        let index: Arc<dyn SearchIndex> = self.at();
        index
    }

    async fn fail_commits(&self, fail: bool) {
        // A commit replaces `meta.json` by a new file, which cannot be made where a folder is.
        let new = self.folder.join("products-product-search-1").join("meta.json.new");
        if fail {
            std::fs::create_dir(new).unwrap();
        } else {
            std::fs::remove_dir(new).unwrap();
        }
    }
}

search_contract!(Embedded);
