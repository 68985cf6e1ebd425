//! Who may come in here. By HTTP it is an extractor of the request's head, so that a stranger's body is not even read.

use axum::extract::FromRequestParts;
use headwater_edge::{Authenticated, Problem};
use headwater_tenancy::{Caller, OperatorScope, TenantScope};
use http::{StatusCode, request::Parts};

/// A caller with the role of an operator.
pub(super) struct Operator {
    pub(super) scope: OperatorScope,
    /// The tenant that its token names besides: its cursors are sealed for it.
    pub(super) home: TenantScope,
}

impl TryFrom<Caller> for Operator {
    type Error = Problem;

    /// 403 `operator-only` for everybody else.
    fn try_from(Caller { scope: home, operator }: Caller) -> Result<Self, Problem> {
        let detail = "this takes the role operator; sign a token with --role operator";
        let scope = operator.ok_or_else(|| Problem::new(StatusCode::FORBIDDEN, "operator-only", detail))?;
        Ok(Self { scope, home })
    }
}

impl<S: Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, state).await?;
        caller.try_into()
    }
}
