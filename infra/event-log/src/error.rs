//! What can go wrong between a command and its place in the log.

/// Why the log did not do what was asked. [`Error::is_retryable`] tells whether asking again can help.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another commit took the place first.
    #[error("the aggregate is at another version than expected")]
    Conflict,
    /// A value that has to be unique is held by another aggregate.
    #[error("the {} {:?} is held by another of the tenant's {aggregate}", .claim.name, .claim.value)]
    Claimed {
        /// The value.
        claim: headwater_kernel::Claim,
        /// The plural name of the aggregates among which it is unique.
        aggregate: &'static str,
    },
    /// The commit would be too large for one item.
    #[error("the command's events take {bytes} bytes and a commit holds at most {limit}; split the command")]
    TooLarge {
        /// What they take.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// What is stored cannot be understood by this build.
    #[error("{what} cannot be read: {why}")]
    Unreadable {
        /// The item or event.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The store refused for now or did not answer in time; whether a write happened may be unknown.
    #[error("the event table did not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store refused for good: permissions, a missing table, an invalid request.
    #[error("the event table refused the request")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Whether the same request can succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    pub(crate) fn unreadable(what: impl Into<String>, why: impl ToString) -> Self {
        Self::Unreadable {
            what: what.into(),
            why: why.to_string(),
        }
    }
}
