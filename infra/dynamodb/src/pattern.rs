//! The tag that says which access pattern a call belongs to, and for which tenant.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::interceptors::{Intercept, context::BeforeSerializationInterceptorContextRef},
};
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use headwater_kernel::TenantId;

/// Tags one call for [`Accounting`](crate::Accounting): `.customize().interceptor(AccessPattern::of("event-log.append", &tenant))`.
#[derive(Debug, Clone)]
pub struct AccessPattern {
    name: &'static str,
    tenant: Option<TenantId>,
}

impl AccessPattern {
    /// A call made for a tenant.
    pub fn of(name: &'static str, tenant: &TenantId) -> Self {
        Self {
            name,
            tenant: Some(tenant.clone()),
        }
    }

    /// A call that serves no single tenant: table set-up, stream reading, leases.
    pub fn system(name: &'static str) -> Self {
        Self { name, tenant: None }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn tenant(&self) -> Option<&TenantId> {
        self.tenant.as_ref()
    }
}

impl Storable for AccessPattern {
    type Storer = StoreReplace<Self>;
}

impl Intercept for AccessPattern {
    fn name(&self) -> &'static str {
        "AccessPattern"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(self.clone());
        Ok(())
    }
}
