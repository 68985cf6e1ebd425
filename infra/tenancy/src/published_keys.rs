//! The key set that an issuer publishes: fetched before it is needed, kept fresh in the background, asked again for a key that is not in it.

use crate::{
    CredentialError, Issuer, KeySetError, TokenVerifier,
    credential::Verified,
    issuer::{IssuerKey, knows_key},
    key_set,
};
use async_trait::async_trait;
use headwater_runtime::{Runtime, Task};
use reqwest::{Client, Url, redirect::Policy};
use std::{
    fmt, fs,
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// How long keys are used before they are looked at again. A key that the issuer takes out counts for so long at most.
const FRESH: Duration = Duration::from_secs(300);
/// The first pause after a look that failed; it doubles up to [`FRESH`].
const PAUSE: Duration = Duration::from_secs(2);
/// At least so long lies between two looks for a key that a token names, however many tokens name one.
const BETWEEN: Duration = Duration::from_secs(10);
/// What a fetch may take, with all its parts.
const FETCH: Duration = Duration::from_secs(5);
/// Most bytes of a key set.
const MOST_BYTES: usize = 256 * 1024;

/// Where a key set is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySetPlace {
    /// A URL: `https`, or `http` on this machine.
    Url(Url),
    /// A file.
    File(PathBuf),
}

/// Why a text is no place of a key set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetPlaceError {
    /// No URL.
    #[error("is no URL: {0}")]
    NoUrl(String),
    /// Whoever is in between could give other keys.
    #[error("is not https; keys that come over plain http are anybody's (but for a server on this machine)")]
    Plain,
}

impl KeySetPlace {
    /// A place by URL.
    ///
    /// # Errors
    /// [`KeySetPlaceError`]
    pub fn url(text: &str) -> Result<Self, KeySetPlaceError> {
        let url = Url::parse(text).map_err(|error| KeySetPlaceError::NoUrl(error.to_string()))?;
        let here = ["localhost", "127.0.0.1", "[::1]"];
        match url.scheme() {
            "https" => Ok(Self::Url(url)),
            "http" if url.host_str().is_some_and(|host| here.contains(&host)) => Ok(Self::Url(url)),
            _ => Err(KeySetPlaceError::Plain),
        }
    }
}

impl fmt::Display for KeySetPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(url.as_str()),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Why the key set could not be had.
#[derive(Debug, thiserror::Error)]
pub enum PublishedKeysError {
    /// The file.
    #[error("{0} cannot be read")]
    File(PathBuf, #[source] std::io::Error),
    /// The request.
    #[error("{0} did not answer")]
    Request(Url, #[source] reqwest::Error),
    /// Anything but 200, so also a redirect: keys are where the configuration says.
    #[error("{0} answered {1}; a key set answers 200, and redirects are not followed")]
    Status(Url, u16),
    /// More bytes than any key set has.
    #[error("{0} has more than {MOST_BYTES} bytes, which no key set has")]
    TooLarge(String),
    /// What it says.
    #[error("{0} {1}")]
    Unusable(String, KeySetError),
}

/// Verifies by the keys that an issuer publishes as a JSON Web Key Set (RFC 7517): RS256, ES256 and EdDSA, each key by its own algorithm alone.
///
/// Keys are looked at every five minutes, and when a token names one that is not known, at most every ten seconds. While the issuer cannot be
/// reached the keys at hand go on being good. No request waits for the network but those that name an unknown key.
pub struct PublishedKeys {
    place: KeySetPlace,
    issuer: Issuer,
    client: Client,
    keys: RwLock<Option<Arc<Vec<IssuerKey>>>>,
    edition: AtomicU64,
    /// Held while a look is under way.
    looked: tokio::sync::Mutex<Looked>,
    runtime: Runtime,
}

#[derive(Default)]
struct Looked {
    /// When the last look was begun.
    at: Option<Duration>,
    /// What it found.
    json: Vec<u8>,
}

impl fmt::Debug for PublishedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublishedKeys({} of {})", self.place, self.issuer)
    }
}

impl PublishedKeys {
    /// Nothing is fetched yet.
    ///
    /// # Errors
    /// When no HTTP client can be made, which is for want of a TLS stack.
    pub fn new(place: KeySetPlace, issuer: Issuer, runtime: Runtime) -> Result<Self, reqwest::Error> {
        headwater_runtime::tls::use_ring();
        Ok(Self {
            place,
            issuer,
            client: Client::builder().redirect(Policy::none()).timeout(FETCH).build()?,
            keys: RwLock::default(),
            edition: AtomicU64::new(0),
            looked: tokio::sync::Mutex::default(),
            runtime,
        })
    }

