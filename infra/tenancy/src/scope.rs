//! The scopes themselves. Their fields are private to this crate, so nothing outside can make one up.

use headwater_kernel::{Actor, Region, TenantId, key};
use serde::{Deserialize, Serialize};

/// The right to one tenant's data. Every repository, log, search, metric and audit call takes one.
#[derive(Debug, Clone)]
pub struct TenantScope {
    tenant: TenantId,
    region: Region,
    actor: Actor,
    roles: Vec<Role>,
}

impl TenantScope {
    pub(crate) fn new(tenant: TenantId, region: Region, actor: Actor, roles: Vec<Role>) -> Self {
        Self {
            tenant,
            region,
            actor,
            roles,
        }
    }

    /// Whose data.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Where that data lives.
    pub fn region(&self) -> Region {
        self.region
    }

    /// Who is calling.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What the caller may do.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// The tenant's own partition key: `TENANT#<tenant>`.
    pub fn partition_key(&self) -> String {
        key::tenant(&self.tenant)
    }

    /// A partition key below the tenant, each part encoded.
    pub fn key_below<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> String {
        key::below_tenant(&self.tenant, parts)
    }
}

/// A role outside any tenant: makes tenants, runs workers. It reads no tenant's data by itself.
#[derive(Debug, Clone)]
pub struct OperatorScope {
    actor: Actor,
}

impl OperatorScope {
    pub(crate) fn new(actor: Actor) -> Self {
        Self { actor }
    }

    /// Who is operating.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// What a caller may do within its tenant; `Operator` stands outside of tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything within the tenant.
    Owner,
    /// Everything but what ends the tenant.
    Admin,
    /// Commands and queries of daily work.
    Member,
    /// Reads.
    Auditor,
    /// A program of the tenant.
    Integration,
    /// Runs the installation.
    Operator,
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(role: &str) -> Result<Self, Self::Err> {
        serde_json::from_value(serde_json::Value::String(role.to_owned()))
            .map_err(|_| format!("unknown role {role:?}; use owner, admin, member, auditor, integration or operator"))
    }
}
