//! What all clients share, whichever place their HTTP ends in: retries, the clock, accounting.

use crate::{Accounting, accounting::Meter, retry};
use aws_sdk_dynamodb::config::{
    AsyncSleep, SharedCredentialsProvider, SharedHttpClient, Sleep, StalledStreamProtectionConfig,
    retry::RetryPartition,
};
use aws_smithy_async::time::TimeSource;
use aws_smithy_types::timeout::TimeoutConfig;
use headwater_runtime::Runtime;
use std::{
    future::Future,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The SDK's sleep and clock, taken from the runtime.
#[derive(Debug, Clone)]
pub(crate) struct Injected(pub(crate) Runtime);

impl AsyncSleep for Injected {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(Exclusive(Mutex::new(self.0.sleep(duration))))
    }
}

/// The SDK wants a future that is `Sync`. Polling has exclusive access, so the lock is never taken.
struct Exclusive<F>(Mutex<F>);

impl<F: Future<Output = ()> + Unpin> Future for Exclusive<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(self.0.get_mut().unwrap_or_else(PoisonError::into_inner)).poll(context)
    }
}

impl TimeSource for Injected {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(u64::try_from(self.0.now().nanos()).unwrap_or(0))
    }
}

/// Where clients send their requests.
pub(crate) struct Target {
    pub(crate) http: SharedHttpClient,
    pub(crate) region: String,
    pub(crate) endpoint: Option<String>,
    /// None sends unsigned requests, which only the embedded engine takes.
    pub(crate) credentials: Option<SharedCredentialsProvider>,
    pub(crate) timeouts: TimeoutConfig,
    /// Whose retry budget they share; the whole process's when `None`.
    pub(crate) retries: Option<RetryPartition>,
}

macro_rules! client {
    ($sdk:ident, $target:expr, $runtime:expr, $accounting:expr) => {{
        let target: &Target = $target;
        let mut config = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new(target.region.clone()))
            .http_client(target.http.clone())
            .sleep_impl(Injected($runtime.clone()))
            .time_source(Injected($runtime.clone()))
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(target.timeouts.clone())
            .retry_config(retry::config())
            .retry_classifier(retry::Contention)
            .interceptor(Meter::shared($accounting));
        config.set_endpoint_url(target.endpoint.clone());
        config.set_retry_partition(target.retries.clone());
        config = match &target.credentials {
            Some(credentials) => config.credentials_provider(credentials.clone()),
            None => config.allow_no_auth(),
        };
        $sdk::Client::from_conf(config.build())
    }};
}

/// Makes both clients of one endpoint.
pub(crate) fn clients(
    target: &Target,
    runtime: &Runtime,
    accounting: &Accounting,
) -> (aws_sdk_dynamodb::Client, aws_sdk_dynamodbstreams::Client) {
    (
        client!(aws_sdk_dynamodb, target, runtime, accounting),
        client!(aws_sdk_dynamodbstreams, target, runtime, accounting),
    )
}
