//! What verifies tokens: the development key of a data folder, public keys of an issuer elsewhere, or the key set that an issuer publishes.

use crate::{CredentialError, DevelopmentKey, credential::Verified};
use async_trait::async_trait;
use headwater_runtime::Runtime;

/// Turns the text of a token into what it says, or refuses it. What it returns can be made in this crate alone.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// Verifies algorithm, signature, issuer, audience, subject and times, with the keys at hand.
    ///
    /// # Errors
    /// [`CredentialError::Invalid`] or [`CredentialError::Expired`]; [`CredentialError::KeysUnavailable`] while no keys are there yet.
    fn verify(&self, token: &str, runtime: &Runtime) -> Result<Verified, CredentialError>;

    /// Looks for the key that a token names and that is not at hand, if that can be done and was not done a moment ago. Whether it is there now.
    async fn find_key(&self, _token: &str) -> bool {
        false
    }

    /// Another number whenever the keys are others, so that no token is remembered for longer than its key is good.
    fn edition(&self) -> u64 {
        0
    }
}

impl TokenVerifier for DevelopmentKey {
    fn verify(&self, token: &str, runtime: &Runtime) -> Result<Verified, CredentialError> {
        Self::verify(self, token, runtime)
    }
}
