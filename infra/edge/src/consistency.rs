//! Consistency tokens: from a receipt to a read that sees at least what the command did.

use crate::Problem;
use ::http::StatusCode;
use headwater_kernel::{Id, TenantId};
use headwater_tenancy::{SealingKey, TenantScope};
use serde::{Deserialize, Serialize};

const PURPOSE: &str = "consistency";

/// An aggregate at a version. Sealed, so that it cannot be forged, and bound to its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsistencyToken {
    /// Whose aggregate.
    #[serde(rename = "t")]
    pub tenant: TenantId,
    /// The bounded context: `catalog`.
    #[serde(rename = "c")]
    pub context: String,
    /// The plural name: `products`.
    #[serde(rename = "a")]
    pub aggregate: String,
    /// The aggregate's id.
    #[serde(rename = "i")]
    pub id: Id,
    /// The version that a read must have reached.
    #[serde(rename = "v")]
    pub version: u64,
}

impl ConsistencyToken {
    /// The opaque text for the caller; the same token gives the same text.
    pub fn mint(&self, key: &SealingKey) -> String {
        // Names, an id and a number always serialise.
        let data = serde_json::to_vec(self).unwrap_or_default();
        key.seal(PURPOSE, &self.tenant, &data)
    }

    /// Opens a text that [`ConsistencyToken::mint`] made for the caller's tenant.
    ///
    /// # Errors
    /// 400 `invalid-consistency-token` for what is forged, cut or another tenant's.
    pub fn open(text: &str, key: &SealingKey, scope: &TenantScope) -> Result<Self, Problem> {
        let opened = key.open(PURPOSE, scope.tenant(), text).ok();
        let token = opened.and_then(|data| serde_json::from_slice::<Self>(&data).ok());
        token.filter(|token| token.tenant == *scope.tenant()).ok_or_else(|| {
            let detail =
                "the consistency token was not made here for this tenant; send the `token` of a receipt unchanged";
            Problem::new(StatusCode::BAD_REQUEST, "invalid-consistency-token", detail)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_tenancy::testing::scope;

    #[tokio::test]
    async fn opens_for_its_own_tenant_alone() {
        let key = SealingKey::new([1; 32]);
        let (acme, other) = (scope("acme").await, scope("other").await);
        let token = ConsistencyToken {
            tenant: acme.tenant().clone(),
            context: "catalog".into(),
            aggregate: "products".into(),
            id: Id::new("a#b/🦀").unwrap(),
            version: 7,
        };
        let text = token.mint(&key);
        assert_eq!(ConsistencyToken::open(&text, &key, &acme).unwrap(), token);
        assert_eq!(
            ConsistencyToken::open(&text, &key, &other).unwrap_err().code(),
            "invalid-consistency-token"
        );
        assert!(ConsistencyToken::open(&text[1..], &key, &acme).is_err());
        assert!(ConsistencyToken::open(&text, &SealingKey::new([2; 32]), &acme).is_err());
    }
}
