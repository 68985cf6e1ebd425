//! AWS, or anything that speaks its protocol over HTTP, such as DynamoDB Local.

use crate::{
    Accounting, Database, Databases,
    client::{Injected, Target, clients},
    faults::Faults,
};
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::config::{SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_async::{rt::sleep::SharedAsyncSleep, time::SharedTimeSource};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_types::timeout::TimeoutConfig;
use headwater_runtime::Runtime;
use std::time::Duration;

/// Which AWS account and region, or which other endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsConfig {
    /// The region, such as `eu-west-1`.
    pub region: String,
    /// Another endpoint than the region's, such as DynamoDB Local's.
    pub endpoint_url: Option<String>,
    /// Put before every table's name; may be empty. Lets several installations share an account.
    pub table_prefix: String,
}

/// One endpoint serves both stores.
pub(crate) async fn databases(config: &AwsConfig, runtime: Runtime, faults: Option<Faults>) -> Databases {
    let http = https();
    let credentials = credentials(&config.region, &http, &runtime).await;
    // Credentials are fetched without faults; what is tested is how calls to DynamoDB fail.
    let http = match faults {
        Some(faults) => SharedHttpClient::new(faults.around(http, runtime.clone())),
        None => http,
    };
    let target = Target {
        http,
        region: config.region.clone(),
        endpoint: config.endpoint_url.clone(),
        credentials,
        timeouts: timeouts(),
        retries: None,
    };
    let accounting = Accounting::default();
    let (client, streams) = clients(&target, &runtime, &accounting);
    let database = Database::new(client, streams, config.table_prefix.clone(), accounting, None, runtime);
    Databases {
        durable: database.clone(),
        rebuildable: database,
        engines: Vec::new(),
    }
}

/// What every AWS client of this process is made with: one HTTP client, one way to credentials, the process's clock.
#[derive(Debug, Clone)]
pub struct AwsParts {
    /// Sends requests, with the one TLS stack of the program.
    pub http: SharedHttpClient,
    /// Who asks; none when no place is configured.
    pub credentials: Option<SharedCredentialsProvider>,
    /// Sleeps between attempts.
    pub sleep: SharedAsyncSleep,
    /// Dates requests.
    pub time: SharedTimeSource,
}

impl AwsParts {
    /// Those for clients in `region`; with `faults` on the way, which credentials do not meet.
    pub async fn load(region: &str, runtime: &Runtime, faults: Option<&Faults>) -> Self {
        let http = https();
        Self {
            credentials: credentials(region, &http, runtime).await,
            http: match faults {
                Some(faults) => SharedHttpClient::new(faults.around(http, runtime.clone())),
                None => http,
            },
            sleep: SharedAsyncSleep::new(Injected(runtime.clone())),
            time: SharedTimeSource::new(Injected(runtime.clone())),
        }
    }
}

/// The credentials of this process, from the usual places (environment, profile, container, instance), for what signs its requests itself;
/// none when no place is configured. They are fetched anew at each call: keep them.
pub async fn aws_credentials(region: &str, runtime: &Runtime) -> Option<SharedCredentialsProvider> {
    credentials(region, &https(), runtime).await
}

async fn credentials(region: &str, http: &SharedHttpClient, runtime: &Runtime) -> Option<SharedCredentialsProvider> {
    let loaded = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(http.clone())
        .sleep_impl(Injected(runtime.clone()))
        .time_source(Injected(runtime.clone()))
        .load()
        .await;
    loaded.credentials_provider()
}

/// One TLS stack for the whole program: rustls with ring.
fn https() -> SharedHttpClient {
    Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

/// How long one attempt of a call may take on AWS.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a call may take on AWS, with all its attempts.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// DynamoDB answers in milliseconds: a request without an answer after seconds is better sent again.
pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build()
}
