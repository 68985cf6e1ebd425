//! Which failures the SDK's standard retry (exponential back-off with full jitter, a shared retry budget) takes on beyond its own list:
//! transactions that lost against another one. A failed condition is never retried.

use crate::error::{Class, class_of};
use aws_sdk_dynamodb::{
    config::retry::{ClassifyRetry, RetryAction, RetryConfig},
    error::{ErrorMetadata, ProvideErrorMetadata},
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError, transact_get_items::TransactGetItemsError,
        transact_write_items::TransactWriteItemsError, update_item::UpdateItemError,
    },
};
use aws_smithy_runtime_api::client::interceptors::context::{Error, InterceptorContext};
use aws_smithy_types::retry::ErrorKind;
use std::time::Duration;

/// Attempts of one call, the first included.
const ATTEMPTS: u32 = 5;

/// How calls are retried.
pub(crate) fn config() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_secs(2))
}

/// Retries `TransactionConflict`, as the error itself or as the only kind of reason of a cancelled transaction.
#[derive(Debug)]
pub(crate) struct Contention;

impl ClassifyRetry for Contention {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else {
            return RetryAction::NoActionIndicated;
        };
        let Some(metadata) = error.as_operation_error().and_then(metadata) else {
            return RetryAction::NoActionIndicated;
        };
        if !matches!(
            metadata.code(),
            Some("TransactionCanceledException" | "TransactionConflictException")
        ) {
            return RetryAction::NoActionIndicated;
        }
        match class_of(metadata.code(), metadata.message()) {
            Some(Class::Throttled) => RetryAction::throttling_error(),
            Some(Class::Unavailable) => RetryAction::retryable_error(ErrorKind::ServerError),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "transaction contention"
    }
}

/// The error's code and message, if it is of an operation that takes part in transactions.
fn metadata(error: &Error) -> Option<&ErrorMetadata> {
    fn of<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static>(
        error: &Error,
    ) -> Option<&ErrorMetadata> {
        error.downcast_ref::<E>().map(ProvideErrorMetadata::meta)
    }
    of::<TransactWriteItemsError>(error)
        .or_else(|| of::<PutItemError>(error))
        .or_else(|| of::<UpdateItemError>(error))
        .or_else(|| of::<DeleteItemError>(error))
        .or_else(|| of::<TransactGetItemsError>(error))
}
