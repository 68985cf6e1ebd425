//! An SDK error in one line, and what it means.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use std::error::Error;

/// Why a call went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Nobody answered.
    Unreachable,
    /// There are no credentials, or nobody knows them.
    Credentials,
    /// They are not allowed this call.
    Denied,
    /// The table or stream does not exist.
    Missing,
    /// A condition did not hold: the call was allowed.
    Condition,
    /// Something else.
    Other,
}

pub(super) fn why<E: ProvideErrorMetadata + Error + 'static, R: std::fmt::Debug>(error: &SdkError<E, R>) -> Why {
    match error.code() {
        Some("ConditionalCheckFailedException") => Why::Condition,
        Some("ResourceNotFoundException") => Why::Missing,
        Some("AccessDeniedException") => Why::Denied,
        Some(
            "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "ExpiredTokenException"
            | "MissingAuthenticationTokenException"
            | "IncompleteSignatureException",
        ) => Why::Credentials,
        Some(_) => Why::Other,
        None if DisplayErrorContext(error).to_string().contains("credentials") => Why::Credentials,
        None => Why::Unreachable,
    }
}

/// The error in one line: what the store said, or else the first cause.
pub(super) fn told<E: ProvideErrorMetadata + Error + 'static, R: std::fmt::Debug>(error: &SdkError<E, R>) -> String {
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => return format!("{code}: {message}").replace('\n', " "),
        (Some(code), None) => return code.to_owned(),
        _ => {}
    }
    if DisplayErrorContext(error).to_string().contains("no credentials found") {
        return "there are none, neither in the environment nor in a profile, container or instance".to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string().replace('\n', " ")
}
