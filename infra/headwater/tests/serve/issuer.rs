//! Who issues tokens, somewhere else: the installation knows its public key alone.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const ISSUER: &str = "https://id.example.com";
pub(crate) const AUDIENCE: &str = "headwater-test";

pub(crate) struct Issuer(SigningKey);

impl Issuer {
    pub(crate) fn new() -> Self {
        Self::with_key(42)
    }

    pub(crate) fn with_key(seed: u8) -> Self {
        Self(SigningKey::from_bytes(&[seed; 32]))
    }

    /// As a key set publishes it.
    pub(crate) fn published(&self, id: &str) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": URL_SAFE_NO_PAD.encode(self.0.verifying_key().as_bytes()) })
    }

    /// In base64, as a configuration has it.
    pub(crate) fn public_key(&self) -> String {
        STANDARD.encode(self.0.verifying_key().as_bytes())
    }

    pub(crate) fn token(&self, tenant: &str, roles: &[&str]) -> String {
        self.signed(&json!({ "alg": "EdDSA", "typ": "JWT" }), tenant, roles)
    }

    /// A token that names its key.
    pub(crate) fn token_naming(&self, id: &str, tenant: &str) -> String {
        self.signed(&json!({ "alg": "EdDSA", "kid": id }), tenant, &["owner"])
    }

    fn signed(&self, header: &Value, tenant: &str, roles: &[&str]) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": now + 600, "tenant": tenant, "roles": roles,
        });
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes()).to_bytes());
        format!("{signed}.{signature}")
    }
}
