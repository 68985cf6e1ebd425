//! What operators do: tenants, projections, parked aggregates, exports. By HTTP (`http.rs`) and gRPC (`grpc.rs`; not exports) with the same
//! functions, one file per subject. All of it takes the role `operator`, which is looked at before anything else of a request is read.
//!
//! Tenants can be made anywhere; projections and what is parked are known to processes with the role `project`, and served by them alone.

mod exports;
mod folds;
mod grpc;
mod http;
mod kept;
mod messages;
mod openapi;
mod operator;
mod parameters;
mod parked;
mod problem;
mod projections;
mod replay_grpc;
mod replay_http;
mod replay_openapi;
mod replays;
mod retry;
mod show;
mod tenants;
#[cfg(test)]
mod tests;

pub(crate) use folds::DeclaredFolds;
pub(crate) use grpc::grpc;
pub(crate) use http::{projecting_routes, tenant_routes};
pub(crate) use kept::{Kept, Lag, Waiting, unread};
pub(crate) use openapi::{describe_projecting, describe_tenants};

use crate::exporting::Exporter;
use headwater_dynamo_repository::Generations;
use headwater_dynamodb::Database;
use headwater_edge::{Edge, Problem};
use headwater_event_log::EventLog;
use headwater_kernel::{AggregateType, Region};
use headwater_runtime::Runtime;
use headwater_tenancy::{SealingKey, TenantDirectory};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// What operators work with.
pub(crate) struct Parts {
    pub(crate) directory: TenantDirectory,
    pub(crate) log: EventLog,
    /// Where views, leases, checkpoints and parked aggregates are.
    pub(crate) views: Database,
    pub(crate) sealing: SealingKey,
    /// Where queries of this process see which generation is live.
    pub(crate) generations: Generations,
    pub(crate) aggregates: Vec<AggregateType>,
    /// The folds of this build.
    pub(crate) folds: DeclaredFolds,
    pub(crate) edge: Edge,
    pub(crate) runtime: Runtime,
    /// The only region whose tenants these stores take, if not all.
    pub(crate) region: Option<Region>,
    /// Exports, where a destination is configured.
    pub(crate) exporter: Option<Exporter>,
}

/// Answers operators. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Admin {
    parts: Arc<Parts>,
    kept: Arc<OnceLock<Kept>>,
}

impl Admin {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            kept: Arc::default(),
        }
    }

    /// From now on it knows of the projections that this process keeps.
    pub(crate) fn keeps(&self, kept: Kept) {
        let _ = self.kept.set(kept);
    }

    fn edge(&self) -> &Edge {
        &self.parts.edge
    }

    /// The projections of this process.
    fn kept(&self) -> Result<&Kept, Problem> {
        self.kept.get().ok_or_else(|| {
            let detail = "this process does not keep its projections yet; try again";
            Problem::unavailable("starting", detail, Duration::from_secs(1))
        })
    }

    /// The same, or nothing while it starts or when that is not its role.
    pub(crate) fn lag(&self) -> Option<Lag> {
        let kept = self.kept.get()?;
        Some(kept.lag(self.parts.runtime.now()))
    }
}
