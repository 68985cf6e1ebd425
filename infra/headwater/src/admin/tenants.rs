//! Tenants: listed, made.

use super::{Admin, operator::Operator, problem::of_directory};
use headwater_edge::Problem;
use headwater_kernel::{Region, TenantId};
use headwater_tenancy::{Tenant, TenantScope};
use http::StatusCode;
use serde::Deserialize;

/// The body of `POST /v1/admin/tenants`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTenant {
    pub(super) id: TenantId,
    pub(super) region: Region,
}

impl Admin {
    pub(super) async fn tenants(&self, operator: &Operator) -> Result<Vec<Tenant>, Problem> {
        let listed = self.parts.directory.list(&operator.scope).await;
        listed.map_err(of_directory)
    }

    pub(super) async fn create_tenant(&self, operator: &Operator, new: &NewTenant) -> Result<Tenant, Problem> {
        if let Some(here) = self.parts.region.filter(|here| *here != new.region) {
            let detail = format!(
                "these stores hold tenants of {here}; make this one where {} is",
                new.region
            );
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "region-not-here",
                detail,
            ));
        }
        let created = self.parts.directory.create(&operator.scope, &new.id, new.region).await;
        created.map_err(of_directory)
    }

    /// The right to one tenant's data, which an operator gets by the directory alone.
    pub(super) async fn scope(&self, operator: &Operator, tenant: &TenantId) -> Result<TenantScope, Problem> {
        let scope = self.parts.directory.scope(&operator.scope, tenant).await;
        scope.map_err(of_directory)
    }
}
