//! `headwater token`: a signed development token on stdout, and nothing else; with `--output json` also what it says.

use super::say;
use crate::{
    Outcome,
    cli::{Output, Token},
    data_folder::token_key,
};
use anyhow::Result;
use headwater_kernel::Timestamp;
use headwater_runtime::Runtime;
use headwater_tenancy::{Role, TokenRequest};
use serde_json::json;
use std::path::Path;

pub(crate) fn run(data: &Path, request: Token, output: Output, runtime: &Runtime) -> Result<Outcome> {
    let Token {
        tenant,
        subject,
        role,
        ttl,
    } = request;
    let roles = if role.is_empty() {
        vec![Role::Owner, Role::Operator]
    } else {
        role
    };
    let request = TokenRequest {
        tenant,
        subject,
        roles,
        ttl,
    };
    // Tokens count whole seconds.
    let now = runtime.now().nanos() / 1_000_000_000;
    let token = token_key(data)?.sign(&request, runtime);
    match output {
        Output::Text => say(token),
        Output::Json => {
            let expires = i64::try_from(ttl.as_secs()).ok().and_then(|ttl| now.checked_add(ttl));
            let expires = expires.and_then(|seconds| seconds.checked_mul(1_000_000_000));
            say(json!({
                "token": token, "tenant": request.tenant, "subject": request.subject, "roles": request.roles,
                "expires_at": expires.map(Timestamp::from_nanos),
            }));
        }
    }
    Ok(Outcome::Done)
}
