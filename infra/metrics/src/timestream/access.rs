//! Reaching the service: each account's requests go to endpoints of its own, which are asked for and asked for again before they expire, or to one
//! that is configured.

use super::failures::unreached;
use crate::Error;
use aws_sdk_timestreamquery as query;
use aws_sdk_timestreamwrite as write;
use headwater_dynamodb::AwsParts;
use headwater_runtime::Runtime;
use std::time::Duration;

/// How long one attempt of a call may take; a query reads much.
const ATTEMPT: Duration = Duration::from_secs(8);
/// How long a call may take with all its attempts.
const CALL: Duration = Duration::from_secs(30);
/// Attempts of a call, the first included.
const ATTEMPTS: u32 = 4;

/// Which database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestreamConfig {
    /// The region, such as `us-east-1`.
    pub region: String,
    /// The database, which is there.
    pub database: String,
    /// Before the tables' names, so that several installations share a database.
    pub table_prefix: String,
    /// Another endpoint than the account's; it is not asked for then.
    pub endpoint: Option<String>,
    /// How many days points are kept, 1 to 73,000.
    pub keep_days: u32,
}

/// Who asks.
pub(super) struct Clients {
    pub(super) write: write::Client,
    pub(super) query: query::Client,
}

macro_rules! client {
    ($sdk:ident, $config:expr, $parts:expr, $runtime:expr) => {{
        let (config, parts): (&TimestreamConfig, &AwsParts) = ($config, $parts);
        let timeouts = $sdk::config::timeout::TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(CALL);
        let mut builder = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new(config.region.clone()))
            .http_client(parts.http.clone())
            .sleep_impl(parts.sleep.clone())
            .time_source(parts.time.clone())
            .stalled_stream_protection($sdk::config::StalledStreamProtectionConfig::disabled())
            .timeout_config(timeouts.build())
            .retry_config($sdk::config::retry::RetryConfig::standard().with_max_attempts(ATTEMPTS));
        builder.set_endpoint_url(config.endpoint.clone());
        builder = match &parts.credentials {
            Some(credentials) => builder.credentials_provider(credentials.clone()),
            None => builder.allow_no_auth(),
        };
        let client = $sdk::Client::from_conf(builder.build());
        match config.endpoint {
            Some(_) => client,
            None => {
                let found = client.with_endpoint_discovery_enabled().await;
                let (client, reload) = found.map_err(unreached)?;
                // Ends with the process.
                $runtime.spawn(reload.reload_task());
                client
            }
        }
    }};
}

impl Clients {
    pub(super) async fn open(config: &TimestreamConfig, parts: &AwsParts, runtime: &Runtime) -> Result<Self, Error> {
        Ok(Self {
            write: client!(write, config, parts, runtime),
            query: client!(query, config, parts, runtime),
        })
    }
}
