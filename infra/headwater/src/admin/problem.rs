//! From why something failed to what the operator is told.

use headwater_edge::Problem;
pub(super) use headwater_edge::invalid_parameter as invalid;
use headwater_projectors::{ApplyError, ReplayError};
use headwater_tenancy::DirectoryError;
use http::StatusCode;
use std::{error::Error, time::Duration};

/// When a request that met trouble should be sent again.
const AGAIN: Duration = Duration::from_secs(1);

/// The error and its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn failed(error: &dyn Error, retryable: bool) -> Problem {
    if retryable {
        Problem::unavailable("unavailable", "the store does not answer now; try again", AGAIN)
            .for_operator(chain(error))
    } else {
        Problem::internal(chain(error))
    }
}

pub(super) fn of_directory(error: DirectoryError) -> Problem {
    match &error {
        DirectoryError::Exists { .. } => Problem::new(StatusCode::CONFLICT, "tenant-exists", error.to_string()),
        DirectoryError::Unknown(_) => Problem::new(StatusCode::NOT_FOUND, "not-found", error.to_string()),
        DirectoryError::Store(_) => failed(&error, true),
        DirectoryError::Unreadable(_) => failed(&error, false),
    }
}

pub(super) fn of_log(error: headwater_event_log::Error) -> Problem {
    failed(&error, error.is_retryable())
}

pub(super) fn of_repository(error: headwater_dynamo_repository::Error) -> Problem {
    failed(&error, error.is_retryable())
}

pub(super) fn of_apply(error: ApplyError) -> Problem {
    failed(&error, matches!(error, ApplyError::Retry(_)))
}

pub(super) fn of_replay(error: ReplayError) -> Problem {
    let (status, code) = match &error {
        ReplayError::UnknownProjection { .. } => (StatusCode::NOT_FOUND, "unknown-projection"),
        ReplayError::UnknownGeneration { .. } => (StatusCode::NOT_FOUND, "unknown-generation"),
        ReplayError::HasSums(_) => (StatusCode::CONFLICT, "has-sums"),
        ReplayError::NotFollowed { .. } => (StatusCode::NOT_FOUND, "not-followed"),
        ReplayError::NoReplay(_) => (StatusCode::NOT_FOUND, "no-replay"),
        ReplayError::Busy { .. } => (StatusCode::CONFLICT, "replay-under-way"),
        ReplayError::Live(_) => (StatusCode::CONFLICT, "generation-live"),
        ReplayError::NotComplete(_) => (StatusCode::CONFLICT, "generation-incomplete"),
        ReplayError::NotFailed(_) => (StatusCode::CONFLICT, "check-not-failed"),
        ReplayError::OneTenant(_) => (StatusCode::UNPROCESSABLE_ENTITY, "generation-of-one-tenant"),
        ReplayError::TooManyTenants => (StatusCode::UNPROCESSABLE_ENTITY, "too-many-tenants"),
        _ => return failed(&error, error.is_retryable()),
    };
    Problem::new(status, code, error.to_string())
}

pub(super) fn bad_request(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, detail)
}
