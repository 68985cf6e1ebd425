//! Aggregates in memory, bounded by weight. Each has a lock of its own, so that commands to one aggregate queue up here instead of
//! colliding in the table.

use crate::window::Window;
use headwater_kernel::TenantId;
use lru::LruCache;
use std::sync::{Arc, Mutex, PoisonError};

/// An aggregate as of a version.
#[derive(Debug, Clone, Default)]
pub(crate) struct Loaded<A> {
    pub(crate) state: A,
    pub(crate) version: u64,
    pub(crate) window: Window,
    /// The version of the newest snapshot known.
    pub(crate) snapshot: u64,
    /// Bytes of JSON folded into the state: what its memory is estimated by.
    pub(crate) weight: usize,
}

/// One aggregate's place in the cache: empty until it was loaded, and emptied when its state is in doubt.
pub(crate) type Slot<A> = Arc<tokio::sync::Mutex<Option<Loaded<A>>>>;

type Key = (TenantId, Box<str>);

/// A cache of aggregates of one type.
pub(crate) struct Cache<A> {
    inner: Mutex<Inner<A>>,
    capacity: usize,
}

struct Inner<A> {
    slots: LruCache<Key, (Slot<A>, usize)>,
    weight: usize,
}

/// What a slot weighs at least.
const SLOT: usize = 512;

impl<A> Cache<A> {
    /// Holds about `capacity` bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                slots: LruCache::unbounded(),
                weight: 0,
            }),
            capacity,
        }
    }

    /// The slot of an aggregate, made when there is none.
    pub(crate) fn slot(&self, tenant: &TenantId, id: &str) -> Slot<A> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant.clone(), Box::from(id));
        if let Some((slot, _)) = inner.slots.get(&key) {
            return Arc::clone(slot);
        }
        let slot = Slot::<A>::default();
        inner.slots.push(key, (Arc::clone(&slot), SLOT));
        inner.weight += SLOT;
        self.shrink(&mut inner);
        slot
    }

    /// Tells what a slot weighs now.
    pub(crate) fn weigh(&self, tenant: &TenantId, id: &str, weight: usize) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let weight = weight + SLOT;
        if let Some((_, known)) = inner.slots.peek_mut(&(tenant.clone(), Box::from(id))) {
            let before = std::mem::replace(known, weight);
            inner.weight = inner.weight - before + weight;
            self.shrink(&mut inner);
        }
    }

    /// Drops the least recently used until the rest fits. A slot in use lives on in its user's hands; a second one made meanwhile can
    /// only be stale, and the conditional put finds that.
    fn shrink(&self, inner: &mut Inner<A>) {
        while inner.weight > self.capacity && inner.slots.len() > 1 {
            if let Some((_, (_, weight))) = inner.slots.pop_lru() {
                inner.weight -= weight;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_weight_and_drops_the_least_recently_used() {
        let cache = Cache::<u8>::new(10 * SLOT);
        let tenant = TenantId::new("t").unwrap();
        let first = cache.slot(&tenant, "0");
        for n in 1..10 {
            cache.slot(&tenant, &n.to_string());
        }
        assert!(Arc::ptr_eq(&first, &cache.slot(&tenant, "0")));
        cache.weigh(&tenant, "9", 5 * SLOT);
        assert!(Arc::ptr_eq(&first, &cache.slot(&tenant, "0")), "it was used last");
        assert_eq!(cache.inner.lock().unwrap().slots.len(), 5);
    }
}
