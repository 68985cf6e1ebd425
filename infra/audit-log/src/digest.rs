//! Digests: what an hour's objects are, chained to the hour before and signed.
//!
//! A digest is the object `digests/region=us/dt=2026-11-24/hour=01.json`: one line of JSON with a signature over the exact text of its `digest`. The
//! hour that is not over has a running one, [`RUNNING`], which is written again with each object, and of which a copy is kept outside of
//! the store, with the keys of the installation.

use crate::{Error, Hour, object::Entry};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The name of the running digest of a region, after `region=…/`.
pub const RUNNING: &str = "running.json";
/// What begins the names of digests.
pub(crate) const DIGESTS: &str = "digests/";

/// What a digest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// Of this layout.
    pub version: u32,
    /// The region of its objects.
    pub region: String,
    /// The hour that it is of.
    pub hour: Hour,
    /// Whether the hour is not over.
    pub running: bool,
    /// The hour that the first digest of the region is of.
    pub first: Hour,
    /// The last hour that had its digest when this one was made; none before the first.
    pub closed: Option<Hour>,
    /// The SHA-256 of that digest, in hexadecimal.
    pub previous: Option<String>,
    /// The number that the first object after this hour, or after what is said here, has.
    pub next: u64,
    /// The hour's objects, by number.
    pub objects: Vec<Entry>,
    /// Numbers of objects that are being written and of which no more is known yet. Only in a running digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    digest: Box<RawValue>,
    key: String,
    signature: String,
}

/// Where the digest of an hour is.
pub fn name(region: &str, hour: Hour) -> String {
    let folder = hour.folder(region);
    format!("{DIGESTS}{}.json", folder.trim_end_matches('/'))
}

/// Where the running digest is.
pub fn running(region: &str) -> String {
    format!("{DIGESTS}region={region}/{RUNNING}")
}

/// The key that signs digests.
pub struct AuditKey(SigningKey);

impl std::fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AuditKey({})", self.public().id())
    }
}

impl AuditKey {
    /// From the 32 secret bytes of an Ed25519 key.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&secret))
    }

    /// The key that verifies what this one signs.
    pub fn public(&self) -> AuditPublicKey {
        AuditPublicKey(self.0.verifying_key())
    }

    /// The digest as it is stored. The same digest is the same bytes.
    pub(crate) fn sign(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let unwritable = |error: serde_json::Error| Error::altered("a digest", error);
        let text = serde_json::value::to_raw_value(digest).map_err(unwritable)?;
        let signed = Signed {
            key: self.public().id(),
            signature: STANDARD.encode(self.0.sign(text.get().as_bytes()).to_bytes()),
            digest: text,
        };
        let mut bytes = serde_json::to_vec(&signed).map_err(unwritable)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The key that verifies digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditPublicKey(VerifyingKey);

impl AuditPublicKey {
    /// From the base64 of its 32 bytes.
    ///
    /// # Errors
    /// What to give instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bytes = STANDARD
            .decode(text.trim())
            .ok()
            .and_then(|bytes| bytes.try_into().ok());
        let key = bytes.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
        key.filter(|key| !key.is_weak())
            .map(Self)
            .ok_or_else(|| "it is not base64 of the 32 bytes of an Ed25519 public key".to_owned())
    }

    /// The base64 of its 32 bytes, which is how digests name it.
    pub fn id(&self) -> String {
        STANDARD.encode(self.0.as_bytes())
    }

    /// Reads a digest that this key has signed, and that is byte for byte as it was written.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(&self, bytes: &[u8]) -> Result<Digest, String> {
        let signed: Signed = serde_json::from_slice(bytes).map_err(|error| format!("it cannot be read: {error}"))?;
        if signed.key != self.id() {
            return Err(format!(
                "it is signed with the key {:?} and not with {:?}",
                signed.key,
                self.id()
            ));
        }
        let signature = STANDARD.decode(&signed.signature).ok();
        let signature = signature.and_then(|bytes| Signature::from_slice(&bytes).ok());
        let verified =
            signature.is_some_and(|signature| self.0.verify_strict(signed.digest.get().as_bytes(), &signature).is_ok());
        if !verified {
            return Err("its signature is not that of its text".to_owned());
        }
        let mut again = serde_json::to_vec(&signed).map_err(|error| error.to_string())?;
        again.push(b'\n');
        if again != bytes {
            return Err("something was changed around its text".to_owned());
        }
        serde_json::from_str(signed.digest.get()).map_err(|error| format!("it cannot be read: {error}"))
    }
}
