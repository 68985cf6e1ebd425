//! The audit log of a process that has the role `project`.

use super::stores::Stores;
use crate::{config::Config, contexts};
use headwater_audit_log::{AuditLog, Sources};
use headwater_objects::Folder;
use headwater_runtime::{Runtime, Task};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// How often what is new is written down.
const PACE: Duration = Duration::from_secs(10);

/// An audit log that is being written.
pub(super) struct Auditing {
    log: AuditLog,
    stop: watch::Sender<bool>,
    task: Task,
}

/// Starts to write it, if there is to be one.
pub(super) fn start(config: &Config, stores: &Stores, runtime: &Runtime) -> anyhow::Result<Option<Auditing>> {
    let (Some(folder), Some(data)) = (&config.audit_log, stores.data_folder()) else {
        return Ok(None);
    };
    let sources = Sources {
        log: stores.log.clone(),
        tenants: stores.directory.clone(),
        operator: stores.operator.clone(),
        contexts: contexts::NAMES.iter().map(|name| (*name).to_owned()).collect(),
        region: config.home,
        database: stores.databases.durable.clone(),
    };
    let (objects, outside) = (Folder::new(folder), Folder::new(data.path()));
    let key = data.audit_key(runtime)?;
    let log = AuditLog::new(sources, Arc::new(objects), Arc::new(outside), key, runtime.clone());
    let (stop, stopped) = watch::channel(false);
    let task = {
        let log = log.clone();
        runtime.spawn(async move { log.run(PACE, stopped).await })
    };
    Ok(Some(Auditing { log, stop, task }))
}

impl Auditing {
    /// Writes down what is in the feeds now, and ends.
    pub(super) async fn shut_down(self) {
        self.stop.send_replace(true);
        if self.task.join().await.is_err() {
            return;
        }
        if let Err(error) = self.log.round().await {
            tracing::warn!(%error, "the audit log is written on at the next start");
        }
    }
}
