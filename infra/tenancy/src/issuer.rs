//! Tokens of an issuer elsewhere: which of its keys may have signed one, and what its claims say.

use crate::{
    CredentialError, Role,
    credential::{Since, Verified, claims_of},
};
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use jsonwebtoken::{Algorithm, DecodingKey, Header, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fmt;

/// Whose tokens are accepted, for whom, and which claims name the tenant and the roles.
///
/// A token has `iss`, `aud` (a text or a list), `sub`, `exp` and the tenant; `nbf`, `iat` and roles if there are any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// What its tokens have as `iss`.
    pub name: String,
    /// What tokens for this installation have as `aud`.
    pub audience: String,
    /// The claim that names the tenant: its name, or a JSON pointer (RFC 6901) when it begins with `/`.
    pub tenant_claim: String,
    /// The claim that lists the roles, likewise: a list of texts, or one text with spaces between them. An unknown role grants nothing.
    pub roles_claim: String,
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.name, self.audience)
    }
}

/// A public key with the one algorithm that it is for. That a token names another algorithm makes no other use of a key.
#[derive(Clone)]
pub(crate) struct IssuerKey {
    pub(crate) id: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

impl IssuerKey {
    fn may_have_signed(&self, header: &Header) -> bool {
        let named = match (&self.id, &header.kid) {
            (Some(id), Some(named)) => id == named,
            _ => true,
        };
        named && self.algorithm == header.alg
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    #[serde(flatten)]
    since: Since,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Issuer {
    /// An issuer whose tokens name the tenant in `tenant` and the roles in `roles`.
    pub fn new(name: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            audience: audience.into(),
            tenant_claim: "tenant".into(),
            roles_claim: "roles".into(),
        }
    }

    /// What a token says that one of `keys` has signed.
    pub(crate) fn verify(
        &self,
        token: &str,
        keys: &[IssuerKey],
        runtime: &Runtime,
    ) -> Result<Verified, CredentialError> {
        let header = decode_header(token).map_err(|_| CredentialError::Invalid)?;
        let claims = keys
            .iter()
            .filter(|key| key.may_have_signed(&header))
            .find_map(|key| claims_of::<Claims>(token, key, &self.name, &self.audience).ok())
            .ok_or(CredentialError::Invalid)?;
        let tenant = claim(&claims.others, &self.tenant_claim).and_then(Value::as_str);
        let tenant = tenant.and_then(|tenant| TenantId::new(tenant).ok());
        let tenant = tenant.ok_or(CredentialError::Invalid)?;
        let roles = claim(&claims.others, &self.roles_claim).map(roles).unwrap_or_default();
        Verified::of_claims(tenant, &claims.sub, roles, &claims.since, claims.exp, runtime)
    }
}

/// Whether one of `keys` may have signed a token; none has what is no token at all.
pub(crate) fn knows_key(token: &str, keys: &[IssuerKey]) -> Option<bool> {
    let header = decode_header(token).ok()?;
    Some(keys.iter().any(|key| key.may_have_signed(&header)))
}

fn claim<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let Some(path) = name.strip_prefix('/') else {
        return claims.get(name);
    };
    let mut parts = path.split('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
    let first = claims.get(&parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

fn roles(claim: &Value) -> Vec<Role> {
    let texts: Vec<&str> = match claim {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => text.split_ascii_whitespace().collect(),
        _ => Vec::new(),
    };
    texts.iter().filter_map(|role| role.parse().ok()).collect()
}
