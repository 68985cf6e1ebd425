//! Which aggregates are parked, as far as this environment knows: the first of them read once, kept from then on. One that is not known is
//! found by its key when it fails.

use crate::{ApplyError, Parking, SourceKey, parking::KNOWN};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// An aggregate and its context.
pub(super) type Key = (String, SourceKey);

/// Those of all consumers, by name.
#[derive(Debug, Default)]
pub(super) struct ParkedKeys(Mutex<BTreeMap<String, BTreeSet<Key>>>);

impl ParkedKeys {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, BTreeSet<Key>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads those of a consumer, unless that was done.
    pub(super) async fn read(&self, consumer: &str, parking: &Parking) -> Result<(), ApplyError> {
        if self.known().contains_key(consumer) {
            return Ok(());
        }
        let first = parking.first(consumer, None, KNOWN).await?;
        let first = first.into_iter().map(|parked| (parked.context, parked.source));
        self.known()
            .entry(consumer.to_owned())
            .or_insert_with(|| first.collect());
        Ok(())
    }

    pub(super) fn contains(&self, consumer: &str, key: &Key) -> bool {
        self.known().get(consumer).is_some_and(|known| known.contains(key))
    }

    pub(super) fn add(&self, consumer: &str, key: Key) {
        let mut known = self.known();
        let known = known.entry(consumer.to_owned()).or_default();
        if known.len() < KNOWN {
            known.insert(key);
        }
    }

    pub(super) fn remove(&self, consumer: &str, key: &Key) {
        if let Some(known) = self.known().get_mut(consumer) {
            known.remove(key);
        }
    }
}
