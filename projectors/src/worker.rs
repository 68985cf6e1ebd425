//! The worker of a process: takes its share of the leases that are free, and has one reader for each shard it holds.

use crate::stop::told;
use crate::{
    Consumer,
    catch_up::CatchUp,
    discovery::{Discovery, Map},
    feed_repair::RepairWanted,
    holdings::{Holdings, Running},
    options::RunnerOptions,
    parking::Parking,
    runner::Board,
    shard_reader::{Ended, ShardReader},
};
use futures::future::join_all;
use headwater_event_log::{
    Error, FeedWriter, Shard, StreamReader,
    consumer::{Claim, Held, Lease, LeaseTable, Observations, plan, ready},
};
use headwater_runtime::Runtime;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Notify, mpsc, watch};

/// How long what is under way may still take once it is time to stop.
const GRACE: Duration = Duration::from_millis(300);
/// How long giving a lease back may take; it expires by itself.
const RELEASE: Duration = Duration::from_millis(500);

/// See the module.
pub(crate) struct Worker {
    pub(crate) leases: LeaseTable,
    pub(crate) readers: Vec<StreamReader>,
    pub(crate) parking: Parking,
    pub(crate) catch_up: CatchUp,
    /// By context; one for all shards, as they share what they remember.
    pub(crate) feeds: BTreeMap<String, (FeedWriter, RepairWanted)>,
    pub(crate) consumers: watch::Receiver<Arc<Vec<Consumer>>>,
    pub(crate) options: RunnerOptions,
    pub(crate) runtime: Runtime,
    pub(crate) board: Board,
    pub(crate) stop: watch::Receiver<bool>,
}

/// A reader has ended. Sent when it is dropped, so that a panic is one as well.
struct End {
    key: String,
    fence: u64,
    ended: Ended,
    ends: mpsc::UnboundedSender<(String, u64, Ended)>,
}

impl End {
    fn tell(mut self, ended: Ended) {
        self.ended = ended;
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let _ = self.ends.send((std::mem::take(&mut self.key), self.fence, self.ended));
    }
}

/// What the worker knows.
struct Known {
    holdings: Holdings,
    seen: Observations,
    found: watch::Receiver<Map>,
    /// The look at each context after which was last cleaned up.
    cleaned: BTreeMap<String, u64>,
    ends: mpsc::UnboundedSender<(String, u64, Ended)>,
}

impl Worker {
    /// Works until it is told to stop; gives its leases back then.
    pub(crate) async fn run(&self) {
        let contexts = self.readers.iter().map(StreamReader::context);
        let discovery = Discovery::new(contexts, self.options.discover_every, &self.runtime);
        let (ends, ended) = mpsc::unbounded_channel();
        let known = Known {
            holdings: Holdings::default(),
            seen: Observations::default(),
            found: discovery.found(),
            cleaned: BTreeMap::new(),
            ends,
        };
        // Ends with this, however this ends.
        let (living, lives) = watch::channel(false);
        let every = (self.options.lease / 3).max(Duration::from_millis(1));
        let keeping = known.holdings.clone();
        let keeper = keeping.keep(self.leases.clone(), every, self.runtime.clone(), lives);
        drop(self.runtime.spawn(keeper));
        let following = join_all(self.readers.iter().map(|reader| discovery.follow(reader)));
        tokio::select! {
            biased;
            () = self.work(known, ended, &discovery) => {}
            _ = following => {}
        }
        drop(living);
    }

    async fn work(
        &self,
        mut known: Known,
        mut ended: mpsc::UnboundedReceiver<(String, u64, Ended)>,
        discovery: &Discovery,
    ) {
        let (mut stop, mut found) = (self.stop.clone(), known.found.clone());
        let holdings = known.holdings.clone();
        while !*stop.borrow() {
            {
                let mut look = std::pin::pin!(self.look(&mut known));
                let looked = tokio::select! {
                    biased;
                    () = told(&mut stop) => {
                        holdings.tell_all();
                        // A lease that is being taken has to be known, to be given back.
                        let _ = self.runtime.timeout(GRACE, look).await;
                        break;
                    }
                    looked = &mut look => looked,
                };
                if let Err(error) = looked {
                    tracing::warn!(error = ?error, "the leases cannot be read; trying again");
                }
            }
            let mut tick = self.runtime.sleep(self.options.look_every);
            loop {
                tokio::select! {
                    biased;
                    () = told(&mut stop) => break,
                    Some((key, fence, how)) = ended.recv() => {
                        let reaped = self.reap(&holdings, &key, fence, how);
                        tokio::select! {
                            biased;
                            () = told(&mut stop) => break,
                            () = reaped => {}
                        }
                        if how == Ended::Finished {
                            // Its children may be read now.
                            if let Some((context, _)) = key.split_once('#') {
                                discovery.again(context);
                            }
                            break;
                        }
                    }
                    _ = found.changed() => break,
                    () = &mut tick => break,
                }
            }
        }
        holdings.tell_all();
        let all = std::mem::take(&mut *holdings.map());
        join_all(all.into_values().map(async |mut running| {
            if let Some(task) = running.task.take() {
                let _ = task.join().await;
            }
            let released = self.leases.release(&running.held, false);
            match self.runtime.timeout(RELEASE, released).await {
                Ok(Ok(())) => {}
                other => tracing::warn!(error = ?other, "a lease was not given back; it will expire"),
            }
        }))
        .await;
    }

