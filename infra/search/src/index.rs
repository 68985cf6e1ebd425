//! The port. What an adapter has to do is said here; `tests/contract` checks it on each.

use crate::{Error, Hits, Query, SuggestQuery, Suggestion};
use async_trait::async_trait;
use headwater_kernel::Id;
use headwater_tenancy::TenantScope;
use serde_json::Value;
use std::{fmt, str::FromStr, time::Duration};

/// The name of an index: `<kind>-<projection>-<generation>`, such as `products-product-search-1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IndexName {
    /// The kind of its documents, without a hyphen.
    pub kind: String,
    /// The projection that fills it.
    pub projection: String,
    /// Which filling.
    pub generation: u32,
}

impl IndexName {
    /// From its parts.
    pub fn new(kind: impl Into<String>, projection: impl Into<String>, generation: u32) -> Self {
        Self {
            kind: kind.into(),
            projection: projection.into(),
            generation,
        }
    }
}

impl fmt::Display for IndexName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.kind, self.projection, self.generation)
    }
}

impl FromStr for IndexName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let parts = || {
            let (kind, rest) = name.split_once('-')?;
            let (projection, generation) = rest.rsplit_once('-')?;
            Some(Self::new(kind, projection, generation.parse().ok()?))
        };
        parts().ok_or_else(|| format!("{name:?} is not an index; a name is KIND-PROJECTION-GENERATION"))
    }
}

/// A document to write at a version, which its source's version is.
#[derive(Debug, Clone)]
pub struct DocumentWrite {
    /// Whose document.
    pub scope: TenantScope,
    /// Its id within the tenant and kind.
    pub id: Id,
    /// Its version. Only a higher one ever replaces another.
    pub version: u64,
    /// What is written.
    pub body: DocumentBody,
}

/// What is written.
#[derive(Debug, Clone)]
pub enum DocumentBody {
    /// The document.
    Put(Value),
    /// It is gone. The tombstone keeps the version, so that a late older write does not bring it back; queries never see it. What `state`
    /// holds is answered by [`SearchIndex::stored`], so that a fold can go on.
    Tombstone {
        /// The folded state, if a later event may bring the document back.
        state: Option<Value>,
    },
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It is the newest.
    Applied,
    /// One as new or newer was there, also if that one is not committed yet. The write is done with.
    Superseded {
        /// The version that stays.
        current: u64,
    },
}

/// A document as it is stored, committed or not.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDocument {
    /// Its version.
    pub version: u64,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// What was written with it.
    pub body: Option<Value>,
}

/// A search index of one kind, projection and generation.
///
/// Every adapter holds to this:
/// - A tenant's documents are found with that tenant's scope alone: as hits, in totals, facets, highlights and suggestions.
/// - [`SearchIndex::write`] puts a document only when its version is higher than every version written before, committed or not.
/// - A text never fails a query. Fields that do not exist do, as [`Error::UnknownField`].
/// - Paging by cursor neither repeats nor skips a document that did not change meanwhile, whatever else is written or merged.
/// - Errors are classified as [`Error`] says. No call blocks the async runtime.
#[async_trait]
pub trait SearchIndex: Send + Sync {
    /// Writes documents, in order; the outcomes are in the same order. What is applied is seen by [`SearchIndex::stored`] at once and by
    /// searches after the next commit. After an error none, some or all may have been applied; writing them again is right.
    ///
    /// # Errors
    /// [`Error::InvalidDocument`] before anything is written; [`Error::RolledBack`] as at [`SearchIndex::commit`], where an adapter commits
    /// of itself or has not been able to tell before; else as classified.
    async fn write(&self, writes: Vec<DocumentWrite>) -> Result<Vec<WriteOutcome>, Error>;

    /// The document as last written, committed or not: what the next fold starts from. In order of `ids`.
    ///
    /// # Errors
    /// As classified.
    async fn stored(&self, scope: &TenantScope, ids: &[Id]) -> Result<Vec<Option<StoredDocument>>, Error>;

    /// Whether documents are kept by a commit, together with its positions. Such an index is open in one process. Of another a document is
    /// kept once its write is answered, several processes may write to it, and who writes keeps the positions elsewhere, after the write.
    fn keeps_positions(&self) -> bool;

    /// Makes what was written visible to searches. An index that [keeps positions](SearchIndex::keeps_positions) keeps it now, together with
    /// `positions`: after a crash both are as of one commit, never one without the other. Documents may be ahead of the positions, never
    /// behind, and reading from them again is harmless.
    ///
    /// # Errors
    /// As classified; the commit before stands then, and its positions. After [`Error::RolledBack`] so do its documents: writes that were
    /// answered since are undone, and the caller has to write everything since the positions of its last commit again before it commits
    /// positions past them. It is given only when writes that were answered are undone, and by the next call if nobody waited for the one
    /// that failed. After any other error what was written stays written, and the commit can be repeated.
    async fn commit(&self, positions: Value) -> Result<(), Error>;

    /// What the last commit that is kept was given; none when there was none, and in an index that does not keep positions.
    ///
    /// # Errors
    /// As classified.
    async fn positions(&self) -> Result<Option<Value>, Error>;

    /// Which making of the index is there, for who keeps positions elsewhere: one that was lost and is made anew has another, and nothing of what
    /// they stand for. None in an index that keeps positions.
    ///
    /// # Errors
    /// As classified.
    async fn incarnation(&self) -> Result<Option<String>, Error> {
        Ok(None)
    }

    /// Answers a query.
    ///
    /// # Errors
    /// What [`Error::is_callers`] names, and as classified.
    async fn search(&self, scope: &TenantScope, query: &Query) -> Result<Hits, Error>;

    /// What a text that is being typed may become, the best first. Only what searches find now is suggested: it is in a document of the
    /// tenant that is not deleted.
    ///
    /// # Errors
    /// What [`Error::is_callers`] names, and as classified.
    async fn suggest(&self, scope: &TenantScope, query: &SuggestQuery) -> Result<Vec<Suggestion>, Error>;

    /// The version of a document that searches see now, a tombstone's too.
    ///
    /// # Errors
    /// As classified.
    async fn visible_version(&self, scope: &TenantScope, id: &Id) -> Result<Option<u64>, Error>;

    /// Waits until searches see the document at `version` or later, for at most `limit`; says whether they do.
    ///
    /// # Errors
    /// As classified.
    async fn await_visible(&self, scope: &TenantScope, id: &Id, version: u64, limit: Duration) -> Result<bool, Error>;
}
