//! `headwater token`: a signed development token on stdout, and nothing else.

use super::say;
use crate::{Outcome, cli::Token, data_folder::token_key};
use anyhow::Result;
use headwater_runtime::Runtime;
use headwater_tenancy::{Role, TokenRequest};
use std::path::Path;

pub(crate) fn run(data: &Path, request: Token, runtime: &Runtime) -> Result<Outcome> {
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
    say(token_key(data)?.sign(
        &TokenRequest {
            tenant,
            subject,
            roles,
            ttl,
        },
        runtime,
    ));
    Ok(Outcome::Done)
}
