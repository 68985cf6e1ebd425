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
        None if told(error).contains("redential") => Why::Credentials,
        None => Why::Unreachable,
    }
}

/// The error in one line.
pub(super) fn told<E: ProvideErrorMetadata + Error + 'static, R: std::fmt::Debug>(error: &SdkError<E, R>) -> String {
    let text = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => DisplayErrorContext(error).to_string(),
    };
    // The SDK appends its structures, which help nobody here.
    let text = text.split(" (").next().unwrap_or_default();
    text.replace('\n', " ")
}
