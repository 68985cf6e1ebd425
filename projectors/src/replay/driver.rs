//! Takes one generation from state to state, under its lease. Whatever process goes on after a crash begins where the state and the
//! segments say.

use super::{
    CheckTotals, ReplayError,
    attaching::Shards,
    fill::{Pass, Purpose},
    folding::Whose,
    job::{Job, Until},
    replays::{Inner, find},
    verify::Verify,
};
use crate::{Consumer, Parked, RunnerOptions, Watcher, options::backoff, projections::Keep, stop::told};
use headwater_dynamo_repository::{Generation, GenerationState, Registered};
use headwater_event_log::consumer::{Held, LeaseTable};
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};

/// See the module.
pub(crate) struct Driver {
    pub(crate) inner: Arc<Inner>,
    pub(crate) projection: &'static str,
    pub(crate) number: u32,
    /// What this process keeps of the generation; nothing while it is dropped.
    pub(crate) keep: Option<Arc<Keep>>,
    /// The live generation's consumer, if it is kept here.
    pub(crate) live: Option<Consumer>,
    pub(crate) leases: LeaseTable,
    pub(crate) held: Held,
    pub(crate) until: Until,
    pub(crate) runner: RunnerOptions,
    pub(crate) watcher: Watcher,
    pub(crate) stop: watch::Receiver<bool>,
}

/// Parked aggregates that are looked for in the live generation before a switch.
const PARKED: usize = 1_000;

/// Differences that are told in the problem of a check that failed.
const SHOWN: usize = 5;

impl Driver {
    /// Works until the generation needs nothing more, or this worker has to stop; gives the lease back.
    pub(crate) async fn run(self) {
        let (halt, halted) = watch::channel(false);
        let guard = self.guard(halt);
        let work = self.work(halted);
        tokio::select! {
            // First what tells the work to stop; the work ends by itself then, with nothing under way.
            biased;
            () = guard => {}
            () = work => {}
        }
        if let Err(error) = self.leases.release(&self.held, false).await {
            tracing::warn!(error = ?error, "a replay's lease was not given back; it will expire");
        }
    }

    /// Keeps the lease alive and watches the register; tells the work to stop. Never ends.
    async fn guard(&self, halt: watch::Sender<bool>) {
        let runtime = &self.inner.runtime;
        let mut held = self.held.clone();
        let mut stop = self.stop.clone();
        let every = (self.runner.lease / 4).min(Duration::from_secs(1));
        let mut step: Option<GenerationState> = None;
        loop {
            let began = runtime.monotonic();
            match self.leases.renew(&mut held).await {
                Ok(true) => self.until.set(began + self.runner.lease * 2 / 3),
                Ok(false) => {
                    tracing::info!(key = held.key, "another worker goes on with this replay");
                    self.until.set(Duration::ZERO);
                    let _ = halt.send(true);
                }
                Err(error) => tracing::warn!(key = held.key, error = ?error, "a replay's lease was not renewed"),
            }
            // Dropping what is being made ends the making.
            if let Ok(Some(generation)) = self.generation().await {
                let dropping = generation.state == GenerationState::Dropping;
                if dropping && step.is_some_and(|step| step != GenerationState::Dropping) {
                    let _ = halt.send(true);
                }
                step = Some(generation.state);
            }
            tokio::select! {
                biased;
                () = told(&mut stop), if !*halt.borrow() => { let _ = halt.send(true); }
                () = runtime.sleep(every) => {}
            }
        }
    }

    async fn generation(&self) -> Result<Option<Generation>, ReplayError> {
        let registered = self.inner.register.get(self.projection).await?;
        Ok(registered.and_then(|registered| registered.generation(self.number).cloned()))
    }

