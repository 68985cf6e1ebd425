//! The search indexes of a process: by tantivy, in one folder, a folder each below it; in an OpenSearch cluster; or none.

use crate::config::{Search, SearchAccess, SearchCluster};
use anyhow::{Context, Result, anyhow};
use headwater_dynamo_repository::Generations;
use headwater_dynamodb::aws_credentials;
use headwater_projectors::{ClusterIndexes, FolderIndexes, Indexes, LiveIndex};
use headwater_read_models::{
    invoice_search, order_search, product_search,
    search::{Mapping, SearchDocument},
};
use headwater_runtime::Runtime;
use headwater_search::{
    SearchIndex,
    opensearch::{Access, Cluster},
    tantivy::TantivyIndex,
};
use headwater_tenancy::SealingKey;
use std::{collections::BTreeMap, path::Path, sync::Arc};

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

/// As configured. What is reached by a network is not asked for anything yet.
pub(super) async fn open(search: &Search, sealing: &SealingKey, runtime: &Runtime) -> Result<Indexes> {
    let kept = kinds().map(|(_, mapping, _)| mapping.kind).to_vec();
    match search {
        Search::None => Ok(Indexes::none()),
        Search::Tantivy(folder) => in_folder(folder, kept, sealing, runtime),
        Search::Cluster(config) => {
            let cluster = cluster(config, runtime).await?;
            let store = ClusterIndexes::new(cluster, kept, sealing.clone(), runtime.clone());
            Ok(Indexes::new(store))
        }
    }
}

/// The cluster, as this process is let in.
pub(crate) async fn cluster(config: &SearchCluster, runtime: &Runtime) -> Result<Cluster> {
    let access = match &config.access {
        SearchAccess::Open => Access::Open,
        SearchAccess::Basic { user, password } => Access::Basic {
            user: user.clone(),
            password: password.0.clone(),
        },
        SearchAccess::Aws { region } => Access::Aws {
            credentials: aws_credentials(region, runtime)
                .await
                .context("search.sign_requests is set, and there are no AWS credentials")?,
            region: region.clone(),
        },
    };
    let cluster = Cluster::new(&config.url, access, &config.index_prefix, runtime.clone());
    let cluster = cluster.map_err(|what| anyhow!("the search cluster cannot be used: {what}"))?;
    Ok(cluster.with_own_indexes(config.own_index.clone()))
}

/// Those that are there are opened now, so that what is wrong with one is said at the start.
fn in_folder(folder: &Path, kept: Vec<&'static str>, sealing: &SealingKey, runtime: &Runtime) -> Result<Indexes> {
    let indexes = Indexes::new(FolderIndexes::new(folder, kept, sealing.clone(), runtime.clone()));
    let cannot = || {
        format!(
            "the search index in {} cannot be opened; if it is damaged, remove that folder: it is made anew from the log",
            folder.display()
        )
    };
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
