//! Why a search engine did not do as asked. An adapter maps its engine's failures onto these; [`Error::is_retryable`] is theirs alone.

/// The error of every adapter. How to classify: what the caller must change is `Invalid…`, `Unknown…` or `TooMany`; what may work in a
/// moment with no change is `Unavailable`; what needs an operator is `Storage` or `Corrupt`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The query names a field that the kind does not have, or that cannot be used so.
    #[error("cannot {usage} {field:?}{}", nearest.as_ref().map(|name| format!("; did you mean {name:?}?")).unwrap_or_default())]
    UnknownField {
        /// What was asked for.
        field: String,
        /// For what: `filter by`, `count`, `collapse by`, `sort by`, `suggest`.
        usage: &'static str,
        /// The closest name that can be used so.
        nearest: Option<String>,
    },
    /// The cursor was not made here for this tenant and this query.
    #[error("the cursor is not of this query; take it from an answer and send it back with the same query")]
    InvalidCursor,
    /// The limit is 0, or more than [`crate::MAX_LIMIT`] hits or [`crate::MAX_SUGGESTIONS`] suggestions.
    #[error("an answer has 1 to {max}, not {limit}")]
    InvalidLimit {
        /// What was asked for.
        limit: usize,
        /// The most there can be.
        max: usize,
    },
    /// More filters, values or facets than a query may have.
    #[error("a query may have at most {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The most there can be.
        max: usize,
    },
    /// A document is not as its mapping says.
    #[error("the document {id} cannot be indexed: {reason}")]
    InvalidDocument {
        /// Its id.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The engine does not answer now: stopping, overloaded, unreachable.
    #[error("the search engine does not answer now: {0}")]
    Unavailable(String),
    /// The index is not there any more.
    #[error(
        "the search index {0} is not there; it is made anew and filled from the log by a process that has the role project"
    )]
    Missing(String),
    /// The engine's disk is full, read-only or failing. Documents wait until an operator has seen to it.
    #[error("the search index cannot be written; see to its disk")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A commit failed and the engine undid all that was written since the commit before, also what it had answered. Only an adapter whose
    /// writes are not kept before the commit gives it.
    #[error("the search index is as of its last commit again; write all since its positions once more")]
    RolledBack {
        /// Why the commit failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is stored cannot be read. The index has to be rebuilt from the log.
    #[error("the search index cannot be read; rebuild it with `headwater replay`")]
    Corrupt(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Whether the same call may succeed later with nothing changed. A full disk counts: a projector waits and goes on once there is room.
    /// After [`Error::RolledBack`] what was undone has to be written first.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::Missing(_) | Self::Storage(_) | Self::RolledBack { .. }
        )
    }

    /// Whether the caller of a query can mend it.
    pub fn is_callers(&self) -> bool {
        matches!(
            self,
            Self::UnknownField { .. } | Self::InvalidCursor | Self::InvalidLimit { .. } | Self::TooMany { .. }
        )
    }
}
