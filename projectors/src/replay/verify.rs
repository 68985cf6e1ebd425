//! Compares a whole generation with the log, streaming: for the check before a switch, for `--dry-run`, and for tests. Rows that are ahead
//! of what was folded, or behind, are looked at by themselves at the version that they are at.

use super::{
    CheckTotals, Difference, ReplayError, TenantCheck,
    aggregate::rewrite,
    compare::{self, Found},
    folding::{Done, Folding, Whose},
    job::Job,
    refold::Effect,
};
use crate::{ApplyError, SourceKey, document, race::failed};
use headwater_dynamo_repository::ItemKey;
use headwater_kernel::{Id, TenantId};
use headwater_search::StoredDocument;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;

/// Aggregates that are compared at a time.
const GROUP: usize = 64;

/// How often one that differs is looked at again before it is believed: it may have moved on in between.
const LOOKS: u32 = 6;

/// Compares.
pub(crate) struct Verify {
    pub(crate) job: Arc<Job>,
    pub(crate) projection: String,
    pub(crate) generation: u32,
    pub(crate) whose: Whose,
    /// Whether what differs is written anew before it is called different.
    pub(crate) mends: bool,
    /// Where differences go.
    pub(crate) differences: mpsc::Sender<Difference>,
}

type Sums = Arc<Mutex<BTreeMap<TenantId, TenantCheck>>>;

