//! Tenants, projections and what is parked in the messages of `headwater.v1`.

use super::{
    parked::ParkedAggregate,
    projections::{ContextStatus, ProjectionStatus, ShardState},
    retry::ParkedOutcome,
};
use headwater_edge::v1;
use headwater_kernel::Timestamp;
use headwater_tenancy::{Tenant, TenantState};

pub(super) fn tenant(tenant: Tenant) -> v1::Tenant {
    let state = match tenant.state {
        TenantState::Active => "active",
        TenantState::Suspended => "suspended",
    };
    v1::Tenant {
        id: tenant.id.as_str().to_owned(),
        region: tenant.region.to_string(),
        state: state.to_owned(),
        created_at: tenant.created_at.to_string(),
    }
}

pub(super) fn projection(status: ProjectionStatus) -> v1::ProjectionStatus {
    v1::ProjectionStatus {
        projection: status.projection,
        generation: status.generation,
        live: status.live,
        state: status.state,
        folds: status.folds.into_iter().collect(),
        outdated: status.outdated,
        lag_events: status.lag_events,
        lag_seconds: status.lag_seconds,
        recovering: status.recovering,
        parked: status.parked,
        partial: status.partial,
        contexts: status.contexts.into_iter().map(context).collect(),
    }
}

fn context(status: ContextStatus) -> v1::ContextStatus {
    let tenant = |lag: super::projections::TenantLag| v1::TenantLag {
        tenant: lag.tenant.as_str().to_owned(),
        lag_events: lag.lag_events,
        lag_seconds: lag.lag_seconds,
    };
    v1::ContextStatus {
        context: status.context,
        lag_events: status.lag_events,
        lag_seconds: status.lag_seconds,
        recovering: status.recovering,
        parked: status.parked,
        shards: status.shards.into_iter().map(shard).collect(),
        most_behind: status.most_behind.into_iter().map(tenant).collect(),
    }
}

fn shard(state: ShardState) -> v1::ShardStatus {
    v1::ShardStatus {
        shard: state.shard,
        held_by: state.held_by.unwrap_or_default(),
        here: state.here,
        position: state.position.unwrap_or_default(),
        position_at: state.position_at.as_ref().map(Timestamp::to_string).unwrap_or_default(),
        at_tip: state.at_tip,
        lag_events: state.lag_events,
        lag_seconds: state.lag_seconds,
        recovering: state.recovering,
    }
}

impl From<ParkedAggregate> for v1::ParkedAggregate {
    fn from(parked: ParkedAggregate) -> Self {
        Self {
            projection: parked.projection,
            generation: parked.generation,
            tenant: parked.tenant.as_str().to_owned(),
            context: parked.context,
            aggregate: parked.aggregate,
            id: parked.id.as_str().to_owned(),
            first_sequence: parked.first_sequence,
            up_to: parked.up_to,
            reason: parked.reason,
            since: parked.since.to_string(),
        }
    }
}

impl From<ParkedOutcome> for v1::ParkedOutcome {
    fn from(outcome: ParkedOutcome) -> Self {
        Self {
            outcome: outcome.outcome.to_owned(),
            parked: Some(outcome.parked.into()),
        }
    }
}
