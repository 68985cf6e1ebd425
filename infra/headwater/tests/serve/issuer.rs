//! Who issues tokens, somewhere else: the installation knows its public key alone.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const ISSUER: &str = "https://id.example.com";
pub(crate) const AUDIENCE: &str = "headwater-test";

pub(crate) struct Issuer(SigningKey);

impl Issuer {
    pub(crate) fn new() -> Self {
        Self(SigningKey::from_bytes(&[42; 32]))
    }

    /// In base64, as a configuration has it.
    pub(crate) fn public_key(&self) -> String {
        STANDARD.encode(self.0.verifying_key().as_bytes())
    }

    pub(crate) fn token(&self, tenant: &str, roles: &[&str]) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": now + 600, "tenant": tenant, "roles": roles,
        });
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","typ":"JWT"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes()).to_bytes());
        format!("{signed}.{signature}")
    }
}
