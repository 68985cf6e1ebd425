//! The projections of a process: the one place that starts their runner, and asks it how far it is.

use super::{
    readiness::{Check, Status},
    stores::{GENERATION, Stores},
};
use crate::{
    config::{Adapter, Config},
    contexts,
};
use headwater_kernel::Timestamp;
use headwater_projectors::{Projections, Runner, RunnerOptions, ShardStatus, Sources, Watcher};
use headwater_runtime::Runtime;
use headwater_tenancy::WorkerAuthority;
use std::{sync::Arc, time::Duration};

/// Projections that are being kept.
pub(crate) struct Projecting {
    runner: Runner,
}

/// Starts the runner for the projections of all contexts.
pub(super) fn start(config: &Config, stores: &Stores, runtime: &Runtime) -> Projecting {
    let mut projections = Projections::new(
        headwater_projectors::Stores {
            log: stores.log.clone(),
            views: stores.databases.rebuildable.clone(),
            repository: Arc::clone(&stores.repository),
            indexes: stores.indexes.clone().into(),
        },
        GENERATION,
    );
    headwater_read_models::register(&mut projections);
    let usual = match config.adapter {
        Adapter::Embedded => RunnerOptions::embedded(),
        Adapter::Aws { .. } => RunnerOptions {
            save_every: config.projector.save,
            ..RunnerOptions::default()
        },
    };
    let runner = Runner::start(
        Sources {
            log: stores.log.clone(),
            views: stores.databases.rebuildable.clone(),
            authority: WorkerAuthority::new(&stores.operator, config.home),
            contexts: contexts::NAMES.iter().map(|name| (*name).to_owned()).collect(),
        },
        projections.consumers(),
        RunnerOptions {
            pace: config.projector.pace,
            records: config.projector.records,
            believe_for: config.projector.believe,
            discover_every: config.projector.discover,
            lease: config.projector.lease,
            ..usual
        },
        runtime,
    );
    Projecting { runner }
}

impl Projecting {
    /// Whether it keeps up, as `/readyz` asks: every shard has its reader, nothing is being caught up from the log, and no commit has
    /// waited longer than configured.
    pub(super) fn check(&self, longest: Option<Duration>, runtime: &Runtime) -> Check {
        let (watcher, runtime) = (self.runner.watcher(), runtime.clone());
        Arc::new(move || status(&watcher, longest, runtime.now()))
    }

    /// Stops reading, finishes what was read, writes positions down.
    pub(super) async fn shut_down(self) {
        self.runner.shut_down().await;
    }
}

fn status(watcher: &Watcher, longest: Option<Duration>, now: Timestamp) -> Status {
    if !watcher.is_covered() {
        return Status::NotReady("not every shard has a reader yet".to_owned());
    }
    for one in watcher.status() {
        let ShardStatus {
            projection,
            context,
            recovering,
            behind,
            ..
        } = one;
        if recovering {
            return Status::NotReady(format!("{projection} is catching up from the log of {context}"));
        }
        let waited = behind
            .values()
            .map(|(_, since)| now.since(*since))
            .max()
            .unwrap_or_default();
        if longest.is_some_and(|longest| waited > longest) {
            return Status::NotReady(format!("{projection} is {} s behind in {context}", waited.as_secs()));
        }
    }
    Status::Ready
}
