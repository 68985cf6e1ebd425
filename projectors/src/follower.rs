//! What applies the commits of one source aggregate to one projection.

use async_trait::async_trait;
use headwater_kernel::{Commit, Id, TenantId};
use headwater_tenancy::TenantScope;

/// An aggregate, among all of one context.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceKey {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its plural name.
    pub aggregate: String,
    /// Its id.
    pub id: Id,
}

/// News of one aggregate: commits in order of sequence, or only how far its history goes. There may be duplicates of what was applied
/// before, and gaps; what is missing is in the log.
#[derive(Debug, Clone)]
pub struct SourceCommits {
    /// The scope of the aggregate's tenant.
    pub scope: TenantScope,
    /// The aggregate's id.
    pub id: Id,
    /// The commits, as far as they are at hand.
    pub commits: Vec<Commit>,
    /// The history goes at least so far; 0 says no more than `commits`.
    pub up_to: u64,
    /// Where `up_to` is beyond `commits`: nothing before this sequence is news; 0 when that is not known.
    pub from: u64,
    /// First sequence of a commit that an operator has discarded: it advances the head and has no effect.
    pub discard: Option<u64>,
}

/// Why commits were not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A store did not answer or was changed by another worker; the same commits can be applied later.
    #[error("a store did not take the change")]
    Retry(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// This commit cannot be folded by this build, however often it tries.
    #[error("the commit at {first_sequence} cannot be applied")]
    Commit {
        /// The sequence of its first event.
        first_sequence: u64,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A store refused for a reason that need not lie in the commits: permissions, a missing table, a damaged index.
    #[error("a store refused the change")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A store has undone what it had taken since the last position was written.
    #[error("a store lost what was not committed yet")]
    RolledBack(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The result cannot be written, however often it is tried.
    #[error("the commits cannot be applied")]
    Permanent(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ApplyError {
    /// Sorts a log error.
    pub(crate) fn log(error: headwater_event_log::Error) -> Self {
        match error {
            headwater_event_log::Error::Unavailable(_) => Self::Retry(error.into()),
            headwater_event_log::Error::Refused(_) => Self::Refused(error.into()),
            _ => Self::Permanent(error.into()),
        }
    }

    /// The same, once more: errors of a whole batch belong to each of its members.
    pub(crate) fn again(&self) -> Self {
        let text = format!("{:#}", Chain(self));
        match self {
            Self::Retry(_) => Self::Retry(text.into()),
            Self::Commit { first_sequence, .. } => Self::Commit {
                first_sequence: *first_sequence,
                source: text.into(),
            },
            Self::Refused(_) => Self::Refused(text.into()),
            Self::RolledBack(_) => Self::RolledBack(text.into()),
            Self::Permanent(_) => Self::Permanent(text.into()),
        }
    }
}

/// An error with all its sources, on one line.
pub(crate) struct Chain<'a>(pub(crate) &'a ApplyError);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (ApplyError::Retry(source)
        | ApplyError::Refused(source)
        | ApplyError::RolledBack(source)
        | ApplyError::Permanent(source)
        | ApplyError::Commit { source, .. }) = self.0;
        write!(f, "{source}")?;
        let mut next = source.source();
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
    }
}

/// Applies commits of one kind of aggregate to one projection. Effect and version move together, so applying again changes nothing.
#[async_trait]
pub trait Follower: Send + Sync {
    /// Context and plural name of the aggregates it follows.
    fn source(&self) -> (&'static str, &'static str);

    /// Applies news of several aggregates, of each once. The results stand in the order of the input.
    async fn apply(&self, sources: Vec<SourceCommits>) -> Vec<Result<(), ApplyError>>;
}
