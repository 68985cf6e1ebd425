//! What applies the commits of one source aggregate to one projection.

use async_trait::async_trait;
use headwater_kernel::{Commit, Id};
use headwater_tenancy::TenantScope;

/// Commits of one aggregate, in order of sequence. There may be duplicates of what was applied before, and gaps.
#[derive(Debug, Clone)]
pub struct SourceCommits {
    /// The scope of the aggregate's tenant.
    pub scope: TenantScope,
    /// The aggregate's id.
    pub id: Id,
    /// The commits.
    pub commits: Vec<Commit>,
}

/// Why commits were not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A store did not answer or was changed by another worker; the same commits can be applied later.
    #[error("a store did not take the change")]
    Retry(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// These commits cannot be applied by this build, however often it tries.
    #[error("the commits cannot be applied")]
    Permanent(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ApplyError {
    /// Sorts a log error.
    pub(crate) fn log(error: headwater_event_log::Error) -> Self {
        if error.is_retryable() {
            Self::Retry(error.into())
        } else {
            Self::Permanent(error.into())
        }
    }
}

/// Applies commits of one kind of aggregate to one projection. Effect and version move together, so applying again changes nothing.
#[async_trait]
pub trait Follower: Send + Sync {
    /// The projection's name: `product-view`.
    fn projection(&self) -> &'static str;

    /// Context and plural name of the aggregates it follows.
    fn source(&self) -> (&'static str, &'static str);

    /// Applies commits of several aggregates, each in order. The results stand in the order of the input.
    async fn apply(&self, sources: Vec<SourceCommits>) -> Vec<Result<(), ApplyError>>;
}
