//! What can go wrong.

use std::error::Error as Source;

/// Why the audit log could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The place of the objects did not do what was asked.
    #[error("the audit log's objects: {0}")]
    Objects(#[from] headwater_objects::Error),
    /// The tables did not answer. Worth a retry.
    #[error("the audit log's ledger or the event log did not answer: {0}")]
    Store(Box<dyn Source + Send + Sync>),
    /// Something is not as this program wrote it.
    #[error("{name} is not as it was written: {why}; `headwater audit-log verify` says what else is not")]
    Altered {
        /// The object, digest or row.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Error {
    pub(crate) fn store(source: impl Into<Box<dyn Source + Send + Sync>>) -> Self {
        Self::Store(source.into())
    }

    pub(crate) fn altered(name: impl Into<String>, why: impl ToString) -> Self {
        Self::Altered {
            name: name.into(),
            why: why.to_string(),
        }
    }
}
