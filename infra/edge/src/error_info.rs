//! From a problem to the status of a gRPC call, with the standard details (`proto/google/rpc/error_details.proto`).

use crate::Problem;
use bytes::Bytes;
use prost::Message;
use std::collections::HashMap;
use tonic::{Code, Status};

/// The generated details.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "generated from proto/google/rpc, where the comments are"
)]
mod generated {
    tonic::include_proto!("google.rpc");
}

pub use generated::ErrorInfo;
use generated::{BadRequest, RetryInfo, bad_request};

/// Whose codes they are.
const DOMAIN: &str = "headwater";

/// `google.rpc.Status`, in which the details travel.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

fn any(name: &str, message: &impl Message) -> prost_types::Any {
    prost_types::Any {
        type_url: format!("type.googleapis.com/google.rpc.{name}"),
        value: message.encode_to_vec(),
    }
}

/// The gRPC code of a problem.
fn code_of(problem: &Problem) -> Code {
    match (problem.status().as_u16(), problem.code()) {
        (_, "deadline-exceeded" | "request-timeout") => Code::DeadlineExceeded,
        (422, "already-exists" | "already-taken") => Code::AlreadyExists,
        (422, "invalid-id" | "invalid-payload" | "commit-too-large") => Code::InvalidArgument,
        (422, _) if !problem.errors().is_empty() => Code::InvalidArgument,
        (422, _) => Code::FailedPrecondition,
        (400 | 413 | 415, _) => Code::InvalidArgument,
        (401, _) => Code::Unauthenticated,
        (403, _) => Code::PermissionDenied,
        (404, _) => Code::NotFound,
        (405 | 501, _) => Code::Unimplemented,
        (409 | 412, _) => Code::Aborted,
        (429, _) => Code::ResourceExhausted,
        (503, _) => Code::Unavailable,
        _ => Code::Internal,
    }
}

impl From<Problem> for Status {
    fn from(problem: Problem) -> Self {
        let code = code_of(&problem);
        let mut metadata = HashMap::from([("status".to_owned(), problem.status().as_u16().to_string())]);
        metadata.extend(problem.trace_id().map(|id| ("trace_id".to_owned(), id.to_owned())));
        metadata.extend(
            problem
                .version()
                .map(|version| ("current_version".to_owned(), version.to_string())),
        );
        let info = ErrorInfo {
            reason: problem.code().to_owned(),
            domain: DOMAIN.to_owned(),
            metadata,
        };
        let mut details = vec![any("ErrorInfo", &info)];
        if !problem.errors().is_empty() {
            let violation = |error: &crate::FieldError| bad_request::FieldViolation {
                field: error.pointer.clone(),
                description: error.detail.clone(),
            };
            let field_violations = problem.errors().iter().map(violation).collect();
            details.push(any("BadRequest", &BadRequest { field_violations }));
        }
        if let Some(seconds) = problem.retry_seconds() {
            let retry_delay = Some(prost_types::Duration {
                seconds: seconds as i64,
                nanos: 0,
            });
            details.push(any("RetryInfo", &RetryInfo { retry_delay }));
        }
        let status = RpcStatus {
            code: code as i32,
            message: problem.detail().to_owned(),
            details,
        };
        Self::with_details(code, problem.detail(), Bytes::from(status.encode_to_vec()))
    }
}

/// The [`ErrorInfo`] of a status that a Headwater server sent.
pub fn error_info(status: &Status) -> Option<ErrorInfo> {
    let details = RpcStatus::decode(status.details()).ok()?.details;
    let info = details
        .iter()
        .find(|detail| detail.type_url.ends_with("/google.rpc.ErrorInfo"))?;
    ErrorInfo::decode(info.value.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::StatusCode;

    #[test]
    fn a_status_carries_the_code_and_what_belongs_to_it() {
        let problem = Problem::new(StatusCode::CONFLICT, "version-conflict", "read again").current_version(7);
        let status = Status::from(problem);
        assert_eq!(status.code(), Code::Aborted);
        let info = error_info(&status).unwrap();
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            ("version-conflict", "headwater")
        );
        assert_eq!(info.metadata["current_version"], "7");
        let rule = Status::from(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "opportunity-is-closed",
            "",
        ));
        assert_eq!(rule.code(), Code::FailedPrecondition);
    }
}
