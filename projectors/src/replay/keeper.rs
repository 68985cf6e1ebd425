//! Keeps the projections of a process in all their generations, as the register says, and does the work of replays that nobody else does.

use super::{ReplayError, Replays, build::is_newer, driver::Driver, job::Until, replays::Inner};
use crate::{
    Consumer, Runner, RunnerOptions, Watcher,
    options::backoff,
    projections::Keep,
    runner::{Board, worker_name},
    stop::told,
};
use futures::future::{join, join_all};
use headwater_dynamo_repository::{Generation, GenerationState, Registered};
use headwater_dynamodb::ATTEMPT_TIMEOUT;
use headwater_event_log::{
    Shard,
    consumer::{Lease, LeaseTable, Observations},
};
use headwater_runtime::{Runtime, Task};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};
use tokio::sync::watch;

/// What the lease of a replay has in place of a context.
const REPLAY: &str = "replay";

/// Keeps the projections of a process until it is shut down.
#[derive(Debug)]
pub struct Keeper {
    stop: watch::Sender<bool>,
    task: Task,
    board: Board,
    worker: String,
    kept: Kept,
    replays: Replays,
}

impl Keeper {
    /// Starts to keep the projections of `replays`. It begins once the register of generations can be read.
    pub fn start(replays: &Replays, options: RunnerOptions, runtime: &Runtime) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (board, worker, kept) = (Board::default(), worker_name(runtime), Kept::default());
        let keeping = Keeping {
            inner: Arc::clone(&replays.0),
            options,
            board: board.clone(),
            worker: worker.clone(),
            stop: stopped,
            kept: kept.clone(),
            seen: Observations::default(),
            drivers: BTreeMap::new(),
            warned: BTreeSet::new(),
        };
        Self {
            stop,
            task: runtime.spawn(keeping.run()),
            board,
            worker,
            kept,
            replays: replays.clone(),
        }
    }

    /// What an operator does about replays.
    pub fn replays(&self) -> &Replays {
        &self.replays
    }

    /// The name of this process in the leases.
    pub fn worker(&self) -> &str {
        &self.worker
    }

    /// The generations that are kept now, by projection and number.
    pub fn consumers(&self) -> Vec<Consumer> {
        self.kept.consumers()
    }

    /// Gives the generations that are kept at the time of asking, after this has moved elsewhere.
    pub fn kept(&self) -> impl Fn() -> Vec<Consumer> + Send + Sync + 'static {
        let kept = self.kept.clone();
        move || kept.consumers()
    }

    /// A handle to ask for the status after this has moved elsewhere. Before the register was read there is none.
    pub fn watcher(&self) -> Watcher {
        Watcher(self.board.clone())
    }

    /// Stops replays where they are and reading where it is, writes positions down, and gives the leases back.
    pub async fn shut_down(self) {
        let _ = self.stop.send(true);
        let _ = self.task.join().await;
    }
}

/// The generations that a process has open.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<BTreeMap<Key, Arc<Keep>>>>);

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.map().keys()).finish()
    }
}

