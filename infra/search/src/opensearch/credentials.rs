//! AWS credentials, kept until shortly before they expire: the provider of a container or an instance is asked over HTTP, and a search does not
//! wait for that.

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future},
};
use headwater_runtime::Runtime;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// New ones are fetched so long before the old ones expire.
const AHEAD: Duration = Duration::from_secs(300);
/// How long credentials are kept that do not say when they expire.
const KEPT: Duration = Duration::from_secs(600);

/// Keeps what another provider gives.
#[derive(Debug)]
pub(super) struct Cached {
    provider: SharedCredentialsProvider,
    runtime: Runtime,
    /// With the time until which they are used.
    kept: Mutex<Option<(Credentials, SystemTime)>>,
}

impl Cached {
    pub(super) fn new(provider: SharedCredentialsProvider, runtime: Runtime) -> Self {
        Self {
            provider,
            runtime,
            kept: Mutex::new(None),
        }
    }

    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let now = now(&self.runtime);
        // Held while they are fetched, so that one caller fetches for all.
        let mut kept = self.kept.lock().await;
        if let Some((credentials, _)) = kept.as_ref().filter(|(_, until)| now < *until) {
            return Ok(credentials.clone());
        }
        match self.provider.provide_credentials().await {
            Ok(fresh) => {
                let until = fresh.expiry().map_or(now + KEPT, |expiry| expiry - AHEAD);
                *kept = Some((fresh.clone(), until));
                Ok(fresh)
            }
            // The old ones do until they have expired.
            Err(error) => match kept.as_ref() {
                Some((old, _)) if old.expiry().is_some_and(|expiry| now < expiry) => Ok(old.clone()),
                _ => Err(error),
            },
        }
    }
}

fn now(runtime: &Runtime) -> SystemTime {
    let nanos = u64::try_from(runtime.now().nanos()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)
}

impl ProvideCredentials for Cached {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    /// Gives credentials that expire after a time, and counts.
    #[derive(Debug)]
    struct Counting {
        given: Arc<AtomicU64>,
        expire: Option<Duration>,
        /// From this one on it fails.
        fails: u64,
    }

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.given.fetch_add(1, Ordering::SeqCst);
            future::ProvideCredentials::ready(if number < self.fails {
                let expiry = self.expire.map(|expire| now(&Runtime::tokio()) + expire);
                Ok(Credentials::new(format!("id-{number}"), "secret", None, expiry, "test"))
            } else {
                Err(CredentialsError::not_loaded("none"))
            })
        }
    }

    async fn after_three_calls(expire: Option<Duration>, fails: u64) -> (u64, Option<String>) {
        let given = Arc::new(AtomicU64::new(0));
        let counting = Counting {
            given: Arc::clone(&given),
            expire,
            fails,
        };
        let cached = Cached::new(SharedCredentialsProvider::new(counting), Runtime::tokio());
        let mut last = None;
        for _ in 0..3 {
            last = cached
                .credentials()
                .await
                .ok()
                .map(|one| one.access_key_id().to_owned());
        }
        (given.load(Ordering::SeqCst), last)
    }

    #[tokio::test]
    async fn are_fetched_once_while_they_last() {
        let id = |n: u32| Some(format!("id-{n}"));
        let hour = Duration::from_secs(3600);
        assert_eq!(after_three_calls(Some(hour), 9).await, (1, id(0)));
        assert_eq!(after_three_calls(None, 9).await, (1, id(0)));
        // Within five minutes of their end they are fetched anew, and used on when that fails.
        let minute = Duration::from_secs(60);
        assert_eq!(after_three_calls(Some(minute), 9).await, (3, id(2)));
        assert_eq!(after_three_calls(Some(minute), 1).await, (3, id(0)));
        assert_eq!(after_three_calls(Some(minute), 0).await, (3, None));
    }
}
