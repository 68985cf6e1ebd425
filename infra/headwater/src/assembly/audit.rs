//! The audit log of a process that has the role `project`.

use super::{objects, stores::Stores};
use crate::{
    config::{Config, Objects},
    contexts,
};
use anyhow::Context;
use headwater_audit_log::{AuditLog, Sources};
use headwater_objects::{Bucket, Folder};
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
///
/// # Errors
/// A bucket that does not lock what it is to lock; one that does not answer now is waited for.
pub(super) async fn start(config: &Config, stores: &Stores, runtime: &Runtime) -> anyhow::Result<Option<Auditing>> {
    let (Some(place), Some(data)) = (&config.audit_log, stores.data_folder()) else {
        return Ok(None);
    };
    if let Objects::Bucket(config) = place {
        match Bucket::open(config.clone(), runtime).await.check().await {
            Err(error) if !error.is_retryable() => return Err(error).context("the audit log has no place"),
            Err(error) => tracing::warn!(%error, "the audit log waits for its bucket"),
            Ok(_) => {}
        }
    }
    let sources = Sources {
        log: stores.log.clone(),
        tenants: stores.directory.clone(),
        operator: stores.operator.clone(),
        contexts: contexts::NAMES.iter().map(|name| (*name).to_owned()).collect(),
        region: config.home,
        database: stores.databases.durable.clone(),
    };
    let (objects, outside) = (objects::open(place, runtime).await, Folder::new(data.path()));
    let key = data.audit_key(runtime)?;
    let log = AuditLog::new(sources, objects, Arc::new(outside), key, runtime.clone());
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
