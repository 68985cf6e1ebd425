//! Why a store of objects did not do as asked.

use std::error::Error as Source;

/// The error of every adapter. How to classify: what may work later with nothing changed is `Unavailable`, a full disk too; what somebody has to
/// mend first is `Refused`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store does not answer, or has no room.
    #[error("{what} failed: {source}")]
    Unavailable {
        /// What was asked, with the object's name.
        what: String,
        /// Why.
        source: Box<dyn Source + Send + Sync>,
    },
    /// The store does not allow it, or is not what was configured.
    #[error("{what} was refused: {source}")]
    Refused {
        /// What was asked, with the object's name.
        what: String,
        /// Why.
        source: Box<dyn Source + Send + Sync>,
    },
}

impl Error {
    /// [`Error::Unavailable`].
    pub fn unavailable(what: impl Into<String>, source: impl Into<Box<dyn Source + Send + Sync>>) -> Self {
        Self::Unavailable {
            what: what.into(),
            source: source.into(),
        }
    }

    /// [`Error::Refused`].
    pub fn refused(what: impl Into<String>, source: impl Into<Box<dyn Source + Send + Sync>>) -> Self {
        Self::Refused {
            what: what.into(),
            source: source.into(),
        }
    }

    /// Whether the same call may succeed later with nothing changed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
