//! Stores of objects, as configured.

use crate::config::Objects;
use headwater_objects::{Bucket, Folder, ObjectStore};
use headwater_runtime::Runtime;
use std::sync::Arc;

/// Nothing is asked of it yet.
pub(crate) async fn open(objects: &Objects, runtime: &Runtime) -> Arc<dyn ObjectStore> {
    match objects {
        Objects::Folder(folder) => Arc::new(Folder::new(folder)),
        Objects::Bucket(config) => Arc::new(Bucket::open(config.clone(), runtime).await),
    }
}
