//! Where a reader of the feed stands: a place per context, and a cursor that holds several and can be given to a caller.

use crate::EventLog;
use headwater_tenancy::{SealError, TenantScope};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What cursors are sealed for.
const PURPOSE: &str = "feed-cursor";

/// The next event to be read of one feed: everything before it has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(u64, u32, u32)", into = "(u64, u32, u32)")]
pub struct FeedPlace {
    /// The batch's number.
    pub batch: u64,
    /// The reference within the batch, from 0.
    pub reference: u32,
    /// The event within the commit, from 0.
    pub event: u32,
}

impl FeedPlace {
    /// The beginning of a feed.
    pub const START: Self = Self::batch(1);

    /// The beginning of a batch.
    pub const fn batch(number: u64) -> Self {
        Self {
            batch: number,
            reference: 0,
            event: 0,
        }
    }

    /// The place after reference `reference` of a batch that has `of` references.
    #[must_use]
    pub fn after_reference(self, reference: usize, of: usize) -> Self {
        match u32::try_from(reference + 1) {
            Ok(next) if reference + 1 < of => Self {
                reference: next,
                event: 0,
                ..self
            },
            _ => Self::batch(self.batch + 1),
        }
    }
}

impl From<(u64, u32, u32)> for FeedPlace {
    fn from((batch, reference, event): (u64, u32, u32)) -> Self {
        Self {
            batch,
            reference,
            event,
        }
    }
}

impl From<FeedPlace> for (u64, u32, u32) {
    fn from(place: FeedPlace) -> Self {
        (place.batch, place.reference, place.event)
    }
}

/// Places in the feeds of several contexts of one tenant. A context that it does not name has not been read at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FeedCursor(BTreeMap<String, FeedPlace>);

impl FeedCursor {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where reading goes on in `context`.
    pub fn place(&self, context: &str) -> FeedPlace {
        self.0.get(context).copied().unwrap_or(FeedPlace::START)
    }

    /// Moves on in `context`.
    pub fn set(&mut self, context: &str, place: FeedPlace) {
        match self.0.get_mut(context) {
            Some(known) => *known = place,
            None => drop(self.0.insert(context.to_owned(), place)),
        }
    }
}

impl EventLog {
    /// The cursor as an opaque text that is good for this tenant alone, at any age.
    pub fn seal_feed_cursor(&self, scope: &TenantScope, cursor: &FeedCursor) -> String {
        // A map of texts and numbers has a JSON form.
        let data = serde_json::to_vec(cursor).unwrap_or_default();
        self.0.key.seal(PURPOSE, scope.tenant(), &data)
    }

    /// Opens what [`EventLog::seal_feed_cursor`] made for the same tenant.
    ///
    /// # Errors
    /// [`SealError`] for everything else.
    pub fn open_feed_cursor(&self, scope: &TenantScope, text: &str) -> Result<FeedCursor, SealError> {
        let data = self.0.key.open(PURPOSE, scope.tenant(), text)?;
        serde_json::from_slice(&data).map_err(|_| SealError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_moves_through_a_batch_and_into_the_next() {
        let place = FeedPlace::batch(7);
        assert_eq!(place.after_reference(0, 2), FeedPlace::from((7, 1, 0)));
        assert_eq!(place.after_reference(1, 2), FeedPlace::batch(8));
        assert!(place < place.after_reference(0, 2) && place.after_reference(0, 2) < FeedPlace::batch(8));
    }

    #[test]
    fn a_context_that_a_cursor_does_not_name_is_read_from_its_start() {
        let mut cursor = FeedCursor::new();
        cursor.set("crm", FeedPlace::from((3, 1, 2)));
        let text = serde_json::to_string(&cursor).unwrap();
        assert_eq!(text, r#"{"crm":[3,1,2]}"#);
        let read: FeedCursor = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (read.place("crm"), read.place("catalog")),
            (FeedPlace::from((3, 1, 2)), FeedPlace::START)
        );
    }
}
