//! Repair: what the log has and the feed has not is appended to the feed.
//!
//! It is needed after a lost position: records were trimmed unread, the stream was made again or off for a while, or the feed is younger
//! than the log. One scan of the log meets every tenant; the first commit of a tenant loads the tenant's feed into a map from aggregate to
//! version. When the maps grow past their bound, the work is done in several passes, each for a part of all aggregates. Readers of shards
//! may go on meanwhile: every number is taken by condition, and whoever loses looks at what was written in between.

use super::{
    layout::{self, FeedBatch, Reference, RepairSpan},
    position,
    tails::{Name, Tail, name_of},
    transaction::{BATCH_BYTES, Sent},
    writer::FeedWriter,
};
use crate::{Error, LoggedCommit, log::text_of};
use headwater_kernel::TenantId;
use headwater_tenancy::{TenantScope, WorkerAuthority};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// A repair's batches are no longer looked at once its newest commit is so old: no stream delivers that again.
const FORGET: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// References held back before all are written, over all tenants.
const HELD_BACK: usize = 20_000;

/// What a repair did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Commits of the log that were looked at, in all passes.
    pub commits: u64,
    /// References that were missing and are there now.
    pub appended: u64,
    /// Passes over the log.
    pub passes: u32,
    /// Items that this build cannot read, which the feed therefore lacks: another build has to repair once more.
    pub unreadable: u64,
}

/// What is known of one tenant's feed.
struct Known {
    scope: TenantScope,
    tail: Tail,
    /// Per aggregate, up to which version the feed has everything.
    versions: HashMap<Name, u64>,
    /// What it has beyond a hole: by aggregate and first sequence, the last sequence.
    beyond: HashMap<(Name, u64), u64>,
    missing: Vec<Reference>,
}

/// The memory is not enough for all aggregates of a pass.
struct TooMany;

impl Known {
    fn has(&self, name: Name, reference: &Reference) -> bool {
        let version = self.versions.get(&name).copied().unwrap_or(0);
        reference.last_sequence <= version || self.beyond.contains_key(&(name, reference.first_sequence))
    }

    fn add(&mut self, name: Name, reference: &Reference) {
        let version = self.versions.entry(name).or_default();
        if reference.first_sequence > *version + 1 {
            self.beyond
                .insert((name, reference.first_sequence), reference.last_sequence);
            return;
        }
        *version = reference.last_sequence.max(*version);
        while let Some(last) = self.beyond.remove(&(name, *version + 1)) {
            *version = last;
        }
    }

    fn size(&self) -> usize {
        1 + self.versions.len() + self.beyond.len()
    }
}

/// The part of the aggregates that one pass looks at.
#[derive(Clone, Copy)]
struct Pass {
    number: u32,
    of: u32,
}

impl Pass {
    fn takes(self, name: Name) -> bool {
        let [a, b, c, d, ..] = name;
        u32::from_be_bytes([a, b, c, d]) % self.of == self.number
    }
}

impl FeedWriter {
    /// Appends to every tenant's feed the commits of the log that it has not, and notes that it is whole for `stream` (the ARN of the
    /// table's present stream), unless there was something that this build cannot read.
    /// It may be stopped at any time and run again, and several may run at once: nothing is appended twice.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Refused`] or [`Error::Unreadable`]; what was appended until then stays.
    pub async fn repair(&self, authority: &WorkerAuthority, stream: &str) -> Result<Repaired, Error> {
        let mut done = Repaired::default();
        loop {
            let row = self.log.feed_row(&self.context, position::STREAM.to_owned()).await?;
            let mark = row.as_ref().and_then(|row| text_of(row, "distrusted"));
            self.passes(authority, &mut done).await?;
            if done.unreadable > 0 {
                tracing::warn!(
                    context = self.context,
                    ?done,
                    "the feed was repaired but for what cannot be read"
                );
                return Ok(done);
            }
            if self.vouch(stream, mark).await? {
                tracing::info!(context = self.context, ?done, "the feed was repaired from the log");
                return Ok(done);
            }
        }
    }

    /// Runs over the log until all of it was looked at.
    async fn passes(&self, authority: &WorkerAuthority, done: &mut Repaired) -> Result<(), Error> {
        let mut pass = Pass { number: 0, of: 1 };
        while pass.number < pass.of {
            done.passes += 1;
            // Every pass meets the same ones.
            done.unreadable = 0;
            pass = match self.pass(authority, pass, done).await? {
                Ok(()) => Pass {
                    number: pass.number + 1,
                    ..pass
                },
                // Smaller parts, and from the beginning: what was appended is found in the feed.
                Err(TooMany) => Pass {
                    number: 0,
                    of: pass.of * 2,
                },
            };
        }
        Ok(())
    }

