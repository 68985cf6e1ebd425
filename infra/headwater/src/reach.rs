//! How a command of the command line reaches a running Headwater: the one that is named, the one that holds the data folder, or one that
//! this process starts for as long as the command takes.

use crate::{
    assembly::Process,
    cli::Reach,
    config::Config,
    data_folder::{self, token_key},
};
use anyhow::{Context, Result, bail};
use base64::Engine;
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use headwater_tenancy::{Role, TokenRequest};
use std::{net::SocketAddr, path::Path, time::Duration};

/// What a command does in a data folder in which nothing was ever kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fresh {
    /// It begins a store: what it writes is the first that is in it.
    Begin,
    /// It has nothing to look at or to change there, and says so.
    Refuse,
}

/// A process to talk to.
pub(crate) struct Reached {
    /// `http://host:port`, without a slash at the end.
    pub(crate) url: String,
    /// What to send as bearer token.
    pub(crate) token: String,
    /// Set when this process serves.
    process: Option<Process>,
}

impl Reached {
    /// Whether this process serves, because no other had the data folder open.
    pub(crate) fn is_own(&self) -> bool {
        self.process.is_some()
    }

    /// Finds or starts one, with a token for `tenant`, or, for what is no tenant's, for any that it has.
    pub(crate) async fn find(
        data: &Path,
        reach: &Reach,
        tenant: Option<&TenantId>,
        fresh: Fresh,
        runtime: &Runtime,
    ) -> Result<Self> {
        Self::find_with(data, reach, tenant, fresh, runtime, |_| {}).await
    }

    /// The same; one that it starts has its configuration changed first.
    pub(crate) async fn find_with(
        data: &Path,
        reach: &Reach,
        tenant: Option<&TenantId>,
        fresh: Fresh,
        runtime: &Runtime,
        configure: impl FnOnce(&mut Config),
    ) -> Result<Self> {
        let holder = data_folder::holder(data);
        let any = holder.as_ref().and_then(|holder| holder.tenant.clone());
        let (url, process) = match (&reach.url, holder) {
            (Some(url), _) if url.starts_with("https://") => bail!(
                "the command line speaks no TLS, which ends before Headwater; name the address behind it, such as http://127.0.0.1:8080"
            ),
            (Some(url), _) => (url.trim_end_matches('/').to_owned(), None),
            (None, Some(holder)) => (format!("http://{}", holder.http), None),
            (None, None) if fresh == Fresh::Refuse && data_folder::is_without_store(data) => bail!(
                "there is no Headwater data in {0}; `headwater dev --data {0}` begins it. Or name another folder with --data, or a running \
                 Headwater with --url",
                data.display()
            ),
            (None, None) => {
                let any: SocketAddr = ([127, 0, 0, 1], 0).into();
                let mut config = Config::development(data, any, any, TenantId::new("demo")?);
                configure(&mut config);
                let process = Process::start(config, runtime).await?;
                // What is in it from now on is what was asked for; samples do not come after.
                process.settle()?;
                (format!("http://{}", process.addresses().http), Some(process))
            }
        };
        let token = match &reach.token {
            Some(token) => {
                of_tenant(token, tenant)?;
                token.clone()
            }
            None => token_key(data)?.sign(
                &TokenRequest {
                    tenant: match tenant.cloned().or(any) {
                        Some(tenant) => tenant,
                        // In every data folder of `dev`.
                        None => TenantId::new("demo")?,
                    },
                    subject: "command-line".into(),
                    roles: vec![Role::Owner, Role::Operator],
                    ttl: Duration::from_secs(12 * 3_600),
                },
                runtime,
            ),
        };
        let reached = Self { url, token, process };
        if let (Some(tenant), None) = (tenant, &reach.token)
            && !reached.admits().await?
        {
            reached.close().await;
            match &reach.url {
                None => bail!(
                    "there is no tenant {tenant} in {}; `headwater tenant create {tenant} --region us` (or eu) makes it, `headwater tenant list` \
                     shows those there are",
                    data.display()
                ),
                Some(url) => bail!(
                    "{url} does not accept a token for {tenant} signed by {}: it has no such tenant, or another key; pass one with --token",
                    data.display()
                ),
            }
        }
        Ok(reached)
    }

