//! Who verifies a token: the development key of a data folder, or public keys of an issuer elsewhere. Nothing but EdDSA is accepted, whatever
//! a token says of itself.

use crate::{
    CredentialError, DevelopmentKey, Role,
    credential::{Since, Verified, claims_of},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ed25519_dalek::VerifyingKey;
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;

/// What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Turns the text of a token into what it says, or refuses it. What it returns can be made in this crate alone.
pub trait TokenVerifier: Send + Sync {
    /// Verifies algorithm, signature, issuer, audience, subject and times.
    ///
    /// # Errors
    /// [`CredentialError::Invalid`] or [`CredentialError::Expired`].
    fn verify(&self, token: &str, runtime: &Runtime) -> Result<Verified, CredentialError>;
}

impl TokenVerifier for DevelopmentKey {
    fn verify(&self, token: &str, runtime: &Runtime) -> Result<Verified, CredentialError> {
        Self::verify(self, token, runtime)
    }
}

/// The Ed25519 public keys of one issuer. A token that any of them signed is accepted, so that keys can be changed without a gap.
///
/// Claims: `iss`, `aud` (a text or a list), `sub`, `exp`, `tenant`; `nbf`, `iat` and `roles` if there are any. An unknown role grants nothing.
pub struct PublicKeys {
    keys: Vec<DecodingKey>,
    issuer: String,
    audience: String,
}

impl std::fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { keys, issuer, audience } = self;
        write!(f, "PublicKeys({} of {issuer} for {audience})", keys.len())
    }
}

/// Why a text holds no usable public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// Neither PEM nor base64 of an Ed25519 public key.
    #[error("is no Ed25519 public key; give PEM (BEGIN PUBLIC KEY) or base64 of the 32 bytes")]
    NotEd25519,
    /// It is a private key, which belongs to the issuer alone.
    #[error("is a private key; keep that with the issuer and give its public key (openssl pkey -in KEY -pubout)")]
    Private,
    /// A key that accepts signatures of anybody.
    #[error("is a weak key: signatures under it prove nothing")]
    Weak,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    #[serde(flatten)]
    since: Since,
    tenant: TenantId,
    #[serde(default)]
    roles: Vec<String>,
}

impl PublicKeys {
    /// Reads keys; each text is PEM, with any number of keys, or base64 of one key.
    ///
    /// # Errors
    /// The place of the first text that cannot be used, and why.
    pub fn new<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        issuer: impl Into<String>,
        audience: impl Into<String>,
    ) -> Result<Self, (usize, PublicKeyError)> {
        let mut keys = Vec::new();
        for (n, text) in texts.into_iter().enumerate() {
            keys.extend(read(text).map_err(|error| (n, error))?);
        }
        Ok(Self {
            keys,
            issuer: issuer.into(),
            audience: audience.into(),
        })
    }
}

fn read(text: &str) -> Result<Vec<DecodingKey>, PublicKeyError> {
    if text.contains("PRIVATE KEY") {
        return Err(PublicKeyError::Private);
    }
    if !text.contains("-----BEGIN") {
        return Ok(vec![key(text)?]);
    }
    let blocks = text.split("-----BEGIN PUBLIC KEY-----").skip(1);
    let keys: Vec<_> = blocks
        .map(|block| key(block.split("-----END").next().unwrap_or_default()))
        .collect::<Result<_, _>>()?;
    if keys.is_empty() {
        Err(PublicKeyError::NotEd25519)
    } else {
        Ok(keys)
    }
}

fn key(base64: &str) -> Result<DecodingKey, PublicKeyError> {
    let plain: String = base64.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(&plain).or_else(|_| URL_SAFE_NO_PAD.decode(&plain));
    let bytes = bytes.map_err(|_| PublicKeyError::NotEd25519)?;
    let bytes = bytes.strip_prefix(&SPKI).unwrap_or(&bytes);
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| PublicKeyError::NotEd25519)?;
    let key = VerifyingKey::from_bytes(&bytes).map_err(|_| PublicKeyError::NotEd25519)?;
    if key.is_weak() {
        return Err(PublicKeyError::Weak);
    }
    DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(bytes)).map_err(|_| PublicKeyError::NotEd25519)
}

impl TokenVerifier for PublicKeys {
    fn verify(&self, token: &str, runtime: &Runtime) -> Result<Verified, CredentialError> {
        let claims = self
            .keys
            .iter()
            .find_map(|key| claims_of::<Claims>(token, key, &self.issuer, &self.audience).ok())
            .ok_or(CredentialError::Invalid)?;
        let Claims {
            sub,
            exp,
            since,
            tenant,
            roles,
        } = claims;
        let roles = roles.iter().filter_map(|role| role.parse::<Role>().ok()).collect();
        Verified::of_claims(tenant, &sub, roles, &since, exp, runtime)
    }
}
