//! Places among the requests and batches in work: so many for the process, and so many of them for one tenant, so that no tenant's slow
//! or many requests leave the others without.

use crate::{Limits, Problem};
use ::http::StatusCode;
use headwater_kernel::TenantId;
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// When a refused caller should come back.
const COME_BACK: Duration = Duration::from_secs(1);

/// The places for one kind of work.
#[derive(Debug)]
pub(crate) struct Admission {
    what: &'static str,
    all: Arc<Semaphore>,
    per_tenant: usize,
    /// How many places each tenant has that has any.
    held: Arc<Mutex<HashMap<TenantId, usize>>>,
}

/// A place among those of the process; given back when dropped.
#[derive(Debug)]
pub struct Place(#[allow(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// A place among those of a tenant; given back when dropped.
#[derive(Debug)]
pub struct TenantPlace {
    tenant: TenantId,
    held: Arc<Mutex<HashMap<TenantId, usize>>>,
}

/// The place of a batch or a search, its tenant's and the process's.
#[derive(Debug)]
pub struct SharedPlace(
    #[allow(dead_code, reason = "held for its drop")] pub(crate) TenantPlace,
    #[allow(dead_code, reason = "held for its drop")] pub(crate) Place,
);

impl Drop for TenantPlace {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = held.entry(self.tenant.clone()) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

impl Admission {
    pub(crate) fn requests(limits: &Limits) -> Self {
        Self::new("requests", limits.max_in_flight, limits.max_in_flight_per_tenant)
    }

    pub(crate) fn searches(limits: &Limits) -> Self {
        Self::new("searches", limits.max_searches, limits.max_searches_per_tenant)
    }

    pub(crate) fn batches(limits: &Limits) -> Self {
        Self::new("batches", limits.max_batches, limits.max_batches_per_tenant)
    }

    fn new(what: &'static str, all: usize, per_tenant: usize) -> Self {
        Self {
            what,
            all: Arc::new(Semaphore::new(all)),
            per_tenant,
            held: Arc::default(),
        }
    }

    /// A place of the process: 503 `overloaded` when there is none.
    pub(crate) fn place(&self) -> Result<Place, Problem> {
        let permit = Arc::clone(&self.all).try_acquire_owned();
        permit.map(Place).map_err(|_| {
            let detail = format!("the server has as many {} in work as it takes; try again", self.what);
            Problem::unavailable("overloaded", detail, COME_BACK)
        })
    }

    /// A place of the tenant: 429 `too-many-requests` when it has all of its share.
    pub(crate) fn share(&self, tenant: &TenantId) -> Result<TenantPlace, Problem> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.get(tenant).copied().unwrap_or(0);
        if count >= self.per_tenant {
            let detail = format!(
                "this tenant has {} {} in work, as many as one tenant may; let some of them end",
                self.per_tenant, self.what
            );
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail);
            return Err(problem.retry_after(COME_BACK));
        }
        held.insert(tenant.clone(), count + 1);
        Ok(TenantPlace {
            tenant: tenant.clone(),
            held: Arc::clone(&self.held),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_its_share_and_what_it_gives_back() {
        let admission = Admission::new("requests", 4, 2);
        let (acme, other) = (TenantId::new("acme").unwrap(), TenantId::new("other").unwrap());
        let places = [admission.share(&acme).unwrap(), admission.share(&acme).unwrap()];
        let refused = admission.share(&acme).unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.code()), (429, "too-many-requests"));
        drop(admission.share(&other).unwrap());
        drop(places);
        drop(admission.share(&acme).unwrap());
        assert!(admission.held.lock().unwrap().is_empty());
    }
}
