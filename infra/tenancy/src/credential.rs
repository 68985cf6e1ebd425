//! Development tokens: JWTs signed with Ed25519 by the key in the data folder. Nothing but EdDSA is accepted, whatever a token says.

use crate::{Role, issuer::IssuerKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use headwater_kernel::{Actor, TenantId, Timestamp};
use headwater_runtime::Runtime;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::Duration;

/// Who issues and who accepts these tokens.
const ISSUER: &str = "headwater-dev";
const AUDIENCE: &str = "headwater";

/// What a development token is to say.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The tenant it gives access to.
    pub tenant: TenantId,
    /// The subject; the actor of its commands is `user:<subject>`.
    pub subject: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// How long it is valid.
    pub ttl: Duration,
}

/// What a verified token says. Only this crate can make one.
#[derive(Debug)]
pub struct Verified {
    pub(crate) tenant: TenantId,
    pub(crate) actor: Actor,
    pub(crate) roles: Vec<Role>,
    /// Seconds since 1970.
    expires: i64,
}

/// By how much an issuer's clock may be ahead of ours, in seconds.
const CLOCKS_DIFFER: f64 = 60.0;
/// Most bytes of a subject.
pub const MAX_SUBJECT_BYTES: usize = 255;

/// Why a text is no subject of a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// Nothing but white space.
    #[error("the subject is blank; name who the token is for")]
    Blank,
    /// Too long for what is kept with each of its events.
    #[error("the subject has {0} bytes; at most {MAX_SUBJECT_BYTES} are allowed")]
    TooLong(usize),
    /// It could break a line of a log.
    #[error("the subject has a control character; leave it out")]
    ControlCharacter,
}

/// Checks the subject of a token, which becomes the actor of all that is done with it.
///
/// # Errors
/// [`SubjectError`]
pub fn check_subject(subject: &str) -> Result<(), SubjectError> {
    if subject.trim().is_empty() {
        Err(SubjectError::Blank)
    } else if subject.len() > MAX_SUBJECT_BYTES {
        Err(SubjectError::TooLong(subject.len()))
    } else if subject.chars().any(char::is_control) {
        Err(SubjectError::ControlCharacter)
    } else {
        Ok(())
    }
}

/// When a token was issued and from when on it counts, in seconds since 1970 (RFC 7519 allows fractions).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Since {
    iat: Option<f64>,
    nbf: Option<f64>,
}

impl Verified {
    /// What a signed token says, if it counts now and names somebody.
    pub(crate) fn of_claims(
        tenant: TenantId,
        subject: &str,
        roles: Vec<Role>,
        since: &Since,
        expires: i64,
        runtime: &Runtime,
    ) -> Result<Self, CredentialError> {
        check_subject(subject).map_err(|_| CredentialError::Invalid)?;
        let latest = runtime.now().nanos() as f64 / 1e9 + CLOCKS_DIFFER;
        if [since.iat, since.nbf].into_iter().flatten().any(|from| from > latest) {
            return Err(CredentialError::Invalid);
        }
        let verified = Self {
            tenant,
            actor: Actor::new(format!("user:{subject}")),
            roles,
            expires,
        };
        verified.check_expiry(runtime)?;
        Ok(verified)
    }

    /// When it expires.
    pub(crate) fn expiry(&self) -> Timestamp {
        Timestamp::from_nanos(self.expires.saturating_mul(1_000_000_000))
    }

    pub(crate) fn check_expiry(&self, runtime: &Runtime) -> Result<(), CredentialError> {
        let now = runtime.now().nanos() / 1_000_000_000;
        if self.expires <= now {
            Err(CredentialError::Expired)
        } else {
            Ok(())
        }
    }
}

/// What is signed.
#[derive(Serialize)]
struct Signed {
    iss: &'static str,
    aud: &'static str,
    sub: String,
    iat: i64,
    exp: i64,
    tenant: TenantId,
    roles: Vec<Role>,
}

