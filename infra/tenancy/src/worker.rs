//! The scope of a commit, for workers.

use crate::{OperatorScope, TenantScope, TenantState};
use headwater_kernel::{Actor, Region, TenantId, key};

/// The right of a worker to act for the tenant of each commit that it reads from the log or a stream.
#[derive(Debug, Clone)]
pub struct WorkerAuthority {
    region: Region,
}

impl WorkerAuthority {
    /// For a worker of the stores of one region.
    pub fn new(_operator: &OperatorScope, region: Region) -> Self {
        Self { region }
    }

    /// The scope of the item with this partition key, as it was read from an event table or its stream. Only the event log may call it;
    /// clippy refuses it elsewhere.
    pub fn scope_of_item(&self, partition_key: &str) -> Option<TenantScope> {
        Some(self.scope_of(key::tenant_of(partition_key)?))
    }

    fn scope_of(&self, tenant: TenantId) -> TenantScope {
        TenantScope::new(
            tenant,
            self.region,
            Actor::new("worker"),
            Vec::new(),
            TenantState::Active,
        )
    }
}
