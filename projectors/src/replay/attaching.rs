//! Whether every reader collects for a generation, and whether the generation has caught up: both told by positions, whichever process
//! reads which shard.

use super::ReplayError;
use crate::{Consumer, Watcher, opening::order};
use headwater_event_log::{
    EventLog, StreamReader,
    consumer::{Checkpoint, LeaseTable, ready},
};
use headwater_kernel::Timestamp;
use headwater_tenancy::WorkerAuthority;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What is asked.
pub(crate) struct Shards<'a> {
    pub(crate) log: &'a EventLog,
    pub(crate) authority: &'a WorkerAuthority,
    pub(crate) leases: &'a LeaseTable,
    pub(crate) contexts: &'a [String],
}

/// Positions by context and shard.
pub(crate) type Positions = BTreeMap<(String, String), Checkpoint>;

impl Shards<'_> {
    /// The shards that are being read, or may be, with their streams.
    async fn open(&self) -> Result<Vec<(String, String, String)>, ReplayError> {
        let leases = self.leases.list().await?;
        let mut open = Vec::new();
        for context in self.contexts {
            let reader = StreamReader::new(self.log.clone(), context, self.authority.clone());
            let shards = reader.shards().await?;
            let finished: BTreeSet<String> = shards
                .iter()
                .filter(|shard| {
                    let key = LeaseTable::key(context, &shard.id);
                    let lease = leases.iter().find(|lease| lease.key == key);
                    lease.is_some_and(|lease| lease.finished && lease.stream == shard.stream)
                })
                .map(|shard| shard.id.clone())
                .collect();
            let ready = ready(&shards, &finished).into_iter();
            open.extend(ready.map(|shard| (context.clone(), shard.id.clone(), shard.stream.clone())));
        }
        Ok(open)
    }

    /// The positions of a consumer.
    pub(crate) async fn positions(&self, consumer: &Consumer) -> Result<Positions, ReplayError> {
        let mut all = Positions::new();
        for context in self.contexts {
            let of_context = consumer.positions.load(context).await?;
            all.extend(of_context.into_iter().map(|(shard, at)| ((context.clone(), shard), at)));
        }
        Ok(all)
    }

    /// Whether the consumer has a position in every open shard, not older than `believe_for`: whatever comes from now on is collected.
    pub(crate) async fn are_attached(
        &self,
        consumer: &Consumer,
        now: Timestamp,
        believe_for: Duration,
    ) -> Result<bool, ReplayError> {
        let positions = self.positions(consumer).await?;
        let attached = |(context, shard, stream): (String, String, String)| {
            let position = positions.get(&(context, shard));
            position.is_some_and(|at| at.position.stream == stream && now.since(at.at) < believe_for)
        };
        Ok(self.open().await?.into_iter().all(attached))
    }

    /// Whether a consumer has passed, in every open shard, where another one stood.
    pub(crate) async fn have_passed(
        &self,
        consumer: &Consumer,
        target: &Positions,
        watcher: &Watcher,
    ) -> Result<bool, ReplayError> {
        let mine = self.positions(consumer).await?;
        let here: BTreeSet<(String, String)> = watcher
            .status()
            .into_iter()
            .filter(|one| (one.projection, one.generation) == (consumer.projection, consumer.generation))
            .filter(|one| one.drained && one.at_tip && !one.recovering)
            .map(|one| (one.context, one.shard))
            .collect();
        for (context, shard, stream) in self.open().await? {
            let key = (context, shard);
            if here.contains(&key) {
                continue;
            }
            let Some(mine) = mine.get(&key).filter(|mine| mine.position.stream == stream) else {
                return Ok(false);
            };
            let Some(target) = target.get(&key).filter(|target| target.position.stream == stream) else {
                continue;
            };
            let sequence = |at: &Checkpoint| at.position.sequence.clone().unwrap_or_default();
            let (mine_at, target_at) = (sequence(mine), sequence(target));
            if !mine.finished && order(&mine_at) < order(&target_at) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
