//! The search indexes of a process: by tantivy, in one folder, a folder each below it; or none.

use crate::config::Search;
use anyhow::{Context, Result};
use async_trait::async_trait;
use headwater_dynamo_repository::Generations;
use headwater_projectors::{IndexStore, Indexes, LiveIndex};
use headwater_read_models::{
    product_search,
    search::{Mapping, SearchDocument},
};
use headwater_runtime::Runtime;
use headwater_search::{Error, IndexName, SearchIndex, tantivy::TantivyIndex};
use headwater_tenancy::SealingKey;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

/// Each kind of documents, with its projection, its fields, and the table where a tenant's own generation stands.
fn kinds() -> [(&'static str, &'static Mapping, &'static str); 1] {
    [(
        product_search::PROJECTION,
        product_search::ProductDocument::mapping(),
        headwater_catalog::CONTEXT,
    )]
}

struct Tantivy {
    folder: PathBuf,
    sealing: SealingKey,
    runtime: Runtime,
}

#[async_trait]
impl IndexStore for Tantivy {
    fn keeps(&self, kind: &str) -> bool {
        kinds().iter().any(|(_, mapping, _)| mapping.kind == kind)
    }

    fn open(&self, name: &IndexName, mapping: &'static Mapping) -> std::result::Result<Arc<dyn SearchIndex>, Error> {
        let (sealing, runtime) = (self.sealing.clone(), self.runtime.clone());
        let opened = TantivyIndex::open(&self.folder, name, mapping, sealing, runtime)?;
        Ok(Arc::new(opened))
    }

    async fn remove(&self, name: &IndexName) -> std::result::Result<(), Error> {
        TantivyIndex::remove(&self.folder, name)
    }
}

/// As configured. Those that are there are opened now, so that what is wrong with one is said at the start.
pub(super) fn open(search: &Search, sealing: &SealingKey, runtime: &Runtime) -> Result<Indexes> {
    let Search::Tantivy(folder) = search else {
        return Ok(Indexes::none());
    };
    let indexes = Indexes::new(Tantivy {
        folder: folder.clone(),
        sealing: sealing.clone(),
        runtime: runtime.clone(),
    });
    let cannot = || format!("the search index in {} cannot be opened", folder.display());
    for name in TantivyIndex::list(folder).with_context(cannot)? {
        for (projection, mapping, _) in kinds() {
            if (name.kind.as_str(), name.projection.as_str()) == (mapping.kind, projection) {
                indexes.get(&name, mapping).with_context(cannot)?;
            }
        }
    }
    Ok(indexes)
}

/// What is searched: of each kind that is kept, the generation that is live.
pub(super) fn live(indexes: &Indexes, generations: &Generations) -> BTreeMap<&'static str, Arc<dyn SearchIndex>> {
    let mut live: BTreeMap<&'static str, Arc<dyn SearchIndex>> = BTreeMap::new();
    for (projection, mapping, table) in kinds() {
        if indexes.keeps(mapping.kind) {
            let index = LiveIndex {
                indexes: indexes.clone(),
                generations: generations.clone(),
                projection,
                table,
                mapping,
            };
            live.insert(mapping.kind, Arc::new(index));
        }
    }
    live
}