impl Kept {
    fn map(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Keep>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn consumers(&self) -> Vec<Consumer> {
        self.map().values().map(|keep| keep.consumer.clone()).collect()
    }

    fn get(&self, key: &Key) -> Option<Arc<Keep>> {
        self.map().get(key).cloned()
    }
}

type Key = (&'static str, u32);

struct Keeping {
    inner: Arc<Inner>,
    options: RunnerOptions,
    board: Board,
    worker: String,
    stop: watch::Receiver<bool>,
    kept: Kept,
    seen: Observations,
    drivers: BTreeMap<Key, Task>,
    warned: BTreeSet<String>,
}

impl Keeping {
    async fn run(mut self) {
        let mut failures = 0;
        let mut runner: Option<Runner> = None;
        while !*self.stop.borrow() {
            let inner = Arc::clone(&self.inner);
            let changed = inner.changed.notified();
            let mut stop = self.stop.clone();
            let looked = tokio::select! {
                biased;
                () = told(&mut stop) => break,
                looked = self.look(&mut runner) => looked,
            };
            let pause = match looked {
                Ok(()) => {
                    failures = 0;
                    inner.options.poll
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(error = ?error, "the generations of projections cannot be read; trying again");
                    backoff(failures.min(9))
                }
            };
            tokio::select! {
                biased;
                () = told(&mut stop) => {}
                () = changed => {}
                () = inner.runtime.sleep(pause) => {}
            }
        }
        // Both at once: others wait for the shards, and a replay may be in the middle of a page.
        let drivers = std::mem::take(&mut self.drivers);
        let drivers = join_all(drivers.into_values().map(Task::join));
        let runner = async {
            if let Some(runner) = runner {
                runner.shut_down().await;
            }
        };
        join(drivers, runner).await;
    }

    async fn look(&mut self, runner: &mut Option<Runner>) -> Result<(), ReplayError> {
        let sure_until = self.inner.runtime.monotonic() + self.inner.options.sure_for();
        let registered = self.registered().await?;
        if self.keep(&registered, sure_until) || runner.is_none() {
            let consumers = self.kept.consumers();
            match runner {
                Some(runner) => runner.set_consumers(consumers),
                None => {
                    *runner = Some(Runner::start_as(
                        self.worker.clone(),
                        self.board.clone(),
                        self.inner.sources.clone(),
                        consumers,
                        self.options.clone(),
                        &self.inner.runtime,
                    ));
                }
            }
        }
        self.drive(&registered).await
    }

    /// What is registered of the projections of this build; those that are new are registered, those that changed rebuilt.
    async fn registered(&mut self) -> Result<BTreeMap<&'static str, Registered>, ReplayError> {
        let inner = Arc::clone(&self.inner);
        let mut all = inner.register.all().await?;
        let now = inner.runtime.now();
        let mut known = BTreeMap::new();
        for name in inner.catalogue.names() {
            let folds = inner.catalogue.folds(name);
            let mut registered = match all.remove(name) {
                Some(registered) => registered,
                None => inner.register.found(name, &folds, now).await?,
            };
            let live = registered.generation(registered.live).map(|live| live.folds.clone());
            let live = live.unwrap_or_default();
            if live != folds && is_newer(&folds, &live) {
                let declined = registered.declined.as_ref() == Some(&folds);
                if inner.options.rebuild_on_change && !declined {
                    let budget = inner.options.budget;
                    let begin = |registered: &mut Registered| {
                        let under_way = registered.generations.iter().any(|one| one.folds == folds);
                        let declined = registered.declined.as_ref() == Some(&folds);
                        match under_way || declined {
                            true => Ok(None),
                            false => inner.begin(registered, None, budget, now).map(Some),
                        }
                    };
                    match inner.register.change(name, begin).await {
                        Ok((changed, begun)) => {
                            if let Some(number) = begun {
                                tracing::info!(
                                    projection = name,
                                    generation = number,
                                    "its folds have changed; it is rebuilt"
                                );
                            }
                            registered = changed;
                        }
                        Err(ReplayError::Busy { .. }) => {}
                        Err(error) => return Err(error),
                    }
                } else if self.warned.insert(name.to_owned()) {
                    tracing::warn!(
                        projection = name,
                        "its folds have changed since its live generation was made; `headwater replay {name}` rebuilds it"
                    );
                }
            }
            known.insert(name, registered);
        }
        Ok(known)
    }

    /// Makes `kept` what is registered; whether the set has changed.
    fn keep(&mut self, registered: &BTreeMap<&'static str, Registered>, sure_until: Duration) -> bool {
        let mut wanted = BTreeSet::new();
        let mut changed = false;
        for (name, registered) in registered {
            let built = self.inner.catalogue.folds(name);
            for generation in &registered.generations {
                let key = (*name, generation.number);
                // A generation of newer folds is for processes of a newer build.
                let foreign = generation.folds != built && is_newer(&generation.folds, &built);
                if generation.state == GenerationState::Dropping || foreign {
                    continue;
                }
                let keep = match self.kept.get(&key) {
                    Some(keep) => keep,
                    None => {
                        let keep = self
                            .inner
                            .catalogue
                            .build(name, generation.number, generation.only.clone());
                        match keep {
                            Ok(Some(keep)) => {
                                // Held before anybody sees it.
                                hold(&keep.consumer, generation, sure_until);
                                let keep = Arc::new(keep);
                                self.kept.map().insert(key, Arc::clone(&keep));
                                changed = true;
                                keep
                            }
                            Ok(None) => continue,
                            Err(error) => {
                                tracing::error!(projection = name, generation = generation.number, error = ?error, "a generation cannot be kept; trying again");
                                continue;
                            }
                        }
                    }
                };
                hold(&keep.consumer, generation, sure_until);
                wanted.insert(key);
            }
        }
        let mut kept = self.kept.map();
        let before = kept.len();
        kept.retain(|key, _| wanted.contains(key));
        changed || kept.len() != before
    }

    /// Starts a driver for each generation that needs one and has none anywhere.
    async fn drive(&mut self, registered: &BTreeMap<&'static str, Registered>) -> Result<(), ReplayError> {
        let mut ended = Vec::new();
        for (key, driver) in &mut self.drivers {
            if self.inner.runtime.timeout(Duration::ZERO, driver.ended()).await.is_ok() {
                ended.push(*key);
            }
        }
        for key in ended {
            self.drivers.remove(&key);
        }
        let active: Vec<(&'static str, &Registered, &Generation)> = registered
            .iter()
            .flat_map(|(name, one)| one.generations.iter().map(move |generation| (*name, one, generation)))
            .filter(|(name, _, one)| one.state.is_active() && !self.drivers.contains_key(&(name, one.number)))
            .collect();
        if active.is_empty() {
            return Ok(());
        }
        let runtime = self.inner.runtime.clone();
        let leases = LeaseTable::new(self.inner.sources.views.clone(), self.worker.as_str(), runtime.clone());
        let listed = leases.list().await?;
        let now = runtime.monotonic();
        self.seen.see(&listed, now);
        for (name, registered, generation) in active {
            let key = (name, generation.number);
            let keep = self.kept.get(&key);
            let dropping = generation.state == GenerationState::Dropping;
            let can = match dropping {
                true => self.inner.catalogue.keeps_all(name),
                false => keep.is_some(),
            };
            if !can || !self.follows_all(name) {
                continue;
            }
            let lease_key = LeaseTable::key(REPLAY, &format!("{name}.{}", generation.number));
            let lease = listed.iter().find(|lease| lease.key == lease_key);
            if lease.is_some_and(|lease| !self.is_free(lease, now)) {
                continue;
            }
            let place = Shard {
                stream: REPLAY.to_owned(),
                id: format!("{name}.{}", generation.number),
                parent: None,
                starts_at: None,
            };
            let Some(held) = leases.take(REPLAY, &place, lease).await? else {
                continue;
            };
            let live = registered.live_for(generation.only.as_ref());
            let driver = Driver {
                inner: Arc::clone(&self.inner),
                projection: name,
                number: generation.number,
                keep: keep.filter(|_| !dropping),
                live: self.kept.get(&(name, live)).map(|keep| keep.consumer.clone()),
                leases: leases.clone(),
                held,
                until: Until::new(now + self.options.lease * 2 / 3),
                runner: self.options.clone(),
                watcher: Watcher(self.board.clone()),
                stop: self.stop.clone(),
            };
            self.drivers.insert(key, runtime.spawn(driver.run()));
        }
        Ok(())
    }

    /// Whether this process reads all contexts that a projection follows.
    fn follows_all(&self, projection: &'static str) -> bool {
        let folds = self.inner.catalogue.folds(projection);
        let contexts = self.inner.contexts(projection);
        folds
            .keys()
            .all(|key| contexts.iter().any(|context| key.split('.').next() == Some(context)))
    }

    /// What its holder had sent without a condition before its lease ran out has arrived by then.
    fn is_free(&self, lease: &Lease, now: Duration) -> bool {
        lease.owner.is_none()
            || self.options.alone
            || self.seen.is_expired(lease, now, self.options.lease + ATTEMPT_TIMEOUT)
    }
}

/// `sure_until`: how long what was read is certain.
fn hold(consumer: &Consumer, generation: &Generation, sure_until: Duration) {
    let attaching = generation.state == GenerationState::Attaching;
    let held = attaching || generation.state == GenerationState::Filling;
    let fresh = if attaching { sure_until.as_nanos() } else { 0 };
    consumer
        .fresh
        .store(u64::try_from(fresh).unwrap_or(u64::MAX), Ordering::Release);
    consumer.held.store(held, Ordering::Release);
}
