//! The search indexes of a process: by tantivy, in one folder, a folder each below it; or none.

use crate::config::Search;
use anyhow::{Context, Result};
use headwater_dynamo_repository::Generations;
use headwater_projectors::{FolderIndexes, Indexes, LiveIndex};
use headwater_read_models::{
    invoice_search, order_search, product_search,
    search::{Mapping, SearchDocument},
};
use headwater_runtime::Runtime;
use headwater_search::{SearchIndex, tantivy::TantivyIndex};
use headwater_tenancy::SealingKey;
use std::{collections::BTreeMap, sync::Arc};

/// Each kind of documents, with its projection, its fields, and the table where a tenant's own generation stands.
fn kinds() -> [(&'static str, &'static Mapping, &'static str); 3] {
    [
        (
            product_search::PROJECTION,
            product_search::ProductDocument::mapping(),
            headwater_catalog::CONTEXT,
        ),
        (
            order_search::PROJECTION,
            order_search::OrderDocument::mapping(),
            headwater_orders::CONTEXT,
        ),
        (
            invoice_search::PROJECTION,
            invoice_search::InvoiceDocument::mapping(),
            headwater_billing::CONTEXT,
        ),
    ]
}

/// As configured. Those that are there are opened now, so that what is wrong with one is said at the start.
pub(super) fn open(search: &Search, sealing: &SealingKey, runtime: &Runtime) -> Result<Indexes> {
    let Search::Tantivy(folder) = search else {
        return Ok(Indexes::none());
    };
    let kept = kinds().map(|(_, mapping, _)| mapping.kind).to_vec();
    let indexes = Indexes::new(FolderIndexes::new(folder, kept, sealing.clone(), runtime.clone()));
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
