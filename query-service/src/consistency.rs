//! Reads that must see what a command did: they wait until their projection has reached the version of a consistency token.
//!
//! A token of an aggregate that the projection does not follow asks nothing of it, so such a read does not wait.

use crate::{
    QueryService,
    refusal::{bad_request, of_repository, of_search},
    service::Source,
};
use ::http::{HeaderMap, HeaderName, StatusCode};
use headwater_edge::{ConsistencyToken, Problem, single_header, v1};
use headwater_tenancy::TenantScope;
use std::time::Duration;

const TOKEN: HeaderName = HeaderName::from_static("headwater-consistency");
const WAIT: HeaderName = HeaderName::from_static("headwater-wait");

/// How long a read waits when its caller does not say.
const DEFAULT_WAIT: Duration = Duration::from_secs(2);
/// The longest that a caller may ask for.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// What the read itself needs of the request's deadline.
const RESERVE: Duration = Duration::from_millis(500);
/// The first pause between two looks; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// What a read has to have seen, and how long it may wait for that.
#[derive(Debug, Clone)]
pub(crate) struct Consistency {
    token: String,
    wait: Duration,
}

impl Consistency {
    /// By the headers of a request, or the metadata of a call. `deadline` is the request's own.
    pub(crate) fn of_headers(headers: &HeaderMap, deadline: Duration) -> Result<Option<Self>, Problem> {
        let wait = match single_header(headers, &WAIT)? {
            Some(text) => duration(text)?,
            None => DEFAULT_WAIT,
        };
        let token = single_header(headers, &TOKEN)?.map(str::to_owned);
        Ok(token.map(|token| Self::new(token, wait, deadline)))
    }

    /// By the message of a call, or else its metadata.
    pub(crate) fn of_message(
        message: Option<v1::Consistency>,
        headers: &HeaderMap,
        deadline: Duration,
    ) -> Result<Option<Self>, Problem> {
        let Some(v1::Consistency { token, wait_ms }) = message.filter(|message| !message.token.is_empty()) else {
            return Self::of_headers(headers, deadline);
        };
        let wait = wait_ms.map_or(DEFAULT_WAIT, |millis| Duration::from_millis(millis.into()));
        if wait > MAX_WAIT {
            return Err(too_long());
        }
        Ok(Some(Self::new(token, wait, deadline)))
    }

    fn new(token: String, wait: Duration, deadline: Duration) -> Self {
        let wait = wait.min(deadline.saturating_sub(RESERVE));
        Self { token, wait }
    }
}

impl QueryService {
    /// Waits until `projection` has reached what the read has to have seen.
    pub(crate) async fn reach(
        &self,
        scope: &TenantScope,
        projection: &str,
        consistency: Option<&Consistency>,
    ) -> Result<(), Problem> {
        let Some(Consistency { token, wait }) = consistency else {
            return Ok(());
        };
        let ConsistencyToken {
            context,
            aggregate,
            id,
            version,
            ..
        } = ConsistencyToken::open(token, &self.inner().key, scope)?;
        let sources = self.inner().sources.get(projection);
        let reader = match sources.and_then(|sources| sources.get(&(context.as_str(), aggregate.as_str()))) {
            Some(Source::View(reader)) => reader,
            Some(Source::Document(kind)) => {
                let Some(index) = self.inner().indexes.get(kind) else {
                    return Ok(());
                };
                let seen = index
                    .await_visible(scope, &id, version, *wait)
                    .await
                    .map_err(of_search)?;
                return if seen { Ok(()) } else { Err(not_yet(projection)) };
            }
            None => return Ok(()),
        };
        let runtime = &self.inner().runtime;
        let until = runtime.monotonic() + *wait;
        let mut pause = FIRST_PAUSE;
        loop {
            let viewed = reader.read(scope, &id).await.map_err(of_repository)?;
            if viewed.is_some_and(|viewed| viewed.version >= version) {
                return Ok(());
            }
            let left = until.saturating_sub(runtime.monotonic());
            if left.is_zero() {
                return Err(not_yet(projection));
            }
            runtime.sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Whether `projection` follows the aggregate of the token.
    pub(crate) fn concerns(
        &self,
        scope: &TenantScope,
        projection: &str,
        consistency: Option<&Consistency>,
    ) -> Result<bool, Problem> {
        let Some(consistency) = consistency else {
            return Ok(false);
        };
        let token = ConsistencyToken::open(&consistency.token, &self.inner().key, scope)?;
        let followed = self.inner().sources.get(projection);
        let aggregate = (token.context.as_str(), token.aggregate.as_str());
        Ok(followed.is_some_and(|followed| followed.contains_key(&aggregate)))
    }

    /// Refuses a token that is none, for a read that is always current.
    pub(crate) fn check(&self, scope: &TenantScope, consistency: Option<&Consistency>) -> Result<(), Problem> {
        let Some(consistency) = consistency else { return Ok(()) };
        ConsistencyToken::open(&consistency.token, &self.inner().key, scope).map(drop)
    }
}

fn not_yet(projection: &str) -> Problem {
    let detail = format!("{projection} has not reached the version of the consistency token; try again");
    Problem::new(StatusCode::CONFLICT, "not-yet-consistent", detail).retry_after(Duration::from_secs(1))
}

fn too_long() -> Problem {
    bad_request(
        "invalid-header",
        format!("a read waits at most {} s", MAX_WAIT.as_secs()),
    )
}

/// `500ms` or `2s`.
fn duration(text: &str) -> Result<Duration, Problem> {
    let read = || {
        let (digits, unit): (_, fn(u64) -> Duration) = match text.strip_suffix("ms") {
            Some(digits) => (digits, Duration::from_millis),
            None => (text.strip_suffix('s')?, Duration::from_secs),
        };
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok().map(unit))?
    };
    let wait = read().ok_or_else(|| {
        bad_request(
            "invalid-header",
            "Headwater-Wait is a whole number of s or ms: Headwater-Wait: 500ms",
        )
    })?;
    if wait > MAX_WAIT { Err(too_long()) } else { Ok(wait) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_how_long_to_wait() {
        assert_eq!(duration("2s").unwrap(), Duration::from_secs(2));
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(duration("0s").unwrap(), Duration::ZERO);
        for bad in [
            "",
            "s",
            "2",
            "-1s",
            "+1s",
            "1.5s",
            "11s",
            "10001ms",
            "99999999999999999999s",
            "2 s",
        ] {
            assert_eq!(duration(bad).unwrap_err().code(), "invalid-header", "{bad}");
        }
    }
}
