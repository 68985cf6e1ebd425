//! The Ed25519 public keys of an issuer, given once: for issuers without a key set.

use crate::{CredentialError, Issuer, TokenVerifier, credential::Verified, issuer::IssuerKey};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ed25519_dalek::VerifyingKey;
use headwater_runtime::Runtime;
use jsonwebtoken::{Algorithm, DecodingKey};

/// What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The Ed25519 public keys of one issuer. A token that any of them signed is accepted, so that keys can be changed without a gap.
pub struct PublicKeys {
    keys: Vec<IssuerKey>,
    issuer: Issuer,
}

impl std::fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { keys, issuer } = self;
        write!(f, "PublicKeys({} of {issuer})", keys.len())
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

impl PublicKeys {
    /// Reads keys; each text is PEM, with any number of keys, or base64 of one key.
    ///
    /// # Errors
    /// The place of the first text that cannot be used, and why.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>, issuer: Issuer) -> Result<Self, (usize, PublicKeyError)> {
        let mut keys = Vec::new();
        for (n, text) in texts.into_iter().enumerate() {
            keys.extend(read(text).map_err(|error| (n, error))?);
        }
        let keys = keys.into_iter().map(|key| IssuerKey {
            id: None,
            algorithm: Algorithm::EdDSA,
            key,
        });
        Ok(Self {
            keys: keys.collect(),
            issuer,
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
    ed25519(bytes)
}

/// A key of its 32 bytes, unless it is one under which anybody can sign.
pub(crate) fn ed25519(bytes: [u8; 32]) -> Result<DecodingKey, PublicKeyError> {
    let key = VerifyingKey::from_bytes(&bytes).map_err(|_| PublicKeyError::NotEd25519)?;
    if key.is_weak() {
        return Err(PublicKeyError::Weak);
    }
    DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(bytes)).map_err(|_| PublicKeyError::NotEd25519)
}

impl TokenVerifier for PublicKeys {
    fn verify(&self, token: &str, runtime: &Runtime) -> Result<Verified, CredentialError> {
        self.issuer.verify(token, &self.keys, runtime)
    }
}