    /// Whether the token is accepted. One that was just signed is not when its tenant does not exist.
    async fn admits(&self) -> Result<bool> {
        let sent = self.client()?.get(format!("{}/v1/", self.url)).send().await;
        let status = sent.with_context(|| format!("cannot reach {}", self.url))?.status();
        Ok(status != reqwest::StatusCode::UNAUTHORIZED)
    }

    /// A client that sends the token.
    pub(crate) fn client(&self) -> Result<reqwest::Client> {
        let mut headers = reqwest::header::HeaderMap::new();
        let mut bearer = reqwest::header::HeaderValue::from_str(&format!("Bearer {}", self.token))
            .context("the token has characters that no token has")?;
        bearer.set_sensitive(true);
        headers.insert(reqwest::header::AUTHORIZATION, bearer);
        Ok(reqwest::Client::builder().default_headers(headers).no_proxy().build()?)
    }

    /// The address of a route: its parts, and parameters that are not absent.
    pub(crate) fn route(&self, parts: &[&str], parameters: &[(&str, Option<&str>)]) -> Result<reqwest::Url> {
        let mut url = reqwest::Url::parse(&self.url).with_context(|| format!("{} is no address", self.url))?;
        let segments = url.path_segments_mut();
        let mut segments = segments.map_err(|()| anyhow::anyhow!("{} is no address of a server", self.url))?;
        segments.pop_if_empty().extend(parts);
        drop(segments);
        let given = parameters.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        let given: Vec<_> = given.collect();
        if !given.is_empty() {
            url.query_pairs_mut().extend_pairs(given);
        }
        Ok(url)
    }

    /// Ends what this process started.
    pub(crate) async fn close(self) {
        if let Some(process) = self.process {
            process.stop().await;
        }
    }
}

/// Sends a request and takes its answer.
pub(crate) async fn ask(request: reqwest::RequestBuilder) -> Result<serde_json::Value> {
    let sent = request.send().await;
    answer(sent.context("the Headwater cannot be reached")?).await
}

/// The answer's body as JSON, or the problem that it is as an error.
pub(crate) async fn answer(response: reqwest::Response) -> Result<serde_json::Value> {
    let status = response.status();
    let body: serde_json::Value = response
        .json()
        .await
        .with_context(|| format!("the answer ({status}) is no JSON; is that a Headwater?"))?;
    if status.is_success() {
        return Ok(body);
    }
    let detail = body["detail"]
        .as_str()
        .or(body["title"].as_str())
        .unwrap_or("no reason was given");
    anyhow::bail!("{detail} ({status}, {})", body["code"].as_str().unwrap_or("no code"))
}

/// Refuses a token that names another tenant than the command: what it writes would go there. The server alone verifies it.
fn of_tenant(token: &str, wanted: Option<&TenantId>) -> Result<()> {
    let claims = token.split('.').nth(1);
    let claims = claims.and_then(|text| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok());
    let claims: Option<serde_json::Value> = claims.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let named = claims.as_ref().and_then(|claims| claims["tenant"].as_str());
    match (named, wanted) {
        (Some(named), Some(wanted)) if named != wanted.as_str() => bail!(
            "the token (--token or HEADWATER_TOKEN) is for the tenant {named}, not for {wanted}; pass one of {wanted}, or none"
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_another_tenant_is_refused_before_anything_is_written() {
        let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"tenant":"demo"}"#);
        let token = format!("e30.{payload}.c2ln");
        let tenant = |name: &str| TenantId::new(name).unwrap();
        assert!(of_tenant(&token, Some(&tenant("demo"))).is_ok());
        assert!(of_tenant(&token, None).is_ok());
        let refused = of_tenant(&token, Some(&tenant("acme"))).unwrap_err().to_string();
        assert!(refused.contains("for the tenant demo, not for acme"), "{refused}");
        assert!(
            of_tenant("no-jwt", Some(&tenant("acme"))).is_ok(),
            "the server tells what it is"
        );
    }
}
