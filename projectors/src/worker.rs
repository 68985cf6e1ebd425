//! The worker of a process: keeps its leases alive, takes its share of those that are free, and has one reader for each shard it holds.

use crate::stop::told;
use crate::{
    Consumer,
    catch_up::CatchUp,
    options::RunnerOptions,
    parking::Parking,
    runner::Board,
    shard_reader::{Ended, ShardReader},
};
use futures::future::join_all;
use headwater_event_log::{
    Error, FeedWriter, Shard, StreamReader,
    consumer::{Held, Lease, LeaseTable, Observations, plan, ready},
};
use headwater_runtime::{Runtime, Task};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// See the module.
pub(crate) struct Worker {
    pub(crate) leases: LeaseTable,
    pub(crate) readers: Vec<StreamReader>,
    pub(crate) parking: Parking,
    pub(crate) catch_up: CatchUp,
    /// By context; one for all shards, as they share what they remember.
    pub(crate) feeds: BTreeMap<String, FeedWriter>,
    pub(crate) consumers: watch::Receiver<Arc<Vec<Consumer>>>,
    pub(crate) options: RunnerOptions,
    pub(crate) runtime: Runtime,
    pub(crate) board: Board,
    pub(crate) stop: watch::Receiver<bool>,
}

/// A shard that this worker reads.
struct Running {
    held: Held,
    task: Task,
    stop: watch::Sender<bool>,
}

/// A reader has ended.
struct End {
    key: String,
    fence: u64,
    ended: Ended,
}

/// What the worker knows.
#[derive(Default)]
struct Known {
    running: BTreeMap<String, Running>,
    seen: Observations,
    /// The shards of each context by the last look, and when that was.
    shards: BTreeMap<String, (Vec<Shard>, Duration)>,
    renewed_at: Duration,
}

impl Worker {
    /// Works until it is told to stop; gives its leases back then.
    pub(crate) async fn run(self) {
        let (ended, mut ends) = mpsc::unbounded_channel::<End>();
        let mut known = Known::default();
        let mut stop = self.stop.clone();
        while !*stop.borrow() {
            while let Ok(end) = ends.try_recv() {
                self.reap(&mut known, end).await;
            }
            if let Err(error) = self.look(&mut known, &ended).await {
                tracing::warn!(error = ?error, "the leases cannot be kept; trying again");
            }
            tokio::select! {
                biased;
                () = told(&mut stop) => {}
                Some(end) = ends.recv() => self.reap(&mut known, end).await,
                () = self.runtime.sleep(self.options.look_every) => {}
            }
        }
        for running in known.running.values() {
            let _ = running.stop.send(true);
        }
        join_all(std::mem::take(&mut known.running).into_values().map(async |running| {
            let _ = running.task.join().await;
            if let Err(error) = self.leases.release(&running.held, false).await {
                tracing::warn!(error = ?error, "a lease was not given back; it will expire");
            }
        }))
        .await;
    }

    /// A reader has ended.
    async fn reap(&self, known: &mut Known, End { key, fence, ended }: End) {
        // One that lost its lease and ends late must not be taken for its successor.
        if known
            .running
            .get(&key)
            .is_none_or(|running| running.held.fence != fence)
        {
            return;
        }
        let Some(running) = known.running.remove(&key) else {
            return;
        };
        let _ = running.task.join().await;
        let finished = ended == Ended::Finished;
        if let Err(error) = self.leases.release(&running.held, finished).await {
            tracing::warn!(key, error = ?error, "a lease was not given back; it will expire");
        }
        if finished {
            // Its children may be read now.
            known.shards.clear();
        }
    }

    async fn look(&self, known: &mut Known, ended: &mpsc::UnboundedSender<End>) -> Result<(), Error> {
        self.renew(known).await;
        let discovered = self.discover(known).await?;
        let leases = self.leases.list().await?;
        let now = self.runtime.monotonic();
        known.seen.see(&leases, now);
        let by_key: BTreeMap<&str, &Lease> = leases.iter().map(|lease| (lease.key.as_str(), lease)).collect();
        let mut free = Vec::new();
        let mut held = BTreeMap::new();
        let mut places = BTreeMap::new();
        for reader in &self.readers {
            let context = reader.context();
            let Some((shards, _)) = known.shards.get(context) else {
                continue;
            };
            let lease_of = |shard: &Shard| {
                let key = LeaseTable::key(context, &shard.id);
                by_key
                    .get(key.as_str())
                    .copied()
                    .filter(|lease| lease.stream == shard.stream)
            };
            let finished: BTreeSet<String> = shards
                .iter()
                .filter(|shard| lease_of(shard).is_some_and(|lease| lease.finished))
                .map(|shard| shard.id.clone())
                .collect();
            for shard in ready(shards, &finished) {
                let key = LeaseTable::key(context, &shard.id);
                let holder = lease_of(shard).and_then(|lease| Some((lease, lease.owner.as_ref()?)));
                match holder {
                    Some((_, owner)) if owner == self.leases.worker() => {
                        if known.running.contains_key(&key) {
                            held.insert(key.clone(), owner.clone());
                        } else {
                            free.push(key.clone());
                        }
                    }
                    Some((lease, owner))
                        if !self.options.alone && !known.seen.is_expired(lease, now, self.options.lease) =>
                    {
                        held.insert(key.clone(), owner.clone());
                    }
                    _ => free.push(key.clone()),
                }
                places.insert(key, (reader, shard.clone()));
            }
        }
        self.board
            .cover(free.is_empty() && known.shards.len() == self.readers.len());
        let draw = self.runtime.below(u64::MAX);
        for claim in plan(self.leases.worker(), &free, &held, draw) {
            let Some((reader, shard)) = places.get(&claim.key) else {
                continue;
            };
            let seen = by_key.get(claim.key.as_str()).copied();
            let Some(held) = self.leases.take(reader.context(), shard, seen).await? else {
                continue;
            };
            if claim.steals {
                tracing::info!(key = claim.key, "took a shard over, to even out the load");
            }
            known
                .running
                .insert(claim.key.clone(), self.start(held, reader, shard.clone(), ended));
        }
        if free.iter().all(|key| known.running.contains_key(key)) && known.shards.len() == self.readers.len() {
            self.board.cover(true);
        }
        if discovered {
            self.clean_up(&known.shards, &leases).await?;
        }
        Ok(())
    }

