//! Which aggregates are parked, as far as this environment knows: read once, kept from then on.

use crate::{ApplyError, Parking, SourceKey};
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

    /// Those of a consumer.
    pub(super) async fn of(&self, consumer: &str, parking: &Parking) -> Result<BTreeSet<Key>, ApplyError> {
        if let Some(known) = self.known().get(consumer) {
            return Ok(known.clone());
        }
        let listed = parking.list(consumer, None).await?;
        let listed = listed.into_iter().map(|parked| (parked.context, parked.source));
        Ok(self
            .known()
            .entry(consumer.to_owned())
            .or_insert(listed.collect())
            .clone())
    }

    pub(super) fn add(&self, consumer: &str, key: Key) {
        self.known().entry(consumer.to_owned()).or_default().insert(key);
    }

    pub(super) fn remove(&self, consumer: &str, key: &Key) {
        if let Some(known) = self.known().get_mut(consumer) {
            known.remove(key);
        }
    }
}
