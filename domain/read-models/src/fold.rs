//! A view is a fold over one source aggregate's events. Where its state is kept depends on the trait it implements besides.

use crate::{RowKind, search::SearchDocument};
use headwater_dynamo_schema::{Entity, FromRow, RowItem, RowItemError, RowKey, Share};
use headwater_kernel::{Actor, Aggregate, Id, Timestamp};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

/// Where an event stands.
#[derive(Debug, Clone, Copy)]
pub struct EventContext<'a> {
    /// The source aggregate's id.
    pub id: &'a Id,
    /// The event's sequence in its history.
    pub sequence: u64,
    /// When it was recorded.
    pub time: Timestamp,
    /// Who caused it.
    pub actor: &'a Actor,
    /// The process that recorded it; its time and this name the event.
    pub writer: u64,
    /// Whether it is the first event of its commit, of which one command makes one.
    pub begins_commit: bool,
}

/// Folds one source aggregate's events into the state that a projection keeps for it.
pub trait Fold: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Whose events.
    type Source: Aggregate;

    /// Raised whenever the result of the fold changes, so that the projection is rebuilt.
    const VERSION: u32 = 1;

    /// The state before the first event.
    fn empty(id: &Id) -> Self;

    /// Folds one event.
    fn apply(&mut self, at: &EventContext<'_>, event: &<Self::Source as Aggregate>::Event);
}

/// A fold that is one row, whose key follows from the id alone. The row's version is the head.
pub trait RowFold: Fold + Entity + FromRow + JsonSchema {
    /// The key of the row.
    fn key_of(id: &Id) -> RowKey;
}

/// A fold that is kept in a head of its own and writes several rows.
pub trait RowsFold: Fold {
    /// The table of the rows and the head.
    const TABLE: &'static str;

    /// The kinds of rows that it writes, each once: what exports of it are made of.
    fn kinds() -> Vec<RowKind>;

    /// The rows that this state shows; what it showed before and shows no more is deleted.
    ///
    /// # Errors
    /// When a row does not serialise as an object.
    fn rows(&self) -> Result<Vec<RowItem>, RowItemError>;

    /// Whether it adds to sums that several aggregates make.
    const HAS_SUMS: bool = false;

    /// What this state contributes to sums, each sum once. When the state changes, every sum moves by the difference in the transaction
    /// that moves the head: what an aggregate contributes counts once, whatever is delivered again. An aggregate has at most 98. A sum
    /// that very many aggregates feed is written by all of them; shard its key, or take the sum when it is read.
    ///
    /// # Errors
    /// As [`Share::of`].
    fn shares(&self) -> Result<Vec<Share>, RowItemError> {
        Ok(Vec::new())
    }
}

/// A fold that is a search document.
pub trait DocumentFold: Fold + SearchDocument {
    /// Whether it is to be found; if not, a tombstone keeps its version.
    fn is_live(&self) -> bool;
}
