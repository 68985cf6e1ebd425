//! How a read model is made: a fold over the events of one source aggregate.

use crate::search::SearchDocument;
use headwater_dynamo_schema::{Entity, RowItem, RowItemError, RowKey};
use headwater_kernel::{Actor, Aggregate, Id, Timestamp};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

/// Which event is folded, apart from what it says.
#[derive(Debug, Clone, Copy)]
pub struct EventContext<'a> {
    /// The source aggregate's id.
    pub id: &'a Id,
    /// The event's place in the aggregate's history, from 1.
    pub sequence: u64,
    /// When it was recorded.
    pub time: Timestamp,
    /// Who asked for it.
    pub actor: &'a Actor,
}

/// Folds one source aggregate's events into the state that a projection keeps for it. `Default` is the state before the first event.
pub trait Fold: Default + Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Whose events are folded.
    type Source: Aggregate;

    /// Raised when the same events give another state than before, so that the projection is rebuilt.
    const VERSION: u32;

    /// Folds one event. It never fails: what was recorded has happened.
    fn apply(&mut self, at: &EventContext<'_>, event: &<Self::Source as Aggregate>::Event);
}

/// A fold that is exactly one row, whose key follows from the source's id. The row's version is the head.
pub trait RowFold: Fold + Entity + JsonSchema {
    /// The row's key.
    fn key(id: &Id) -> RowKey;

    /// Whether there is anything to read. When not, a tombstone keeps the version.
    fn is_live(&self) -> bool;
}

/// A fold that writes several rows, whose keys depend on what happened. Its state and version stand in a head of their own.
pub trait RowsFold: Fold {
    /// All rows there are in this state. The first, if any, is the view of the source aggregate itself.
    ///
    /// # Errors
    /// [`RowItemError`] when a row does not serialise as an object.
    fn rows(&self, id: &Id) -> Result<Vec<RowItem>, RowItemError>;
}

/// A fold that is a search document.
pub trait DocumentFold: Fold + SearchDocument {
    /// Whether it can be found. When not, a tombstone keeps the version.
    fn is_live(&self) -> bool;
}

/// The id that a row has before its first event, whose fold replaces it. Such a row is never live.
pub(crate) fn no_id() -> Id {
    Id::new("-").expect("a constant that is an id")
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    pub(crate) fn id(id: &str) -> Id {
        Id::new(id).unwrap()
    }

    /// The time of the event with this sequence in [`given`].
    pub(crate) fn at(sequence: u64) -> Timestamp {
        Timestamp::from_nanos(1_700_000_000_000_000_000 + i64::try_from(sequence).unwrap())
    }

    /// The fold of events of the aggregate `T1`. It is the same with the state stored and read again between any two events.
    pub(crate) fn given<F: Fold>(events: impl IntoIterator<Item = <F::Source as Aggregate>::Event>) -> F {
        given_of("T1", events)
    }

    /// The same of the aggregate with this id.
    pub(crate) fn given_of<F: Fold>(of: &str, events: impl IntoIterator<Item = <F::Source as Aggregate>::Event>) -> F {
        let (id, actor) = (id(of), Actor::new("user:tester"));
        let mut state = F::default();
        for (sequence, event) in (1..).zip(events) {
            let stored = serde_json::to_string(&state).unwrap();
            assert!(serde_json::from_str::<F>(&stored).unwrap() == state, "{stored}");
            state.apply(
                &EventContext {
                    id: &id,
                    sequence,
                    time: at(sequence),
                    actor: &actor,
                },
                &event,
            );
        }
        let stored = serde_json::to_string(&state).unwrap();
        assert!(serde_json::from_str::<F>(&stored).unwrap() == state, "{stored}");
        state
    }
}
