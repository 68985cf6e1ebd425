//! Scopes for tests, made the real way: a key, a signed token, a verification. No constructor is opened for tests.

use crate::{Authenticator, Caller, DevelopmentKey, Role, TenantDirectory, TenantScope, TokenRequest};
use headwater_kernel::{Region, TenantId};
use headwater_runtime::Runtime;
use std::{sync::Arc, time::Duration};

/// A caller with the role of an owner of `tenant`, in the US.
///
/// # Panics
/// When `tenant` is not a tenant id.
pub async fn caller(tenant: &str) -> Caller {
    caller_as(tenant, &[Role::Owner, Role::Operator]).await
}

#[allow(clippy::unwrap_used, reason = "for tests")]
async fn caller_as(tenant: &str, roles: &[Role]) -> Caller {
    let runtime = Runtime::tokio();
    let tenant = TenantId::new(tenant).unwrap();
    let key = DevelopmentKey::new(runtime.random());
    let request = TokenRequest {
        tenant: tenant.clone(),
        subject: "tester".into(),
        roles: roles.to_vec(),
        ttl: Duration::from_secs(60),
    };
    let header = format!("Bearer {}", key.sign(&request, &runtime));
    let directory = TenantDirectory::fixed([(tenant, Region::Us)], runtime.clone());
    Authenticator::new(Arc::new(key), directory, runtime)
        .authenticate(Some(&header))
        .await
        .unwrap()
}

/// The scope of [`caller`].
///
/// # Panics
/// When `tenant` is not a tenant id.
pub async fn scope(tenant: &str) -> TenantScope {
    caller(tenant).await.scope
}

/// The scope of a caller of `tenant` with other roles.
///
/// # Panics
/// When `tenant` is not a tenant id.
pub async fn scope_as(tenant: &str, roles: &[Role]) -> TenantScope {
    caller_as(tenant, roles).await.scope
}
