//! The metric stores of a process: by SQLite, in one folder; or none.

use crate::config::MetricStore;
use anyhow::{Context, Result};
use headwater_projectors::{FolderMetrics, Metrics};
use headwater_runtime::Runtime;

/// As configured. Those that are there are opened now, so that what is wrong with one is said at the start.
pub(super) fn open(configured: &MetricStore, runtime: &Runtime) -> Result<Metrics> {
    let MetricStore::Sqlite(folder) = configured else {
        return Ok(Metrics::none());
    };
    let cannot = || {
        format!(
            "the metric store in {} cannot be opened; if it is damaged, remove that folder: it is made anew from the log",
            folder.display()
        )
    };
    let metrics = Metrics::new(FolderMetrics::new(folder, runtime.clone()));
    for generation in FolderMetrics::list(folder).with_context(cannot)? {
        metrics.get(generation).with_context(cannot)?;
    }
    Ok(metrics)
}
