//! From a request's `authorization` to its caller, and the caller as an argument of a handler.

use crate::{Edge, Problem, client::Peer};
use ::http::{Extensions, HeaderMap, StatusCode, header::AUTHORIZATION, request::Parts};
use axum::extract::FromRequestParts;
use headwater_tenancy::{Caller, CredentialError, TenantScope};
use std::time::Duration;

impl Edge {
    /// Who is calling, by the header (or gRPC metadata) `authorization`.
    ///
    /// # Errors
    /// 401 `unauthenticated`, `token-expired` or `invalid-token`; 503 when tenants or the issuer's keys cannot be looked up now.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (value, another) = (values.next(), values.next());
        let text = value.map(|value| value.to_str().unwrap_or_default());
        let result = match another {
            Some(_) => Err(CredentialError::Invalid),
            // Tenants are looked up in a store that may hang.
            None => match self.until_deadline(self.authenticator().authenticate(text)).await {
                Some(result) => result,
                None => Err(CredentialError::Unavailable),
            },
        };
        result.map_err(refused)
    }

    /// The same of a request that [`crate::serve_http`] has taken, with the address that it comes from.
    pub(crate) async fn authenticate_request(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Caller, Problem> {
        let caller = self.authenticate(headers).await?;
        Ok(match extensions.get::<Peer>() {
            Some(Peer(peer)) => Caller {
                scope: caller.scope.used_from(self.proxies().client(*peer, headers)),
                ..caller
            },
            None => caller,
        })
    }

    /// The scope as it would be made now: for a stream of commands that may go on for long after its caller was let in.
    ///
    /// # Errors
    /// As [`Edge::authenticate`].
    pub async fn current(&self, scope: &TenantScope) -> Result<TenantScope, Problem> {
        self.authenticator().current(scope).await.map_err(refused)
    }
}

fn refused(error: CredentialError) -> Problem {
    let code = match error {
        CredentialError::Missing => "unauthenticated",
        CredentialError::Expired => "token-expired",
        CredentialError::Invalid => "invalid-token",
        CredentialError::Unavailable | CredentialError::KeysUnavailable => {
            let problem = Problem::unavailable("unavailable", error.to_string(), Duration::from_secs(1));
            return problem.for_operator(error.to_string());
        }
    };
    Problem::new(StatusCode::UNAUTHORIZED, code, error.to_string())
}

/// The verified caller of a request, as an argument of a handler below `/v1`.
#[derive(Debug, Clone)]
pub struct Authenticated(pub Caller);

impl<S: Sync> FromRequestParts<S> for Authenticated {
    type Rejection = Problem;

    /// [`Edge::http`] has verified the caller before any handler runs; a router that is served without it lets nobody in.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let missing = || {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                CredentialError::Missing.to_string(),
            )
        };
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}