    fn start(&self, held: Held, reader: &StreamReader, shard: Shard, ended: &mpsc::UnboundedSender<End>) -> Running {
        let (stop, stopped) = watch::channel(false);
        let shard_reader = ShardReader {
            context: reader.context().to_owned(),
            shard,
            fence: held.fence,
            reader: reader.clone(),
            consumers: self.consumers.clone(),
            parking: self.parking.clone(),
            catch_up: self.catch_up.clone(),
            feed: self.feeds[reader.context()].clone(),
            options: self.options.clone(),
            runtime: self.runtime.clone(),
            board: self.board.clone(),
            stop: stopped,
        };
        let (ends, key, fence) = (ended.clone(), held.key.clone(), held.fence);
        let task = self.runtime.spawn(async move {
            let ended = shard_reader.run().await;
            let _ = ends.send(End { key, fence, ended });
        });
        Running { held, task, stop }
    }

    /// Shows life for what is held, and lets go of what another worker has taken.
    async fn renew(&self, known: &mut Known) {
        let now = self.runtime.monotonic();
        if now.saturating_sub(known.renewed_at) < self.options.lease / 3 {
            return;
        }
        known.renewed_at = now;
        let renewed = join_all(known.running.iter_mut().map(async |(key, running)| {
            match self.leases.renew(&mut running.held).await {
                Ok(true) => None,
                Ok(false) => Some(key.clone()),
                Err(error) => {
                    // Everything it writes is conditional, so a lease that may be gone does no harm.
                    tracing::warn!(key, error = ?error, "a lease was not renewed");
                    None
                }
            }
        }))
        .await;
        for key in renewed.into_iter().flatten() {
            tracing::info!(key, "another worker has this shard now");
            if let Some(running) = known.running.remove(&key) {
                let _ = running.stop.send(true);
            }
        }
    }

    /// Reads the list of shards of each context whose turn it is; tells whether there was one.
    async fn discover(&self, known: &mut Known) -> Result<bool, Error> {
        let now = self.runtime.monotonic();
        let mut discovered = false;
        for reader in &self.readers {
            let due = match known.shards.get(reader.context()) {
                Some((_, at)) => now.saturating_sub(*at) >= self.options.discover_every,
                None => true,
            };
            if due {
                let shards = reader.shards().await?;
                known.shards.insert(reader.context().to_owned(), (shards, now));
                discovered = true;
            }
        }
        Ok(discovered)
    }

    /// Forgets the leases and checkpoints of shards that their stream has no more.
    async fn clean_up(&self, shards: &BTreeMap<String, (Vec<Shard>, Duration)>, leases: &[Lease]) -> Result<(), Error> {
        for (context, (shards, _)) in shards {
            if let Some(feed) = self.feeds.get(context) {
                feed.forget_all_but(shards).await?;
            }
        }
        for lease in leases {
            let Some((context, shard)) = lease.key.split_once('#') else {
                continue;
            };
            let Some((shards, _)) = shards.get(context) else {
                continue;
            };
            // A parent that is gone may still be the proof that its children follow on.
            let named = |one: &Shard| one.id == shard || one.parent.as_deref() == Some(shard);
            let dead = lease.finished || lease.owner.is_none();
            if !dead || shards.is_empty() || shards.iter().any(named) {
                continue;
            }
            self.leases.forget(lease).await?;
            let consumers = Arc::clone(&self.consumers.borrow());
            for consumer in consumers.iter().filter(|consumer| consumer.follows(context)) {
                if let Err(error) = consumer.positions.forget(context, shard).await {
                    tracing::warn!(consumer = consumer.name(), error = ?error, "an old checkpoint stays");
                }
            }
        }
        Ok(())
    }
}
