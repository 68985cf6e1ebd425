//! From the text of a credential to who is calling.

use crate::{
    CredentialError, DevelopmentKey, OperatorScope, Role, TenantDirectory, TenantScope, TokenVerifier,
    credential::Verified,
};
use headwater_runtime::Runtime;
use lru::LruCache;
use sha2::{Digest, Sha256};
use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

/// How many verified tokens are remembered, by a hash of the whole token. A signature costs more than all the rest of a request.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// By the hash: the edition of the keys that verified it, and what it says.
type Remembered = LruCache<[u8; 32], (u64, Arc<Verified>)>;

/// Verifies credentials, whatever their kind is, by its [`TokenVerifier`].
#[derive(Clone)]
pub struct Authenticator {
    verifier: Arc<dyn TokenVerifier>,
    verified: Arc<Mutex<Remembered>>,
    directory: TenantDirectory,
    runtime: Runtime,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authenticator")
    }
}

/// A verified caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The tenant it may reach.
    pub scope: TenantScope,
    /// Set when it may also run the installation.
    pub operator: Option<OperatorScope>,
}

impl Authenticator {
    /// Accepts what `verifier` does, for tenants that `directory` knows.
    pub fn new(verifier: Arc<impl TokenVerifier + 'static>, directory: TenantDirectory, runtime: Runtime) -> Self {
        Self {
            verifier,
            verified: Arc::new(Mutex::new(LruCache::new(REMEMBERED))),
            directory,
            runtime,
        }
    }

    /// Verifies the value of an `Authorization` header: `Bearer TOKEN`.
    ///
    /// # Errors
    /// [`CredentialError`]; all but `Unavailable` and `KeysUnavailable` mean 401.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Caller, CredentialError> {
        let header = authorization.ok_or(CredentialError::Missing)?;
        let (scheme, token) = header.split_once(' ').ok_or(CredentialError::Invalid)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(CredentialError::Invalid);
        }
        let token = token.trim();
        let verified = match self.verify(token) {
            // Keys change; one that is not known may be known to the issuer.
            Err(CredentialError::Invalid) if self.verifier.find_key(token).await => self.verify(token)?,
            verified => verified?,
        };
        let tenant = self
            .directory
            .find(&verified.tenant)
            .await
            .map_err(|_| CredentialError::Unavailable)?;
        // An unknown tenant answers as a forged token does.
        let tenant = tenant.ok_or(CredentialError::Invalid)?;
        let operator = verified
            .roles
            .contains(&Role::Operator)
            .then(|| OperatorScope::new(verified.actor.clone()));
        let (actor, roles) = (verified.actor.clone(), verified.roles.clone());
        let scope = TenantScope::new(tenant.id, tenant.region, actor, roles, tenant.state);
        Ok(Caller {
            scope: scope.until_time(verified.expiry()),
            operator,
        })
    }

    /// The scope as it would be made now: for work that goes on for longer than the directory's seconds.
    ///
    /// # Errors
    /// [`CredentialError::Unavailable`]; [`CredentialError::Invalid`] when the tenant is gone; [`CredentialError::Expired`] when the
    /// credential has expired since.
    pub async fn current(&self, scope: &TenantScope) -> Result<TenantScope, CredentialError> {
        if scope.until().is_some_and(|until| until <= self.runtime.now()) {
            return Err(CredentialError::Expired);
        }
        let found = self.directory.find(scope.tenant()).await;
        let tenant = found.map_err(|_| CredentialError::Unavailable)?;
        let tenant = tenant.ok_or(CredentialError::Invalid)?;
        Ok(scope.in_state(tenant.state))
    }
}

impl Authenticator {
    /// Verifies a token, or recalls that this very token was verified with these very keys; its expiry counts each time.
    fn verify(&self, token: &str) -> Result<Arc<Verified>, CredentialError> {
        // Before the keys are used: who remembers a token under an older edition only verifies it again.
        let edition = self.verifier.edition();
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let known = self
            .verified
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&hash)
            .cloned();
        if let Some((_, known)) = known.filter(|(with, _)| *with == edition) {
            known.check_expiry(&self.runtime)?;
            return Ok(known);
        }
        let verified = Arc::new(self.verifier.verify(token, &self.runtime)?);
        self.verified
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .put(hash, (edition, Arc::clone(&verified)));
        Ok(verified)
    }
}

impl DevelopmentKey {
    /// The operator of a data folder: whoever can read its key may run it.
    pub fn operator(&self) -> OperatorScope {
        OperatorScope::new(headwater_kernel::Actor::new("operator:local"))
    }
}
