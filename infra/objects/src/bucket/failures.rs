//! Which failures of S3 may pass by themselves.

use crate::Error;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::{
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    operation::put_object::PutObjectError,
};

/// Said by a conditional put that meets another one.
const CONFLICT: &str = "ConditionalRequestConflict";

/// Whether an object of this name is there.
pub(super) fn is_taken(error: &SdkError<PutObjectError, HttpResponse>) -> bool {
    error.code() == Some("PreconditionFailed") || status(error) == Some(412)
}

/// Whether it was another put under way.
pub(super) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::Unavailable { source, .. } if source.to_string().contains(CONFLICT))
}

/// The error for `what`.
pub(super) fn failed<E>(what: String, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let status = status(&error);
    let conflict = error.code() == Some(CONFLICT);
    // Its own text is "service error".
    let said = DisplayErrorContext(&error).to_string();
    match status {
        Some(400..=499) if !conflict && !matches!(status, Some(408 | 429)) => Error::refused(what, said),
        _ => Error::unavailable(what, said),
    }
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}
