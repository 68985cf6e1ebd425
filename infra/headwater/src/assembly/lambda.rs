//! What an AWS Lambda function has of a process: its stores and projections, without sockets, roles and an index in a folder.

use super::{projecting, readiness::Readiness, stores::Stores};
use crate::config::{Adapter, Config, MetricStore, Search};
use anyhow::{Result, bail};
use headwater_projectors::lambda::Handler;
use headwater_runtime::Runtime;

/// A handler, and the stores that it works on.
pub(crate) struct Function {
    pub(crate) handler: Handler,
    _stores: Stores,
}

impl Function {
    /// Opens the stores and looks at their tables.
    ///
    /// # Errors
    /// What no patience mends: a table that is missing or different, another installation's sealing key, the embedded engine.
    pub(crate) async fn start(mut config: Config, runtime: &Runtime) -> Result<Self> {
        if config.adapter == Adapter::Embedded {
            bail!(
                "Lambda hands over the streams of DynamoDB; the embedded engine has one process, which is `headwater serve`"
            );
        }
        if matches!(config.search, Search::Tantivy(_)) {
            tracing::warn!("a search index in a folder is no function's; the worker that has it keeps it");
            config.search = Search::None;
        }
        if matches!(config.metric_store, MetricStore::Sqlite(_)) {
            tracing::warn!("a metric store in a folder is no function's; the worker that has it keeps it");
            config.metric_store = MetricStore::None;
        }
        let stores = Stores::open(&config, runtime).await?;
        stores.prepare(&config, &Readiness::new("starting")).await?;
        Ok(Self {
            handler: projecting::handler(&config, &stores, runtime),
            _stores: stores,
        })
    }
}
