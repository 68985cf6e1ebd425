//! Where a tenant's documents are: in the index that tenants share, or in one of its own beside it. Which tenants have one is written in the shared
//! index when it is made and stays so for its generation, so that every process looks in the same place, whatever its configuration says by now.

use headwater_kernel::TenantId;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The indexes of one generation.
#[derive(Debug)]
pub(super) struct Places {
    shared: String,
    apart: BTreeSet<String>,
}

impl Places {
    /// As the mapping of the shared index says.
    pub(super) fn read(shared: &str, mappings: &Value) -> Self {
        let apart = mappings["_meta"]["apart"].as_array().into_iter().flatten();
        Self {
            shared: shared.to_owned(),
            apart: apart.filter_map(|tenant| Some(tenant.as_str()?.to_owned())).collect(),
        }
    }

    /// The index of a tenant.
    pub(super) fn of(&self, tenant: &str) -> String {
        self.apart(tenant).unwrap_or_else(|| self.shared.clone())
    }

    /// The index that a tenant has for itself, if it does.
    pub(super) fn apart(&self, tenant: &str) -> Option<String> {
        // No name of a generation ends so.
        let own = || format!("{}-{tenant}.own", self.shared);
        self.apart.contains(tenant).then(own)
    }

    /// Those that tenants have for themselves.
    pub(super) fn all_apart(&self) -> impl Iterator<Item = String> {
        self.apart.iter().map(|tenant| self.of(tenant))
    }

    /// All, as one address.
    pub(super) fn all(&self) -> String {
        if self.apart.is_empty() {
            return self.shared.clone();
        }
        format!("{},{}", self.shared, any_apart(&self.shared))
    }
}

/// What is written in a shared index about tenants that have their own.
pub(super) fn meta(apart: &BTreeSet<TenantId>) -> Value {
    json!(apart.iter().map(TenantId::as_str).collect::<Vec<_>>())
}

/// The pattern of the indexes beside a shared one.
pub(super) fn any_apart(shared: &str) -> String {
    format!("{shared}-*.own")
}
