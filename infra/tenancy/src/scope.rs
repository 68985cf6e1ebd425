//! The scopes themselves, and what one permits. Their fields are private to this crate, so nothing outside can make one up.

use crate::TenantState;
use headwater_kernel::{Actor, Id, Personal, Region, TenantId, Timestamp, key};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The right to one tenant's data. Every repository, log, search, metric and audit call takes one.
#[derive(Debug, Clone)]
pub struct TenantScope {
    tenant: TenantId,
    region: Region,
    actor: Actor,
    roles: Vec<Role>,
    state: TenantState,
    /// None for work of the installation itself.
    until: Option<Timestamp>,
    client: Option<Personal<IpAddr>>,
}

/// Why a scope does not permit commands. The texts are for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MayNotCommand {
    /// Auditors read, operators stand outside of tenants, and workers act on what was committed.
    #[error("this token may not send commands; that takes the role owner, admin, member or integration")]
    Role,
    /// Its data can be read.
    #[error("the tenant is suspended: it can be read and not changed; ask whoever runs this installation")]
    Suspended,
}

impl MayNotCommand {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Role => "forbidden",
            Self::Suspended => "tenant-suspended",
        }
    }
}

impl TenantScope {
    pub(crate) fn new(tenant: TenantId, region: Region, actor: Actor, roles: Vec<Role>, state: TenantState) -> Self {
        Self {
            tenant,
            region,
            actor,
            roles,
            state,
            until: None,
            client: None,
        }
    }

    /// The same right, used from an address. It says something about the actor, so it is the actor's personal data; of an actor whose name is too
    /// long for a data subject none is kept.
    #[must_use]
    pub fn used_from(self, address: IpAddr) -> Self {
        let subject = Id::new(self.actor.as_str()).ok();
        Self {
            client: subject.map(|subject| Personal::about(&subject, address)),
            ..self
        }
    }

    /// The address that it is used from; none for work of the installation itself.
    pub fn client(&self) -> Option<&Personal<IpAddr>> {
        self.client.as_ref()
    }

    /// The same right, until a time.
    pub(crate) fn until_time(self, until: Timestamp) -> Self {
        Self {
            until: Some(until),
            ..self
        }
    }

    /// The same right, with the tenant in another state.
    pub(crate) fn in_state(&self, state: TenantState) -> Self {
        Self { state, ..self.clone() }
    }

    /// Whether commands may be sent with it: its caller has a role for that, and the tenant was not suspended when the scope was made.
    ///
    /// # Errors
    /// Why not.
    pub fn may_command(&self) -> Result<(), MayNotCommand> {
        let commands = |role: &Role| matches!(role, Role::Owner | Role::Admin | Role::Member | Role::Integration);
        if !self.roles.iter().any(commands) {
            return Err(MayNotCommand::Role);
        }
        match self.state {
            TenantState::Active => Ok(()),
            TenantState::Suspended => Err(MayNotCommand::Suspended),
        }
    }

    /// When the credential that it was made of expires; none for work of the installation itself. A request that was let in is answered; what
    /// goes on for longer has to look.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
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