    async fn pass(
        &self,
        authority: &WorkerAuthority,
        pass: Pass,
        done: &mut Repaired,
    ) -> Result<Result<(), TooMany>, Error> {
        // In an order of its own: a simulation plays the same course again.
        let mut tenants: BTreeMap<TenantId, Known> = BTreeMap::new();
        let (mut held_back, mut held) = (0, 0);
        let mut after = None;
        loop {
            let page = self.log.segment_page(authority, &self.context, 0, 1, after).await?;
            for item in &page.unreadable {
                done.unreadable += 1;
                tracing::error!(context = self.context, error = %item.error, "the feed lacks a commit that cannot be read");
            }
            for LoggedCommit { scope, commit } in &page.commits {
                done.commits += 1;
                let name = name_of(&commit.aggregate, commit.id.as_str());
                if !pass.takes(name) {
                    continue;
                }
                if !tenants.contains_key(scope.tenant()) {
                    let room = self.options.repair_aggregates.saturating_sub(held);
                    let Ok(known) = self.known(scope, pass, room).await? else {
                        return Ok(Err(TooMany));
                    };
                    held += known.size();
                    tenants.insert(scope.tenant().clone(), known);
                }
                let Some(known) = tenants.get_mut(scope.tenant()) else {
                    continue;
                };
                let reference = Reference::of(commit);
                if !known.has(name, &reference) {
                    known.missing.push(reference);
                    held_back += 1;
                }
            }
            after = page.next;
            if held_back >= HELD_BACK || after.is_none() {
                for known in tenants.values_mut() {
                    done.appended += self.append_missing(known, pass).await?;
                }
                held_back = 0;
                held = tenants.values().map(Known::size).sum();
                // A single pass of the smallest part would not get any smaller.
                if held > self.options.repair_aggregates && pass.of < 1 << 16 {
                    return Ok(Err(TooMany));
                }
            }
            if after.is_none() {
                return Ok(Ok(()));
            }
            self.log.0.runtime.sleep(self.options.repair_rest).await;
        }
    }

    /// Loads what a tenant's feed has of a pass's aggregates.
    async fn known(&self, scope: &TenantScope, pass: Pass, room: usize) -> Result<Result<Known, TooMany>, Error> {
        let mut known = Known {
            scope: scope.clone(),
            tail: Tail::of(None),
            versions: HashMap::new(),
            beyond: HashMap::new(),
            missing: Vec::new(),
        };
        loop {
            if self.read_on(&mut known, pass).await? == 0 {
                break;
            }
            if known.size() > room && pass.of < 1 << 16 {
                return Ok(Err(TooMany));
            }
        }
        let now = self.log.0.runtime.now();
        known.tail.repaired = known.tail.repaired.filter(|span| now.since(span.until) < FORGET);
        Ok(Ok(known))
    }

    /// Reads the next batches; tells how many.
    async fn read_on(&self, known: &mut Known, pass: Pass) -> Result<usize, Error> {
        let batches = self
            .log
            .feed_batches(&known.scope, &self.context, known.tail.last + 1, 200)
            .await?;
        for batch in &batches {
            for reference in &batch.references {
                let name = name_of(&reference.aggregate, reference.id.as_str());
                if pass.takes(name) {
                    known.add(name, reference);
                }
            }
            known.tail = Tail::of(Some(batch));
        }
        Ok(batches.len())
    }

    async fn append_missing(&self, known: &mut Known, pass: Pass) -> Result<u64, Error> {
        let mut appended = 0;
        let mut attempt = 0;
        while !known.missing.is_empty() {
            let mut bytes = 0;
            let fits = known.missing.iter().take_while(|reference| {
                bytes += reference.weight();
                bytes <= BATCH_BYTES
            });
            let take = fits.count().max(1);
            let references = known.missing[..take].to_vec();
            let newest = references
                .iter()
                .map(|reference| reference.time)
                .max()
                .unwrap_or_default();
            let at = known.tail.last + 1;
            let span = known.tail.repaired.unwrap_or(RepairSpan {
                from: at,
                until: newest,
            });
            let batch = FeedBatch {
                number: at,
                written_at: self.log.0.runtime.now(),
                references,
                by_repair: true,
                repaired: Some(RepairSpan {
                    until: span.until.max(newest),
                    ..span
                }),
            };
            let tenant = known.scope.tenant().clone();
            let put = self.put_batch(layout::write(&tenant, &batch)?)?;
            match self.send_one(put).await {
                Sent::Done => {
                    for reference in known.missing.drain(..take).collect::<Vec<_>>() {
                        known.add(name_of(&reference.aggregate, reference.id.as_str()), &reference);
                    }
                    known.tail = Tail::of(Some(&batch));
                    appended += u64::try_from(take).unwrap_or(u64::MAX);
                    attempt = 0;
                    self.tails.forget_tail(&tenant);
                    self.log.0.feed.grown(&self.context, &tenant);
                }
                // A shard's reader took the number, or this very write did and its answer was lost.
                Sent::Conflict => {
                    attempt += 1;
                    let span = known.tail.repaired;
                    while self.read_on(known, pass).await? > 0 {}
                    known.tail.repaired = known.tail.repaired.or(span);
                    let missing = std::mem::take(&mut known.missing);
                    let still = |reference: &Reference| {
                        !known.has(name_of(&reference.aggregate, reference.id.as_str()), reference)
                    };
                    known.missing = missing.into_iter().filter(still).collect();
                    self.log.back_off(attempt).await;
                }
                Sent::Unknown(error) | Sent::Refused(error) => return Err(error),
            }
        }
        Ok(appended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_kernel::{Id, Timestamp};

    #[tokio::test]
    async fn holes_are_seen_whatever_came_after_them() {
        let mut known = Known {
            scope: headwater_tenancy::testing::scope("acme").await,
            tail: Tail::of(None),
            versions: HashMap::new(),
            beyond: HashMap::new(),
            missing: Vec::new(),
        };
        let reference = |first, last| Reference {
            aggregate: "leads".into(),
            id: Id::new("L1").unwrap(),
            first_sequence: first,
            last_sequence: last,
            time: Timestamp::from_nanos(0),
        };
        let name = name_of("leads", "L1");
        known.add(name, &reference(1, 2));
        known.add(name, &reference(5, 6));
        known.add(name, &reference(7, 7));
        let has =
            |known: &Known| [(1, 2), (3, 4), (5, 6), (7, 7), (8, 8)].map(|(a, b)| known.has(name, &reference(a, b)));
        assert_eq!(has(&known), [true, false, true, true, false]);
        known.add(name, &reference(3, 4));
        assert_eq!(has(&known), [true, true, true, true, false]);
        assert!(known.beyond.is_empty());
    }
}
