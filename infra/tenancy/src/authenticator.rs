//! From the text of a credential to who is calling.

use crate::{CredentialError, DevelopmentKey, OperatorScope, Role, TenantDirectory, TenantScope};
use headwater_runtime::Runtime;
use std::sync::Arc;

/// Verifies credentials. Later kinds of credential (JWKS, API keys) come behind the same call.
#[derive(Debug, Clone)]
pub struct Authenticator {
    key: Arc<DevelopmentKey>,
    directory: TenantDirectory,
    runtime: Runtime,
}

/// A verified caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The tenant it may reach.
    pub scope: TenantScope,
    /// Set when it may also run the installation.
    pub operator: Option<OperatorScope>,
}

impl Authenticator {
    /// Accepts what `key` signed, for tenants that `directory` knows.
    pub fn new(key: Arc<DevelopmentKey>, directory: TenantDirectory, runtime: Runtime) -> Self {
        Self {
            key,
            directory,
            runtime,
        }
    }

    /// Verifies the value of an `Authorization` header: `Bearer TOKEN`.
    ///
    /// # Errors
    /// [`CredentialError`]; all but `Unavailable` mean 401.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Caller, CredentialError> {
        let header = authorization.ok_or(CredentialError::Missing)?;
        let (scheme, token) = header.split_once(' ').ok_or(CredentialError::Invalid)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(CredentialError::Invalid);
        }
        let verified = self.key.verify(token.trim(), &self.runtime)?;
        let tenant = self
            .directory
            .find(&verified.tenant)
            .await
            .map_err(|_| CredentialError::Unavailable)?;
        // An unknown tenant answers as a forged token does.
        let tenant = tenant.ok_or(CredentialError::Invalid)?;
        let operator = verified
            .roles
            .contains(&Role::Operator)
            .then(|| OperatorScope::new(verified.actor.clone()));
        Ok(Caller {
            scope: TenantScope::new(tenant.id, tenant.region, verified.actor, verified.roles),
            operator,
        })
    }
}

impl DevelopmentKey {
    /// The operator of a data folder: whoever can read its key may run it.
    pub fn operator(&self) -> OperatorScope {
        OperatorScope::new(headwater_kernel::Actor::new("operator:local"))
    }
}
