//! Events as they are recorded, and the commit that carries them.

use crate::{Actor, Id, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use uuid::Uuid;

/// One event as it is stored: `{"type": …, "v": …, "data": {…}}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredEvent {
    /// What happened, in the past tense: `PriceChanged`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The schema version that `data` has.
    #[serde(rename = "v")]
    pub schema_version: u32,
    /// The event's data, as JSON text.
    pub data: Box<RawValue>,
}

/// The atomic unit of the log: what one command did to one aggregate.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Whose it is.
    pub tenant: TenantId,
    /// The bounded context: `catalog`.
    pub context: String,
    /// The plural name of the aggregate: `products`.
    pub aggregate: String,
    /// The aggregate's id.
    pub id: Id,
    /// Sequence of the first event; the aggregate's first event has 1.
    pub first_sequence: u64,
    /// The events in order; never empty. Brought to the current schema version when the aggregate's type is known.
    pub events: Vec<StoredEvent>,
    /// The id of the command that caused it, unique within the aggregate.
    pub command_id: String,
    /// Who asked for it.
    pub actor: Actor,
    /// What ties together everything that one request set in motion.
    pub correlation_id: Option<String>,
    /// The command or event that caused the command.
    pub causation_id: Option<String>,
    /// The address that the command came from, as the stored envelope of personal data of the actor; none for what did not come over a network,
    /// and for commits from before addresses were kept. It is for the audit log alone.
    pub client: Option<Box<RawValue>>,
    /// When it was committed; strictly increasing per writer, one nanosecond reserved for each event.
    pub time: Timestamp,
    /// The process that wrote it.
    pub writer: u64,
}

impl Commit {
    /// The aggregate's version after this commit: the sequence of its last event.
    pub fn version(&self) -> u64 {
        self.first_sequence + self.events.len() as u64 - 1
    }

    /// Whether it is the installation's own, which the `~` that its aggregate's name begins with says: it is for the audit log alone.
    pub fn is_internal(&self) -> bool {
        self.aggregate.starts_with('~')
    }

    /// The events with their sequences, times and ids.
    pub fn recorded(&self) -> impl Iterator<Item = RecordedEvent<'_>> {
        self.events.iter().enumerate().map(|(offset, event)| {
            let time = Timestamp::from_nanos(self.time.nanos().saturating_add(offset as i64));
            RecordedEvent {
                sequence: self.first_sequence + offset as u64,
                id: EventId::new(time, self.writer),
                time,
                event,
            }
        })
    }
}

/// One event of a [`Commit`].
#[derive(Debug, Clone)]
pub struct RecordedEvent<'a> {
    /// Its place in the aggregate's history, from 1.
    pub sequence: u64,
    /// Its name everywhere.
    pub id: EventId,
    /// When it was recorded, unique together with the writer.
    pub time: Timestamp,
    /// What was stored.
    pub event: &'a StoredEvent,
}

/// Names one event everywhere: its time and its writer, as a UUID (version 8) that sorts by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Uuid);

impl EventId {
    /// The id of the event that `writer` recorded at `time`. Of `writer` the lower 48 bits count.
    pub fn new(time: Timestamp, writer: u64) -> Self {
        // 122 bits are free: 48 of the time before the version, 12 after it, then the variant, 4 of the time and the writer.
        let time = time.nanos() as u64;
        let high = u128::from(time >> 16) << 80;
        let middle = u128::from((time >> 4) & 0xfff) << 64;
        let low = u128::from(time & 0xf) << 58;
        Self(Uuid::new_v8(
            (high | middle | low | u128::from(writer & 0xffff_ffff_ffff)).to_be_bytes(),
        ))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_are_unique_and_sort_by_time() {
        let at = |nanos, writer| EventId::new(Timestamp::from_nanos(nanos), writer);
        let start = 1_795_000_000_000_000_000;
        let mut ids: Vec<_> = (0..10_000).map(|offset| at(start + offset, 7)).collect();
        let sorted = ids.clone();
        ids.sort();
        ids.dedup();
        assert_eq!(ids, sorted);
        assert_ne!(at(start, 1), at(start, 2));
        assert_eq!(at(start, 1).0.get_version_num(), 8);
    }
}
