//! From why a read failed to what its caller is told.

use ::http::StatusCode;
use headwater_edge::{Problem, invalid_id};
pub(crate) use headwater_edge::{hint, invalid_parameter as invalid, shown, unknown};
use std::{error::Error, time::Duration};

/// When a read that met trouble should be sent again.
const AGAIN: Duration = Duration::from_secs(1);

pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, detail)
}

pub(crate) fn not_found(what: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", format!("there is no {what}"))
}

/// The error and its causes, for the operator.
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
        let detail = "the store does not answer now; try again";
        Problem::unavailable("unavailable", detail, AGAIN).for_operator(chain(error))
    } else {
        Problem::internal(chain(error))
    }
}

pub(crate) fn of_repository(error: headwater_dynamo_repository::Error) -> Problem {
    use headwater_dynamo_repository::Error;
    match &error {
        Error::InvalidCursor => bad_request("invalid-cursor", error.to_string()).at("/cursor", error.to_string()),
        Error::KeyTooLong { .. } => invalid_id(error.to_string()),
        _ => failed(&error, error.is_retryable()),
    }
}

pub(crate) fn of_audit_log(error: headwater_audit_log::Error) -> Problem {
    use headwater_audit_log::Error;
    let retryable = match &error {
        Error::Objects(error) => error.is_retryable(),
        Error::Store(_) => true,
        Error::Altered { .. } => false,
    };
    failed(&error, retryable)
}

pub(crate) fn of_log(error: headwater_event_log::Error) -> Problem {
    failed(&error, error.is_retryable())
}

pub(crate) fn of_metrics(error: headwater_metrics::Error) -> Problem {
    use headwater_metrics::Error;
    let text = error.to_string();
    match &error {
        Error::EmptyInterval => invalid("to", "lies after from"),
        Error::TooManyBins { .. } => bad_request("too-many-bins", text.clone()).at("/bin", text),
        Error::TooManyGroups { .. } => bad_request("too-many-groups", text.clone()).at("/group_by", text),
        Error::TooManyPoints { .. } => bad_request("too-many-points", text.clone()).at("/from", text),
        Error::PointsGone { .. } => bad_request("points-gone", text.clone()).at("/from", text),
        Error::UnknownDimension { dimension, .. } => {
            bad_request("unknown-dimension", text.clone()).at(format!("/dim.{dimension}"), text)
        }
        _ => failed(&error, error.is_retryable()),
    }
}

pub(crate) fn of_search(error: headwater_search::Error) -> Problem {
    use headwater_search::Error;
    let text = error.to_string();
    match &error {
        Error::UnknownField { field, usage, .. } => {
            // The parameter that names the field, where that is not the field's own.
            let parameter = match *usage {
                "count" => "facets",
                "sort by" => "sort",
                _ => field,
            };
            bad_request("unknown-field", text.clone()).at(format!("/{parameter}"), text)
        }
        Error::InvalidCursor => bad_request("invalid-cursor", text.clone()).at("/cursor", text),
        Error::InvalidLimit { .. } => invalid("limit", text),
        Error::TooMany { .. } => bad_request("too-many", text),
        _ => failed(&error, error.is_retryable()),
    }
}
