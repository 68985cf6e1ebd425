//! What a writer remembers of tenants' feeds: the last number of each, and after a repair what the repair has appended.

use super::layout::{FeedBatch, Reference, RepairSpan};
use crate::Error;
use headwater_kernel::{Commit, TenantId};
use lru::LruCache;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Names an aggregate within a tenant and context: 128 bits of a SHA-256, so that two never meet.
pub(super) type Name = [u8; 16];

pub(super) fn name_of(aggregate: &str, id: &str) -> Name {
    let mut hash = Sha256::new();
    hash.update(aggregate.as_bytes());
    hash.update([0]);
    hash.update(id.as_bytes());
    let mut name = Name::default();
    name.copy_from_slice(&hash.finalize()[..16]);
    name
}

/// The end of a tenant's feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    /// The number of the last batch; 0 when there is none.
    pub(super) last: u64,
    pub(super) repaired: Option<RepairSpan>,
}

impl Tail {
    pub(super) fn of(last: Option<&FeedBatch>) -> Self {
        Self {
            last: last.map_or(0, |batch| batch.number),
            repaired: last.and_then(|batch| batch.repaired),
        }
    }
}

/// What repairs have appended for a tenant, by aggregate up to which version. The feed has everything up to there.
#[derive(Debug, Clone, Default)]
pub(super) struct Suspects {
    versions: HashMap<Name, u64>,
    /// The last batch that was looked at.
    pub(super) upto: u64,
}

impl Suspects {
    pub(super) fn add(&mut self, references: &[Reference]) {
        for reference in references {
            let version = self
                .versions
                .entry(name_of(&reference.aggregate, reference.id.as_str()))
                .or_default();
            *version = reference.last_sequence.max(*version);
        }
    }

    pub(super) fn has(&self, commit: &Commit) -> bool {
        let version = self.versions.get(&name_of(&commit.aggregate, commit.id.as_str()));
        version.is_some_and(|version| commit.version() <= *version)
    }
}

/// The memory of one writer and its clones, bounded by tenants.
#[derive(Debug, Clone)]
pub(super) struct Tails(Arc<Mutex<Remembered>>);

#[derive(Debug)]
struct Remembered {
    tails: LruCache<TenantId, Tail>,
    suspects: LruCache<TenantId, Arc<Suspects>>,
}

impl Tails {
    pub(super) fn new(tenants: usize) -> Self {
        let tenants = NonZeroUsize::new(tenants).unwrap_or(NonZeroUsize::MIN);
        Self(Arc::new(Mutex::new(Remembered {
            tails: LruCache::new(tenants),
            suspects: LruCache::new(tenants),
        })))
    }

    pub(super) fn tail(&self, tenant: &TenantId) -> Option<Tail> {
        self.lock().tails.get(tenant).copied()
    }

    pub(super) fn set_tail(&self, tenant: &TenantId, tail: Tail) {
        self.lock().tails.put(tenant.clone(), tail);
    }

    pub(super) fn forget_tail(&self, tenant: &TenantId) {
        self.lock().tails.pop(tenant);
    }

    /// What repairs have appended up to batch `tail.last`; `read` gives a repair's batches among those from a number on.
    pub(super) async fn suspects<F>(
        &self,
        tenant: &TenantId,
        tail: Tail,
        span: RepairSpan,
        read: impl FnOnce(u64) -> F,
    ) -> Result<Arc<Suspects>, Error>
    where
        F: Future<Output = Result<Vec<FeedBatch>, Error>>,
    {
        let known = self.lock().suspects.pop(tenant).unwrap_or_default();
        let known = if known.upto >= tail.last {
            known
        } else {
            let mut grown = Arc::unwrap_or_clone(known);
            for batch in read(span.from.max(grown.upto + 1)).await? {
                grown.add(&batch.references);
            }
            grown.upto = tail.last;
            Arc::new(grown)
        };
        self.lock().suspects.put(tenant.clone(), Arc::clone(&known));
        Ok(known)
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
