//! What the service's errors mean.

use crate::Error;
use aws_sdk_timestreamwrite::{
    config::http::HttpResponse,
    error::{BoxError, DisplayErrorContext, ProvideErrorMetadata, SdkError},
};

/// Whether an error is of this kind.
pub(super) fn is<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>, kind: &str) -> bool {
    error.code() == Some(kind)
}

/// The error of a call. All may pass: what is wrong with rights or a missing database is mended by an operator, and nothing is lost meanwhile.
pub(super) fn failed<E>(what: &str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    Error::Unavailable(format!("{what}: {}", DisplayErrorContext(&error)))
}

/// The account's endpoints were not told.
pub(super) fn unreached(error: BoxError) -> Error {
    Error::Unavailable(format!("asking for the endpoints: {error}"))
}
