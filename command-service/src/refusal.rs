//! From why a command was refused to what its caller is told.

use ::http::StatusCode;
use headwater_edge::Problem;
use headwater_event_log::{Error, Refusal};
use headwater_kernel::{DecodeError, Rejection};
use std::time::Duration;

/// When a command that met trouble should be sent again.
const AGAIN: Duration = Duration::from_secs(1);

/// The problem of a refusal. `if_match` tells that the expected version came as a precondition.
pub(crate) fn problem_of(refusal: Refusal, if_match: bool) -> Problem {
    let text = refusal.to_string();
    match refusal {
        Refusal::Rejected(rejection) => rejected(rejection),
        Refusal::VersionConflict { current, .. } => {
            let status = if if_match {
                StatusCode::PRECONDITION_FAILED
            } else {
                StatusCode::CONFLICT
            };
            Problem::new(status, "version-conflict", text).current_version(current)
        }
        Refusal::CommandIdReused => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", text),
        Refusal::Contended => Problem::unavailable("contended", text, AGAIN),
        Refusal::Log(error) => failed(error),
    }
}

fn rejected(rejection: Rejection) -> Problem {
    let Rejection { code, detail, pointer } = rejection;
    if code == Rejection::NOT_FOUND {
        return Problem::new(StatusCode::NOT_FOUND, code, detail);
    }
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail.clone());
    if pointer.is_empty() {
        problem
    } else {
        problem.at(pointer, detail)
    }
}

fn failed(error: Error) -> Problem {
    let text = error.to_string();
    let mut operator = text.clone();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        operator = format!("{operator}: {cause}");
        source = cause.source();
    }
    match error {
        Error::TooLarge { .. } => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "commit-too-large", text),
        Error::Unavailable(_) => {
            let detail = "the store does not answer now; send the command again with the same Idempotency-Key";
            Problem::unavailable("unavailable", detail, AGAIN).for_operator(operator)
        }
        _ => Problem::internal(operator),
    }
}

/// The problem of a payload that is not the command's.
pub(crate) fn undecodable(error: DecodeError) -> Problem {
    let status = if error.breaks_rule {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::BAD_REQUEST
    };
    let place = if error.pointer.is_empty() {
        "the payload".to_owned()
    } else {
        error.pointer.clone()
    };
    Problem::new(status, "invalid-payload", format!("{place}: {}", error.detail)).at(error.pointer, error.detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_status_and_code() {
        let conflict = || Refusal::VersionConflict {
            expected: 3,
            current: 7,
        };
        for (refusal, if_match, status, code) in [
            (conflict(), false, 409, "version-conflict"),
            (conflict(), true, 412, "version-conflict"),
            (Refusal::CommandIdReused, false, 422, "idempotency-key-reused"),
            (Refusal::Contended, false, 503, "contended"),
            (Rejection::not_found().into(), false, 404, "not-found"),
            (Rejection::rule("closed", "no").into(), false, 422, "closed"),
            (
                Error::TooLarge { bytes: 2, limit: 1 }.into(),
                false,
                422,
                "commit-too-large",
            ),
            (Error::Unavailable("secret".into()).into(), false, 503, "unavailable"),
            (Error::Refused("secret".into()).into(), false, 500, "internal"),
        ] {
            let problem = problem_of(refusal, if_match);
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
            assert!(!problem.document().to_string().contains("secret"));
            assert_eq!(
                status >= 500 && code != "contended",
                problem.operator().is_some(),
                "{code}"
            );
        }
        assert_eq!(problem_of(conflict(), true).version(), Some(7));
    }
}
