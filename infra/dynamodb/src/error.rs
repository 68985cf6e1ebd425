//! What can go wrong with a call, and what a caller may do about it.

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
};
use std::{error::Error as StdError, io, path::PathBuf};

/// What a caller may do after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The table or account is over its rate. Retry later, slower. Nothing happened.
    Throttled,
    /// No answer, or a fault of the store. Retry, but the call may have had its effect.
    Unavailable,
    /// A condition did not hold. Retrying the same call is useless: read again and decide again.
    Conflict,
    /// The call is wrong or not allowed, and will be however often it is made.
    Permanent,
}

impl Class {
    /// Whether making the same call again can help.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable)
    }
}

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call to DynamoDB failed.
    #[error("{operation} failed{}: {source}", code.as_deref().map(|code| format!(" with {code}")).unwrap_or_default())]
    Call {
        /// What was being done.
        operation: &'static str,
        /// What may be done now.
        class: Class,
        /// DynamoDB's error code, if it answered.
        code: Option<String>,
        /// The SDK's error.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A table exists but is not as its definition says.
    #[error(
        "table {table} has {what} {found}, and its definition says {expected}; use another table prefix, or delete the table"
    )]
    TableDiffers {
        /// The table, with its prefix.
        table: String,
        /// What differs.
        what: &'static str,
        /// As it is.
        found: String,
        /// As it must be.
        expected: String,
    },
    /// A table does not exist, and this process does not make it.
    #[error("table {table} does not exist")]
    TableMissing {
        /// The table, with its prefix.
        table: String,
    },
    /// A table did not become usable in time.
    #[error("table {table} is still {status} after {seconds} s")]
    TableNotReady {
        /// The table, with its prefix.
        table: String,
        /// Its last status.
        status: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The embedded engine's file was written by an engine this program does not know.
    #[error("{} has engine schema {found}, and this program knows {expected}; run the program that wrote it", path.display())]
    UnknownEngine {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What is known.
        expected: String,
    },
    /// The embedded engine could not open its file.
    #[error("the embedded engine cannot open {}: {message}", path.display())]
    Engine {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// The embedded engine could not open its file for want of room.
    #[error("the disk of {} is full: {free} KiB are free ({message}); make room, then start again", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// KiB that are free there.
        free: u64,
        /// What the engine said.
        message: String,
    },
    /// A file or folder could not be used.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// Wraps an SDK error of a call made to do `operation`.
    pub fn call<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        Self::Call {
            operation,
            class: classify(&error),
            code: error.code().map(str::to_owned),
            source: Box::new(Shown(error)),
        }
    }

    /// What a caller may do about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Call { class, .. } => *class,
            Self::TableNotReady { .. } => Class::Unavailable,
            _ => Class::Permanent,
        }
    }
}

/// An SDK error that prints its cause: the SDK's own `Display` says "service error" and no more.
#[derive(Debug)]
struct Shown<E>(SdkError<E, HttpResponse>);

impl<E: StdError + 'static> std::fmt::Display for Shown<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", aws_sdk_dynamodb::error::DisplayErrorContext(&self.0))
    }
}

impl<E: StdError + 'static> StdError for Shown<E> {}

/// What may be done about an SDK error, whatever the operation and whichever of the two clients.
pub fn classify<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Class {
    let (code, message) = (error.code(), error.message());
    match error {
        SdkError::ConstructionFailure(_) => Class::Permanent,
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => Class::Unavailable,
        _ => class_of(code, message).unwrap_or_else(|| {
            let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
            if status >= 500 || status == 429 {
                Class::Unavailable
            } else {
                Class::Permanent
            }
        }),
    }
}

/// Whether making the same call again can help.
pub fn is_retryable<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    classify(error).is_retryable()
}

/// The class of a DynamoDB error code; of a cancelled transaction by the reasons its message lists.
pub(crate) fn class_of(code: Option<&str>, message: Option<&str>) -> Option<Class> {
    Some(match code? {
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "LimitExceededException" => Class::Throttled,
        "InternalServerError"
        | "ServiceUnavailable"
        | "TransactionConflictException"
        | "TransactionInProgressException" => Class::Unavailable,
        "ConditionalCheckFailedException" | "ResourceInUseException" => Class::Conflict,
        "TransactionCanceledException" => class_of_cancelled(message.unwrap_or_default()),
        _ => return None,
    })
}

/// DynamoDB lists the reasons in the message, `… for specific reasons [None, ConditionalCheckFailed]`.
fn class_of_cancelled(message: &str) -> Class {
    let reasons = message.rsplit_once('[').map_or(message, |(_, reasons)| reasons);
    if reasons.contains("ConditionalCheckFailed") || reasons.contains("DuplicateItem") {
        Class::Conflict
    } else if reasons.contains("ValidationError") || reasons.contains("ItemCollectionSizeLimitExceeded") {
        Class::Permanent
    } else if reasons.contains("TransactionConflict") {
        Class::Unavailable
    } else if reasons.contains("Throttling") || reasons.contains("ProvisionedThroughputExceeded") {
        Class::Throttled
    } else {
        Class::Permanent
    }
}

/// For a cancelled transaction, the reason's code per item in request order, `None` where the item was not the reason. `None` for any
/// other error.
pub fn transaction_reasons(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> Option<Vec<Option<String>>> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => Some(
            cancelled
                .cancellation_reasons()
                .iter()
                .map(|reason| reason.code().filter(|code| *code != "None").map(str::to_owned))
                .collect(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_transaction_is_a_conflict_when_any_condition_failed() {
        let class = |reasons: &str| {
            class_of(
                Some("TransactionCanceledException"),
                Some(&format!("cancelled for specific reasons [{reasons}]")),
            )
        };
        assert_eq!(class("None, ConditionalCheckFailed"), Some(Class::Conflict));
        assert_eq!(
            class("TransactionConflict, ConditionalCheckFailed"),
            Some(Class::Conflict)
        );
        assert_eq!(class("TransactionConflict, None"), Some(Class::Unavailable));
        assert_eq!(class("ThrottlingError"), Some(Class::Throttled));
        assert_eq!(class("ValidationError"), Some(Class::Permanent));
    }

    #[test]
    fn a_failed_condition_is_never_retryable() {
        assert_eq!(
            class_of(Some("ConditionalCheckFailedException"), None),
            Some(Class::Conflict)
        );
        assert!(!Class::Conflict.is_retryable());
        assert!(Class::Throttled.is_retryable() && Class::Unavailable.is_retryable());
    }
}
