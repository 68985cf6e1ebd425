//! Authenticated tokens for callers: cursors and consistency tokens. They can be read by whoever holds them and forged by nobody.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use headwater_kernel::TenantId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of the tag: 128 bits.
const TAG_BYTES: usize = 16;

/// A secret that all processes of an installation share.
#[derive(Clone)]
pub struct SealingKey([u8; 32]);

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

impl SealingKey {
    /// From 32 secret bytes.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// A keyed tag of `data`, bound to a purpose and a tenant: another purpose or tenant gives another tag.
    pub fn tag(&self, purpose: &str, tenant: &TenantId, data: &[u8]) -> [u8; TAG_BYTES] {
        let mut mac = keyed(&self.0);
        for part in [purpose.as_bytes(), tenant.as_str().as_bytes()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.update(data);
        let full = mac.finalize().into_bytes();
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&full[..TAG_BYTES]);
        tag
    }

    /// Seals `data` into an opaque text for one purpose and tenant.
    pub fn seal(&self, purpose: &str, tenant: &TenantId, data: &[u8]) -> String {
        let mut sealed = self.tag(purpose, tenant, data).to_vec();
        sealed.extend_from_slice(data);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// Opens what [`SealingKey::seal`] made for the same purpose and tenant.
    ///
    /// # Errors
    /// [`SealError`] for everything else.
    pub fn open(&self, purpose: &str, tenant: &TenantId, sealed: &str) -> Result<Vec<u8>, SealError> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SealError)?;
        let (tag, data) = bytes.split_at_checked(TAG_BYTES).ok_or(SealError)?;
        // Compared without an early end, so that its time tells nothing.
        let expected = self.tag(purpose, tenant, data);
        let difference = expected.iter().zip(tag).fold(0, |all, (a, b)| all | (a ^ b));
        if difference == 0 {
            Ok(data.to_vec())
        } else {
            Err(SealError)
        }
    }
}

/// HMAC takes a key of any length, so the error of its constructor cannot come.
#[allow(clippy::expect_used, reason = "see above")]
fn keyed(secret: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("any length is a key")
}

/// A token was not made here, or for another tenant or purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token was not made here for this tenant and this use; take it from an answer and send it back unchanged")]
pub struct SealError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_for_the_same_key_purpose_and_tenant() {
        let key = SealingKey::new([7; 32]);
        let (a, b) = (TenantId::new("a").unwrap(), TenantId::new("b").unwrap());
        let sealed = key.seal("cursor", &a, b"position");
        assert_eq!(key.open("cursor", &a, &sealed).unwrap(), b"position");
        assert!(key.open("cursor", &b, &sealed).is_err());
        assert!(key.open("other", &a, &sealed).is_err());
        assert!(SealingKey::new([8; 32]).open("cursor", &a, &sealed).is_err());
        for at in 0..sealed.len() {
            let mut forged = sealed.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_ne!(
                key.open("cursor", &a, &forged).as_deref(),
                Ok(&b"position"[..]),
                "byte {at}"
            );
        }
        for cut in ["", "A", &sealed[..10]] {
            assert!(key.open("cursor", &a, cut).is_err());
        }
    }
}
