//! Why a replay cannot be begun, switched to or dropped, or does not go on.

use crate::ApplyError;
use headwater_kernel::TenantId;

/// Why a call about replays was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// There is no such projection.
    #[error("there is no projection {name}; there are {known}")]
    UnknownProjection {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The projection has no such generation.
    #[error("{projection} has no generation {number}; it has {known}")]
    UnknownGeneration {
        /// The projection.
        projection: String,
        /// What was asked for.
        number: u32,
        /// What there is.
        known: String,
    },
    /// Another replay of the projection is under way.
    #[error("generation {number} of {projection} is being made; wait for it or cancel it")]
    Busy {
        /// The projection.
        projection: String,
        /// The generation.
        number: u32,
    },
    /// No replay of the projection is under way.
    #[error("no replay of {0} is under way")]
    NoReplay(String),
    /// A generation that is live, or was until now, cannot be dropped.
    #[error("generation {0} is live, or was so until now; switch to another one and wait a minute")]
    Live(u32),
    /// A generation that is not complete cannot be switched to.
    #[error("generation {0} is not complete")]
    NotComplete(u32),
    /// There is nothing to check again.
    #[error("the check of generation {0} has not failed; there is nothing to check again")]
    NotFailed(u32),
    /// A generation that was made for one tenant cannot be live for others.
    #[error("the generation was made for the tenant {0} alone")]
    OneTenant(TenantId),
    /// Too many tenants have generations of their own.
    #[error("too many tenants have generations of their own; replay the projection for all")]
    TooManyTenants,
    /// The projection does not follow such aggregates.
    #[error("{projection} does not follow {aggregate}")]
    NotFollowed {
        /// The projection.
        projection: String,
        /// The aggregates' plural name.
        aggregate: String,
    },
    /// What adds to sums cannot be written over.
    #[error("{0} adds to sums that other aggregates make, too; rebuild it as a whole")]
    HasSums(String),
    /// It was told to stop, or another worker goes on with it.
    #[error("this worker stopped")]
    Stopped,
    /// A store does not answer or refuses.
    #[error("a store did not take the call")]
    Store(#[from] ApplyError),
}

impl From<headwater_dynamo_repository::Error> for ReplayError {
    fn from(error: headwater_dynamo_repository::Error) -> Self {
        Self::Store(crate::race::failed(error))
    }
}

impl From<headwater_event_log::Error> for ReplayError {
    fn from(error: headwater_event_log::Error) -> Self {
        Self::Store(ApplyError::log(error))
    }
}

impl ReplayError {
    /// Whether the same call can go well later, without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Store(ApplyError::Retry(_)) | Self::Stopped)
    }
}