/// What is read of it.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    #[serde(flatten)]
    since: Since,
    tenant: TenantId,
    roles: Vec<Role>,
}

/// Why a credential was not accepted. The texts say nothing about whether a tenant exists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// There is none.
    #[error("no token was sent; send Authorization: Bearer TOKEN; under dev, `headwater token --tenant T` signs one")]
    Missing,
    /// It is past its time.
    #[error("the token has expired; get a new one (under dev: `headwater token --tenant T`)")]
    Expired,
    /// It is not one of ours.
    #[error(
        "the token is not valid here; get one of this installation's issuer (under dev: `headwater token --tenant T`)"
    )]
    Invalid,
    /// The keys of who signs tokens were not there yet. Worth a retry.
    #[error("the issuer's keys cannot be read now; try again")]
    KeysUnavailable,
    /// The directory that knows the tenants could not be read. Worth a retry.
    #[error("the tenant directory cannot be read now; try again")]
    Unavailable,
}

/// The Ed25519 key of a data folder: signs and verifies development tokens.
pub struct DevelopmentKey {
    signing: SigningKey,
    verifying: IssuerKey,
}

impl std::fmt::Debug for DevelopmentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DevelopmentKey(..)")
    }
}

impl DevelopmentKey {
    /// From the 32 secret bytes.
    pub fn new(secret: [u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(&secret);
        let public = URL_SAFE_NO_PAD.encode(signing.verifying_key().as_bytes());
        #[allow(clippy::expect_used, reason = "32 bytes in base64url are always a key")]
        let key = DecodingKey::from_ed_components(&public).expect("an Ed25519 public key has 32 bytes");
        let verifying = IssuerKey {
            id: None,
            algorithm: Algorithm::EdDSA,
            key,
        };
        Self { signing, verifying }
    }

    /// Signs a token. The signature is by the key itself, so this needs no PEM or DER in between.
    pub fn sign(&self, request: &TokenRequest, runtime: &Runtime) -> String {
        let now = runtime.now().nanos() / 1_000_000_000;
        let claims = Signed {
            iss: ISSUER,
            aud: AUDIENCE,
            sub: request.subject.clone(),
            iat: now,
            exp: now.saturating_add(i64::try_from(request.ttl.as_secs()).unwrap_or(i64::MAX)),
            tenant: request.tenant.clone(),
            roles: request.roles.clone(),
        };
        let payload = serde_json::to_vec(&claims).unwrap_or_default();
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"EdDSA","typ":"JWT"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
        let signature = URL_SAFE_NO_PAD.encode(self.signing.sign(signed.as_bytes()).to_bytes());
        format!("{signed}.{signature}")
    }

    /// Verifies a token: algorithm, signature, issuer, audience, subject, times.
    pub(crate) fn verify(&self, token: &str, runtime: &Runtime) -> Result<Verified, CredentialError> {
        let Claims {
            sub,
            exp,
            since,
            tenant,
            roles,
        } = claims_of(token, &self.verifying, ISSUER, AUDIENCE)?;
        Verified::of_claims(tenant, &sub, roles, &since, exp, runtime)
    }
}

/// Whether the header names extensions that whoever verifies must understand (RFC 7515, section 4.1.11). None are understood here.
fn has_critical_extensions(token: &str) -> bool {
    let header = token.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    let header = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&header);
    header.is_ok_and(|header| header.contains_key("crit"))
}

/// The claims of a token that `key` signed with its algorithm, of this issuer for this audience. Its times are still to be compared, with the
/// injected clock.
pub(crate) fn claims_of<C: DeserializeOwned>(
    token: &str,
    key: &IssuerKey,
    issuer: &str,
    audience: &str,
) -> Result<C, CredentialError> {
    if has_critical_extensions(token) {
        return Err(CredentialError::Invalid);
    }
    let mut validation = Validation::new(key.algorithm);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_exp = false;
    let decoded = jsonwebtoken::decode::<C>(token, &key.key, &validation);
    decoded.map(|token| token.claims).map_err(|_| CredentialError::Invalid)
}