    /// A reader has ended.
    async fn reap(&self, holdings: &Holdings, key: &str, fence: u64, ended: Ended) {
        let Some(mut running) = holdings.remove(key, fence) else {
            return;
        };
        if let Some(task) = running.task.take()
            && task.join().await.is_err()
        {
            tracing::error!(key, "the reader of a shard has panicked; another one will go on");
        }
        if let Err(error) = self.leases.release(&running.held, ended == Ended::Finished).await {
            tracing::warn!(key, error = ?error, "a lease was not given back; it will expire");
        }
    }

    async fn look(&self, known: &mut Known) -> Result<(), Error> {
        let found = Arc::clone(&known.found.borrow_and_update());
        let leases = self.leases.list().await?;
        let now = self.runtime.monotonic();
        known.seen.see(&leases, now);
        let by_key: BTreeMap<&str, &Lease> = leases.iter().map(|lease| (lease.key.as_str(), lease)).collect();
        let mut free = Vec::new();
        let mut held = BTreeMap::new();
        let mut places = BTreeMap::new();
        for reader in &self.readers {
            let context = reader.context();
            let Some(shards) = found.get(context).map(|found| &found.shards) else {
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
                        if known.holdings.has(&key) {
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
        self.board.cover(free.is_empty() && found.len() == self.readers.len());
        let draw = self.runtime.below(u64::MAX);
        for claim in plan(self.leases.worker(), &free, &held, draw) {
            let Some((reader, shard)) = places.get(&claim.key) else {
                continue;
            };
            let seen = by_key.get(claim.key.as_str()).copied();
            if let Err(error) = self.claim(known, &claim, reader, shard, seen).await {
                // A store that refuses this one may take the next.
                tracing::warn!(key = claim.key, error = ?error, "a shard could not be taken; trying again");
            }
        }
        if free.iter().all(|key| known.holdings.has(key)) && found.len() == self.readers.len() {
            self.board.cover(true);
        }
        for (context, found) in found.iter() {
            if known.cleaned.get(context) != Some(&found.looks) {
                known.cleaned.insert(context.clone(), found.looks);
                if let Err(error) = self.clean_up(context, &found.shards, &leases, &known.seen, now).await {
                    tracing::warn!(context, error = ?error, "what was kept of shards that are gone stays for now");
                }
            }
        }
        Ok(())
    }

    async fn claim(
        &self,
        known: &Known,
        claim: &Claim,
        reader: &StreamReader,
        shard: &Shard,
        seen: Option<&Lease>,
    ) -> Result<(), Error> {
        // The feed's position outlives the leases, so its fence may be above all that they know of.
        let written = self.feeds[reader.context()].0.position(&shard.id).await?;
        let above = written.map_or(0, |written| written.fence);
        let Some(held) = self.leases.take_above(reader.context(), shard, seen, above).await? else {
            return Ok(());
        };
        if claim.steals {
            tracing::info!(key = claim.key, "took a shard over, to even out the load");
        }
        let running = self.start(held, reader, shard.clone(), &known.ends);
        known.holdings.map().insert(claim.key.clone(), running);
        Ok(())
    }

    fn start(
        &self,
        held: Held,
        reader: &StreamReader,
        shard: Shard,
        ends: &mpsc::UnboundedSender<(String, u64, Ended)>,
    ) -> Running {
        let (feed, repair) = self.feeds[reader.context()].clone();
        let (stop, stopped) = watch::channel(false);
        let shard_reader = ShardReader {
            context: reader.context().to_owned(),
            shard,
            fence: held.fence,
            reader: reader.clone(),
            consumers: self.consumers.clone(),
            parking: self.parking.clone(),
            catch_up: self.catch_up.clone(),
            feed,
            repair,
            options: self.options.clone(),
            runtime: self.runtime.clone(),
            board: self.board.clone(),
            stop: stopped,
            alarm: Arc::new(Notify::new()),
        };
        let end = End {
            key: held.key.clone(),
            fence: held.fence,
            ended: Ended::Stopped,
            ends: ends.clone(),
        };
        let task = self.runtime.spawn(async move {
            let ended = shard_reader.run().await;
            end.tell(ended);
        });
        Running {
            held,
            task: Some(task),
            stop,
        }
    }

    /// Forgets the leases and checkpoints of shards that their stream has no more.
    async fn clean_up(
        &self,
        context: &str,
        shards: &[Shard],
        leases: &[Lease],
        seen: &Observations,
        now: Duration,
    ) -> Result<(), Error> {
        self.feeds[context].0.forget_all_but(shards).await?;
        for lease in leases {
            let Some((_, shard)) = lease.key.split_once('#').filter(|(of, _)| *of == context) else {
                continue;
            };
            // A parent that is gone may still be the proof that its children follow on.
            let named = |one: &Shard| one.id == shard || one.parent.as_deref() == Some(shard);
            let dead = lease.finished || lease.owner.is_none() || seen.is_expired(lease, now, self.options.lease);
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