impl Verify {
    /// What was found, in sums.
    pub(crate) async fn run(self) -> Result<CheckTotals, ReplayError> {
        let mut open: Vec<(String, u32)> = Vec::new();
        for number in 0..self.job.segments {
            open.extend(self.job.contexts.iter().map(|context| (context.clone(), number)));
        }
        let queue = Arc::new(Mutex::new(open));
        let sums: Sums = Arc::default();
        let (results, mut ended) = mpsc::unbounded_channel();
        let this = Arc::new(self);
        for _ in 0..this.job.options.concurrency {
            let (this, queue, sums, results) = (
                Arc::clone(&this),
                Arc::clone(&queue),
                Arc::clone(&sums),
                results.clone(),
            );
            let runtime = this.job.runtime.clone();
            drop(runtime.spawn(async move {
                let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
                while let Some((context, number)) = next() {
                    let result = this.segment(&context, number, &sums).await;
                    if result.is_err() {
                        queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
                    }
                    let _ = results.send(result);
                }
            }));
        }
        drop(results);
        let mut result = Ok(());
        while let Some(one) = ended.recv().await {
            result = result.and(one);
        }
        result?;
        let tenants = std::mem::take(&mut *sums.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(CheckTotals::of(this.generation, this.job.runtime.now(), tenants))
    }

    async fn segment(&self, context: &str, number: u32, sums: &Sums) -> Result<(), ReplayError> {
        let job = &self.job;
        let mut folding = Folding::new(&job.refolds, context, self.whose.clone(), true);
        let mut after = None;
        loop {
            let mut page = job.page(context, number, after.as_ref()).await?;
            after = page.next.take();
            let mut done = folding.page(page);
            if after.is_none() {
                done.extend(folding.end());
            }
            while !done.is_empty() {
                let rest = done.split_off(done.len().min(GROUP));
                self.group(std::mem::replace(&mut done, rest), sums).await?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn group(&self, group: Vec<Done>, sums: &Sums) -> Result<(), ReplayError> {
        let job = &self.job;
        let first = job.patiently(|| self.at_once(&group)).await?;
        for (done, found) in group.iter().zip(first) {
            let mut found = match found {
                Some(found) if found.is_right() => found,
                _ => self.again(done).await?,
            };
            // A write of the filling that nobody waited for any more may have come after a newer one. What adds to sums is never filled
            // so.
            if self.mends && !found.is_right() && done.refold.follower().is_none() {
                let rewritten = rewrite(&job.log, &job.bulk, &done.refold, &done.scope, &done.key.id).await;
                tracing::warn!(
                    projection = self.projection, generation = self.generation, tenant = %done.key.tenant,
                    aggregate = %done.key.aggregate, rewritten = ?rewritten, "the check found a difference and wrote it anew"
                );
                found = self.again(done).await?;
            }
            let (tenant, parked) = (&done.key.tenant, done.stopped.is_some());
            {
                let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
                sums.entry(tenant.clone()).or_default().add(&found, parked);
            }
            for (kind, key) in found.wrong {
                let difference = Difference {
                    projection: self.projection.clone(),
                    generation: self.generation,
                    tenant: tenant.clone(),
                    aggregate: done.key.aggregate.clone(),
                    id: done.key.id.clone(),
                    kind,
                    row: key.map(|key| key.sort),
                    stored_version: found.stored_version,
                    log_version: found.log_version,
                };
                // Nobody may be listening any more.
                let _ = self.differences.send(difference).await;
            }
        }
        Ok(())
    }

    /// Compares a group with as few reads as may be; `None` for those that have to be looked at by themselves.
    async fn at_once(&self, group: &[Done]) -> Result<Vec<Option<Found>>, ApplyError> {
        let job = &self.job;
        let mut effects = Vec::with_capacity(group.len());
        let mut keys: Vec<ItemKey> = Vec::new();
        for done in group {
            let effect = match (done.stopped.is_some(), done.folded.version()) {
                (false, 1..) => done.folded.effect().ok(),
                _ => None,
            };
            if let Some(Effect::Items(items)) = &effect {
                keys.extend(items.iter().map(|item| item.key().clone()));
                keys.extend(done.folded.shown().iter().cloned());
            }
            effects.push(effect);
        }
        let stored = match keys.is_empty() {
            true => HashMap::new(),
            false => job.bulk.read(&keys).await.map_err(failed)?,
        };
        let documents = documents(group).await?;
        let mut found = Vec::with_capacity(group.len());
        for (done, effect) in group.iter().zip(effects) {
            let version = done.folded.version();
            let mut one = match effect {
                // What is stored of an aggregate cannot be told from what is stored of others.
                Some(Effect::Points) => Some(Found::default()),
                Some(Effect::Items(items)) => Some(compare::items(&items, done.folded.shown(), &stored)),
                Some(Effect::Document(expected)) => {
                    let there = documents.get(&done.key).filter(|there| there.version == version);
                    there.map(|there| compare::document(&expected, Some(there)))
                }
                None => None,
            };
            if let Some(one) = &mut one {
                (one.stored_version, one.log_version) = (version, version);
            }
            found.push(one);
        }
        Ok(found)
    }

    async fn again(&self, done: &Done) -> Result<Found, ReplayError> {
        let job = &self.job;
        let mut look = 0;
        loop {
            let found = job.patiently(|| compare::one(&job.log, &job.bulk, &done.refold, &done.scope, &done.key.id));
            let found = found.await?;
            look += 1;
            if found.is_right() || look == LOOKS {
                return Ok(found);
            }
            let pause = job.options.look_again * 2_u32.pow(look.min(4));
            job.runtime.sleep(pause.min(Duration::from_secs(2))).await;
        }
    }
}

/// The stored documents of a group, a read for each tenant.
async fn documents(group: &[Done]) -> Result<HashMap<SourceKey, StoredDocument>, ApplyError> {
    let mut by_tenant: BTreeMap<&TenantId, Vec<&Done>> = BTreeMap::new();
    for done in group.iter().filter(|done| done.refold.index().is_some()) {
        by_tenant.entry(&done.key.tenant).or_default().push(done);
    }
    let mut found = HashMap::new();
    for of_tenant in by_tenant.into_values() {
        let Some((first, index)) = of_tenant.first().and_then(|first| Some((first, first.refold.index()?))) else {
            continue;
        };
        let ids: Vec<Id> = of_tenant.iter().map(|done| done.key.id.clone()).collect();
        let stored = index.stored(&first.scope, &ids).await.map_err(document::failed)?;
        let stored = of_tenant.iter().zip(stored);
        found.extend(stored.filter_map(|(done, stored)| Some((done.key.clone(), stored?))));
    }
    Ok(found)
}

impl TenantCheck {
    fn add(&mut self, found: &Found, parked: bool) {
        self.aggregates += 1;
        self.rows += found.rows;
        self.stored_rows += found.stored_rows;
        self.checksum = self.checksum.wrapping_add(found.checksum);
        self.stored_checksum = self.stored_checksum.wrapping_add(found.stored_checksum);
        self.parked += u64::from(parked);
        self.differences += found.wrong.len() as u64;
    }
}
