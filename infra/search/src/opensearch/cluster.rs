//! Speaking to a cluster: every call has a time limit, and every failure is classified. Nothing is tried again here; see
//! [`Retrying`](crate::Retrying).

use super::credentials::Cached;
use crate::Error;
use ::opensearch::{
    auth::Credentials,
    http::{
        Method, Url,
        headers::{CONTENT_TYPE, HeaderMap, HeaderValue},
        transport::{SingleNodeConnectionPool, Transport, TransportBuilder},
    },
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::region::Region;
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use serde_json::Value;
use std::{collections::BTreeSet, fmt, time::Duration};

/// How long a call may take. Bulk requests are the longest.
const LIMIT: Duration = Duration::from_secs(10);

/// How a cluster lets somebody in.
#[derive(Debug, Clone)]
pub enum Access {
    /// It asks for nothing.
    Open,
    /// By name.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// Requests are signed (SigV4), for a domain of the Amazon OpenSearch Service.
    Aws {
        /// Where credentials are from; they are kept until shortly before they expire.
        credentials: SharedCredentialsProvider,
        /// The region, such as `eu-west-1`.
        region: String,
    },
}

/// A connection to a cluster. Cheap to share; it opens connections as they are needed.
pub struct Cluster {
    transport: Transport,
    prefix: String,
    apart: BTreeSet<TenantId>,
    pub(super) runtime: Runtime,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// An answer: its status and its body.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Cluster {
    /// The cluster at `url`. Its indexes have `prefix` in front, so that several installations can share it. Nothing is sent yet.
    ///
    /// # Errors
    /// What is wrong with the URL or the prefix.
    pub fn new(url: &str, access: Access, prefix: &str, runtime: Runtime) -> Result<Self, String> {
        let parsed = Url::parse(url).map_err(|error| format!("{url:?} is not a URL: {error}"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(format!("{url:?} must begin with http:// or https://"));
        }
        headwater_runtime::tls::use_ring();
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !prefix.bytes().all(letters) || prefix.starts_with('-') || prefix.len() > 100 {
            return Err(format!(
                "{prefix:?} may have lower-case letters, digits and hyphens, begin with no hyphen, and be 100 long"
            ));
        }
        let mut builder = TransportBuilder::new(SingleNodeConnectionPool::new(parsed)).disable_proxy();
        builder = match access {
            Access::Open => builder,
            Access::Basic { user, password } => builder.auth(Credentials::Basic(user, password)),
            Access::Aws { credentials, region } => {
                let cached = SharedCredentialsProvider::new(Cached::new(credentials, runtime.clone()));
                let signed = Credentials::AwsSigV4(cached, Region::new(region));
                builder.auth(signed)
            }
        };
        Ok(Self {
            transport: builder.build().map_err(|error| error.to_string())?,
            prefix: prefix.to_owned(),
            apart: BTreeSet::new(),
            runtime,
        })
    }

    /// From the next generation of each kind on, these tenants have an index of their own. Those that are there stay as they were made.
    #[must_use]
    pub fn with_own_indexes(self, tenants: BTreeSet<TenantId>) -> Self {
        Self { apart: tenants, ..self }
    }

    /// Tenants that get an index of their own.
    pub(super) fn apart(&self) -> &BTreeSet<TenantId> {
        &self.apart
    }

    /// Asks whether the cluster answers; its version.
    ///
    /// # Errors
    /// As classified: it cannot be reached, or does not let us in.
    pub async fn version(&self) -> Result<String, Error> {
        let answer = self.expect(Method::Get, "/", None).await?;
        let version = answer["version"]["number"].as_str().map(str::to_owned);
        version.ok_or_else(|| Error::Unavailable("what answers is no OpenSearch".into()))
    }

    /// Its indexes that take no writes, with the setting that says so: an operator's, or the cluster's own when a disk is nearly full.
    ///
    /// # Errors
    /// As classified.
    pub async fn blocked(&self) -> Result<Vec<String>, Error> {
        let path = format!("/{}*/_settings/index.blocks.*?flat_settings=true", self.prefix);
        let answer = self.expect(Method::Get, &path, None).await?;
        let mut blocked = Vec::new();
        for (index, settings) in answer.as_object().into_iter().flatten() {
            let set = settings["settings"].as_object().into_iter().flatten();
            let set = set.filter(|(name, set)| *set == "true" && !name.ends_with(".metadata"));
            blocked.extend(set.map(|(name, _)| format!("{index} has {name}")));
        }
        Ok(blocked)
    }

    /// What is in front of its indexes' names.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Sends, and answers what came back with success.
    pub(super) async fn expect(&self, method: Method, path: &str, body: Option<String>) -> Result<Value, Error> {
        let answer = self.send(method, path, body).await?;
        if answer.status < 300 {
            Ok(answer.body)
        } else {
            Err(classified(answer.status, &answer.body))
        }
    }

    /// Sends, and answers what came back.
    pub(super) async fn send(&self, method: Method, path: &str, body: Option<String>) -> Result<Answer, Error> {
        let mut headers = HeaderMap::new();
        if path.contains("/_bulk") {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        }
        let sent = self
            .transport
            .send(method, path, headers, None::<&()>, body, Some(LIMIT));
        let response = sent.await.map_err(unreachable)?;
        let status = response.status_code().as_u16();
        let bytes = response.bytes().await.map_err(unreachable)?;
        // A proxy's error page is not JSON; then the text is what there is to say.
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).chars().take(500).collect()));
        Ok(Answer { status, body })
    }
}

fn unreachable(error: ::opensearch::Error) -> Error {
    // The crate's error says what its cause does.
    let mut why = String::new();
    let mut next: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = next {
        let said = error.to_string();
        if !why.ends_with(&said) {
            why = if why.is_empty() { said } else { format!("{why}: {said}") };
        }
        next = error.source();
    }
    Error::Unavailable(why)
}

/// The error that a status and a body stand for.
pub(super) fn classified(status: u16, body: &Value) -> Error {
    let error = body.get("error").unwrap_or(body);
    let kind = error["type"].as_str().unwrap_or_default();
    let root = error["root_cause"][0]["reason"].as_str();
    let reason = root
        .or(error["reason"].as_str())
        .map_or_else(|| error.to_string(), str::to_owned);
    let said: String = format!("OpenSearch answered {status} {kind}: {reason}")
        .chars()
        .take(500)
        .collect();
    match (status, kind) {
        // A full disk makes an index read-only, and so may an operator.
        (_, "cluster_block_exception") if reason.contains("index [") => Error::Storage(said.into()),
        (_, "index_not_found_exception") => Error::Missing(error["index"].as_str().unwrap_or("of a kind").to_owned()),
        (500, _) if reason.contains("No space left") => Error::Storage(said.into()),
        (401 | 403 | 408 | 429 | 500.., _) => Error::Unavailable(said),
        _ => Error::Corrupt(said.into()),
    }
}
