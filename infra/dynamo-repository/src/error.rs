//! What a repository can answer instead of rows.

/// Why a call did not do what was asked. [`Error::is_retryable`] tells whether asking again can help.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The row is at another version than expected.
    #[error("the row is at another version than expected")]
    Conflict,
    /// A cursor was not made here, or for another tenant or query.
    #[error("the cursor does not belong to this query; send next_cursor back unchanged, with the same filters")]
    InvalidCursor,
    /// A key takes more bytes than DynamoDB allows.
    #[error("the key takes {bytes} bytes and at most {limit} are allowed; use shorter ids")]
    KeyTooLong {
        /// What it takes.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// A partial update changed what the table's key is made of.
    #[error("an update cannot change a row's key; delete the row and save it under the new key")]
    KeyChanged,
    /// A stored row does not fit its entity.
    #[error("a row {entity} cannot be read: {why}")]
    Unreadable {
        /// Its discriminator.
        entity: String,
        /// What is wrong.
        why: String,
    },
    /// The store refused for now or did not answer in time.
    #[error("the table did not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store refused for good.
    #[error("the table refused the request")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Whether the same request can succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    pub(crate) fn of<E>(error: aws_sdk_dynamodb::error::SdkError<E>) -> Self
    where
        E: aws_sdk_dynamodb::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match headwater_dynamodb::classify(&error) {
            headwater_dynamodb::Class::Conflict => Self::Conflict,
            class if class.is_retryable() => Self::Unavailable(error.into()),
            _ => Self::Refused(error.into()),
        }
    }

    pub(crate) fn unreadable(entity: impl Into<String>, why: impl ToString) -> Self {
        Self::Unreadable {
            entity: entity.into(),
            why: why.to_string(),
        }
    }
}