    async fn work(&self, halt: watch::Receiver<bool>) {
        let mut failures = 0;
        while !*halt.borrow() {
            let pause = match self.step(&halt).await {
                Ok(None) => return,
                Ok(Some(pause)) => {
                    failures = 0;
                    pause
                }
                Err(ReplayError::Stopped) => return,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(projection = self.projection, generation = self.number, error = ?error, "a replay does not go on; trying again");
                    if !error.is_retryable() {
                        self.tell(format!("{error}: {}", chain(&error))).await;
                    }
                    backoff(failures.min(9))
                }
            };
            let mut halt = halt.clone();
            let _ = self.inner.runtime.timeout(pause, told(&mut halt)).await;
        }
    }

    /// One step; how long to wait before the next, or `None` when there is none.
    async fn step(&self, halt: &watch::Receiver<bool>) -> Result<Option<Duration>, ReplayError> {
        let Some(generation) = self.generation().await? else {
            return Ok(None);
        };
        let soon = Some(Duration::ZERO);
        match (generation.state, &self.keep) {
            (GenerationState::Dropping, None) => {
                self.delete(&generation, halt).await?;
                Ok(None)
            }
            (GenerationState::Attaching, Some(keep)) => {
                let now = self.inner.runtime.now();
                let believe = self.runner.believe_for / 2;
                let contexts = self.inner.contexts(self.projection);
                if !self
                    .shards(&contexts)
                    .are_attached(&keep.consumer, now, believe)
                    .await?
                {
                    return Ok(Some(self.inner.options.poll / 8));
                }
                self.advance(GenerationState::Attaching, GenerationState::Filling)
                    .await?;
                Ok(soon)
            }
            (GenerationState::Filling, Some(keep)) => {
                self.until_known(keep, halt).await?;
                let pass = Pass {
                    job: Arc::new(self.job(keep, &generation, halt)),
                    whose: whose(&generation),
                    purpose: Purpose::Fill,
                    positions: Some(Arc::clone(&keep.consumer.positions)),
                };
                pass.run().await?;
                self.advance(GenerationState::Filling, GenerationState::CatchingUp)
                    .await?;
                self.inner.changed.notify_waiters();
                Ok(soon)
            }
            (GenerationState::CatchingUp, Some(keep)) => {
                self.catch_up(keep, halt).await?;
                self.advance(GenerationState::CatchingUp, GenerationState::Checking)
                    .await?;
                Ok(soon)
            }
            (GenerationState::Checking, Some(keep)) => {
                self.check(keep, &generation, halt).await?;
                Ok(soon)
            }
            (GenerationState::Switching, Some(_)) => {
                let tenant = generation.only.as_ref();
                self.inner.switch(self.projection, self.number, tenant, false).await?;
                self.advance(GenerationState::Switching, GenerationState::Kept).await?;
                tracing::info!(
                    projection = self.projection,
                    generation = self.number,
                    "a rebuilt generation is live"
                );
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    pub(super) fn shards<'a>(&'a self, contexts: &'a [String]) -> Shards<'a> {
        Shards {
            log: &self.inner.sources.log,
            authority: &self.inner.sources.authority,
            leases: &self.leases,
            contexts,
        }
    }

    fn job(&self, keep: &Keep, generation: &Generation, halt: &watch::Receiver<bool>) -> Job {
        self.inner.job(
            self.projection,
            self.number,
            keep.refolds.clone(),
            generation.segments,
            generation.write_units_per_second,
            self.held.fence,
            self.until.clone(),
            halt.clone(),
        )
    }

    async fn advance(&self, from: GenerationState, to: GenerationState) -> Result<(), ReplayError> {
        let now = self.inner.runtime.now();
        let change = |registered: &mut Registered| {
            let one = find(registered, self.number)?;
            if one.state != from {
                return Err(ReplayError::Stopped);
            }
            one.state = to;
            one.problem = None;
            if to == GenerationState::Filling {
                one.filling_since.get_or_insert(now);
            }
            Ok(())
        };
        self.inner.register.change(self.projection, change).await?;
        tracing::info!(projection = self.projection, generation = self.number, state = ?to, "a replay goes on");
        Ok(())
    }

    /// Writes a problem down for whoever asks.
    async fn tell(&self, problem: String) {
        let change = |registered: &mut Registered| {
            find(registered, self.number)?.problem = Some(problem.clone());
            Ok::<_, ReplayError>(())
        };
        if let Err(error) = self.inner.register.change(self.projection, change).await {
            tracing::warn!(error = ?error, "a problem could not be written down");
        }
    }

    async fn check(
        &self,
        keep: &Keep,
        generation: &Generation,
        halt: &watch::Receiver<bool>,
    ) -> Result<(), ReplayError> {
        let (differences, mut found) = mpsc::channel(64);
        let verify = Verify {
            job: Arc::new(self.job(keep, generation, halt)),
            projection: self.projection.to_owned(),
            generation: self.number,
            whose: whose(generation),
            mends: true,
            differences,
        };
        let mut shown = Vec::new();
        let collect = async {
            while let Some(difference) = found.recv().await {
                if shown.len() < SHOWN {
                    shown.push(format!(
                        "{:?} {}/{}",
                        difference.kind, difference.tenant, difference.aggregate
                    ));
                }
            }
        };
        let (totals, ()) = futures::future::join(verify.run(), collect).await;
        let totals: CheckTotals = totals?;
        let consumer = format!("{}.{}", self.projection, self.number);
        self.inner.progress.save_check(&consumer, &totals).await?;
        let problem = if totals.is_right() {
            self.would_hide(generation).await?
        } else {
            let differences = totals.total.differences;
            Some(format!("{differences} differences, such as {}", shown.join(", ")))
        };
        let Some(problem) = problem else {
            return self
                .advance(GenerationState::Checking, GenerationState::Switching)
                .await;
        };
        self.advance(GenerationState::Checking, GenerationState::CheckFailed)
            .await?;
        self.tell(problem).await;
        Ok(())
    }

    /// What is parked here and not in the generation that is live, which shows it: it would be shown no more, and nobody has said that it
    /// may be missing.
    async fn would_hide(&self, generation: &Generation) -> Result<Option<String>, ReplayError> {
        let Some(registered) = self.inner.register.get(self.projection).await? else {
            return Ok(None);
        };
        let live = registered.live_for(generation.only.as_ref());
        let (consumer, live_consumer) = (
            format!("{}.{}", self.projection, self.number),
            format!("{}.{live}", self.projection),
        );
        let (mut hidden, mut first) = (0_usize, None);
        for parked in self.inner.parking.first(&consumer, None, PARKED).await? {
            let there = self.inner.parking.find(&live_consumer, &parked.context, &parked.source);
            if there.await?.is_none() {
                hidden += 1;
                first.get_or_insert(parked.source);
            }
        }
        Ok(first.map(|source| {
            format!(
                "{hidden} aggregates are parked that generation {live} shows, such as {}/{}/{}; see `headwater parked list {consumer}`; once \
                 they are applied, `headwater replay {projection} --check {number}` goes on, and --switch-to {number} shows the generation as it is",
                source.tenant,
                source.aggregate,
                source.id,
                projection = self.projection,
                number = self.number
            )
        }))
    }

    async fn delete(&self, generation: &Generation, halt: &watch::Receiver<bool>) -> Result<(), ReplayError> {
        let inner = &self.inner;
        let mut stop = halt.clone();
        // Every process lets go of it first, or what is deleted would come again.
        if inner
            .runtime
            .timeout(inner.options.settle, told(&mut stop))
            .await
            .is_ok()
        {
            return Err(ReplayError::Stopped);
        }
        let consumer = format!("{}.{}", self.projection, self.number);
        inner
            .catalogue
            .remove_stores(self.projection, self.number, &inner.runtime)
            .await?;
        if inner.catalogue.has_rows(self.projection)
            && let Some(keep) = inner
                .catalogue
                .build(self.projection, self.number, generation.only.clone())?
        {
            let mut job = self.job(&keep, generation, halt);
            // Its own segments: those of the filling may say that all is done.
            job.consumer = format!("{consumer}~dropping");
            let job = Arc::new(job);
            let pass = Pass {
                job: Arc::clone(&job),
                whose: whose(generation),
                purpose: Purpose::Delete,
                positions: None,
            };
            pass.run().await?;
            for context in &job.contexts {
                for shard in keep.consumer.positions.load(context).await?.into_keys() {
                    keep.consumer.positions.forget(context, &shard).await?;
                }
            }
            inner.progress.clear(&job.consumer).await?;
        }
        let mut after: Option<Parked> = None;
        loop {
            let last = after.as_ref().map(|last| (last.context.as_str(), &last.source));
            let (page, more) = inner.parking.page(&consumer, None, last, 500).await?;
            for parked in &page {
                inner.parking.release(parked).await?;
            }
            after = page.into_iter().next_back();
            if !more {
                break;
            }
        }
        inner.progress.clear(&consumer).await?;
        let forget = |registered: &mut Registered| {
            registered.generations.retain(|one| one.number != self.number);
            Ok::<_, ReplayError>(())
        };
        inner.register.change(self.projection, forget).await?;
        tracing::info!(
            projection = self.projection,
            generation = self.number,
            "a generation is deleted"
        );
        Ok(())
    }
}

fn whose(generation: &Generation) -> Whose {
    Whose {
        only: generation.only.clone(),
        ..Whose::default()
    }
}

fn chain(error: &ReplayError) -> String {
    match error {
        ReplayError::Store(error) => crate::parking::without_quotes(&crate::follower::Chain(error).to_string()),
        other => other.to_string(),
    }
}