    /// Looks at the keys now. Gives the ids of those that are accepted, `-` for one without.
    ///
    /// # Errors
    /// [`PublishedKeysError`]; the keys at hand stay.
    pub async fn look(&self) -> Result<Vec<String>, PublishedKeysError> {
        let mut looked = self.looked.lock().await;
        looked.at = Some(self.runtime.monotonic());
        self.fetch(&mut looked).await
    }

    /// Keeps keys fresh that were looked at just now, until the last other owner of `keys` lets go.
    pub fn keep_fresh(keys: &Arc<Self>) -> Task {
        let (runtime, weak) = (keys.runtime.clone(), Arc::downgrade(keys));
        keys.runtime.spawn(keep_fresh(weak, runtime))
    }

    async fn fetch(&self, looked: &mut Looked) -> Result<Vec<String>, PublishedKeysError> {
        let json = self.read().await?;
        let keys = key_set::read(&json).map_err(|why| PublishedKeysError::Unusable(self.place.to_string(), why))?;
        let ids = keys.iter().map(|key| key.id.clone().unwrap_or_else(|| "-".into()));
        let ids = ids.collect();
        if looked.json == json {
            return Ok(ids);
        }
        looked.json = json;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys));
        // After the keys: a token that is verified by the older ones is remembered under the older edition.
        self.edition.fetch_add(1, Ordering::Release);
        Ok(ids)
    }

    async fn read(&self) -> Result<Vec<u8>, PublishedKeysError> {
        let too_large = || PublishedKeysError::TooLarge(self.place.to_string());
        let url = match &self.place {
            KeySetPlace::File(path) => {
                let json = fs::read(path).map_err(|error| PublishedKeysError::File(path.clone(), error))?;
                return if json.len() > MOST_BYTES {
                    Err(too_large())
                } else {
                    Ok(json)
                };
            }
            KeySetPlace::Url(url) => url,
        };
        let failed = |error| PublishedKeysError::Request(url.clone(), error);
        let mut answer = self.client.get(url.clone()).send().await.map_err(failed)?;
        if answer.status().as_u16() != 200 {
            return Err(PublishedKeysError::Status(url.clone(), answer.status().as_u16()));
        }
        let mut json = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            json.extend_from_slice(&piece);
            if json.len() > MOST_BYTES {
                return Err(too_large());
            }
        }
        Ok(json)
    }

    fn keys(&self) -> Option<Arc<Vec<IssuerKey>>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// None for what is no token.
    fn knows(&self, token: &str) -> Option<bool> {
        self.keys()
            .map_or_else(|| knows_key(token, &[]), |keys| knows_key(token, &keys))
    }
}

async fn keep_fresh(keys: Weak<PublishedKeys>, runtime: Runtime) {
    let (mut wait, mut pause) = (FRESH, PAUSE);
    loop {
        runtime.sleep(wait).await;
        let Some(keys) = keys.upgrade() else { return };
        match keys.look().await {
            Ok(_) => (wait, pause) = (FRESH, PAUSE),
            Err(error) => {
                let error = error_with_sources(&error);
                tracing::warn!(
                    error,
                    "the issuer's keys cannot be read; those at hand go on being good"
                );
                (wait, pause) = (pause, (pause * 2).min(FRESH));
            }
        }
    }
}

fn error_with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[async_trait]
impl TokenVerifier for PublishedKeys {
    fn verify(&self, token: &str, runtime: &Runtime) -> Result<Verified, CredentialError> {
        let keys = self.keys().ok_or(CredentialError::KeysUnavailable)?;
        self.issuer.verify(token, &keys, runtime)
    }

    async fn find_key(&self, token: &str) -> bool {
        if self.knows(token) != Some(false) {
            return false;
        }
        let mut looked = self.looked.lock().await;
        // Somebody else may have looked while this one waited.
        if self.knows(token) == Some(true) {
            return true;
        }
        let now = self.runtime.monotonic();
        if looked.at.is_some_and(|at| now.saturating_sub(at) < BETWEEN) {
            return false;
        }
        looked.at = Some(now);
        self.fetch(&mut looked).await.is_ok() && self.knows(token) == Some(true)
    }

    fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }
}
