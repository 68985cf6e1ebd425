//! The metric stores of a process: by SQLite, in one folder; on a server; or none.

use crate::config::{Influx, InfluxAccess, MetricStore};
use anyhow::{Context, Result};
use headwater_metrics::{influx::Access, timestream::Timestream};
use headwater_projectors::{FolderMetrics, InfluxMetrics, Metrics, TimestreamMetrics};
use headwater_runtime::Runtime;
use std::path::Path;

/// As configured. What is reached by a network is not asked for anything yet.
pub(super) async fn open(configured: &MetricStore, runtime: &Runtime) -> Result<Metrics> {
    match configured {
        MetricStore::None => Ok(Metrics::none()),
        MetricStore::Sqlite(folder) => in_folder(folder, runtime),
        MetricStore::Influx(config) => Ok(Metrics::new(influx(config, runtime))),
        MetricStore::Timestream(config) => {
            let service = Timestream::new(config.clone(), runtime).await;
            Ok(Metrics::new(TimestreamMetrics(service)))
        }
    }
}

/// A server of InfluxDB, as this process is let in.
pub(crate) fn influx(config: &Influx, runtime: &Runtime) -> InfluxMetrics {
    InfluxMetrics {
        url: config.url.clone(),
        database: config.database.clone(),
        access: match &config.access {
            InfluxAccess::Open => Access::Open,
            InfluxAccess::User { user, password } => Access::Password {
                user: user.clone(),
                password: password.0.clone(),
            },
            InfluxAccess::Token(token) => Access::Token(token.0.clone()),
        },
        keep: config.keep,
        runtime: runtime.clone(),
    }
}

/// Those that are there are opened now, so that what is wrong with one is said at the start.
fn in_folder(folder: &Path, runtime: &Runtime) -> Result<Metrics> {
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
