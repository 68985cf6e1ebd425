//! What an operator does about replays. Everything is written in the register; the processes that keep projections act on it.

use super::{
    Budget, Progress, ReplayError, ReplayId, ReplayOptions,
    bucket::Bucket,
    job::{Job, Until},
    progress::ProgressStore,
    refold::Refold,
};
use crate::{Catalogue, Parking, Sources};
use headwater_dynamo_repository::{Generation, GenerationRegister, GenerationState, Generations, Registered};
use headwater_kernel::{TenantId, Timestamp};
use headwater_runtime::Runtime;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{Notify, watch};

/// Starts, watches and ends replays. Cheap to clone.
#[derive(Clone)]
pub struct Replays(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) sources: Sources,
    pub(crate) catalogue: Catalogue,
    pub(crate) register: GenerationRegister,
    pub(crate) generations: Generations,
    pub(crate) progress: ProgressStore,
    pub(crate) parking: Parking,
    pub(crate) options: ReplayOptions,
    pub(crate) runtime: Runtime,
    /// Wakes the keeper of this process.
    pub(crate) changed: Notify,
}

impl std::fmt::Debug for Replays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Replays")
    }
}

/// Tenants that may have generations of their own: their list is one item.
const OWNERS: usize = 2_000;

impl Replays {
    /// For the projections of `catalogue`.
    pub fn new(sources: Sources, catalogue: Catalogue, options: ReplayOptions, runtime: Runtime) -> Self {
        let views = sources.views.clone();
        Self(Arc::new(Inner {
            register: GenerationRegister::new(views.clone()),
            generations: Generations::new(views.clone(), runtime.clone()),
            progress: ProgressStore::new(views.clone()),
            parking: Parking::new(views),
            sources,
            catalogue,
            options: ReplayOptions {
                segments: options.segments.clamp(1, 1_000),
                concurrency: options.concurrency.max(1),
                in_flight: options.in_flight.max(1),
                ..options
            },
            runtime,
            changed: Notify::new(),
        }))
    }

    /// What is registered of all projections of this build, by name: their generations, which is live, who has their own, and the switches.
    ///
    /// # Errors
    /// [`ReplayError::Store`].
    pub async fn registered(&self) -> Result<BTreeMap<String, Registered>, ReplayError> {
        let mut all = self.0.register.all().await?;
        all.retain(|name, _| self.0.catalogue.name(name).is_some());
        Ok(all)
    }

    /// Projections whose folds are not those that made their live generation: by name, what made it and what this build has.
    ///
    /// # Errors
    /// [`ReplayError::Store`].
    #[allow(clippy::type_complexity, reason = "two maps, beside each other")]
    pub async fn outdated(
        &self,
    ) -> Result<BTreeMap<String, (BTreeMap<String, u32>, BTreeMap<String, u32>)>, ReplayError> {
        let mut outdated = BTreeMap::new();
        for (name, registered) in self.registered().await? {
            let built = self.0.catalogue.folds(&name);
            if let Some(live) = registered.generation(registered.live)
                && live.folds != built
            {
                outdated.insert(name, (live.folds.clone(), built));
            }
        }
        Ok(outdated)
    }

    /// Begins to rebuild a projection, for all tenants or for one.
    ///
    /// # Errors
    /// [`ReplayError::UnknownProjection`], [`ReplayError::Busy`] while another generation of it is being made,
    /// [`ReplayError::TooManyTenants`], [`ReplayError::Store`].
    pub async fn start(
        &self,
        projection: &str,
        tenant: Option<TenantId>,
        budget: Budget,
    ) -> Result<ReplayId, ReplayError> {
        let name = self.0.founded(projection).await?;
        let now = self.0.runtime.now();
        let begin = |registered: &mut Registered| self.0.begin(registered, tenant.clone(), budget, now);
        let (_, number) = self.0.register.change(name, begin).await?;
        self.0.changed.notify_waiters();
        Ok(ReplayId {
            projection: name.to_owned(),
            generation: number,
        })
    }

    /// How far each replay of a projection has come, the newest first; generations that are kept are told of, too.
    ///
    /// # Errors
    /// [`ReplayError::UnknownProjection`], [`ReplayError::Store`].
    pub async fn progress(&self, projection: &str) -> Result<Vec<Progress>, ReplayError> {
        let name = self.0.name(projection)?;
        let Some(registered) = self.0.register.get(name).await? else {
            return Ok(Vec::new());
        };
        let contexts = self.0.contexts(name);
        let mut counted = BTreeMap::new();
        for context in &contexts {
            let count = self.0.sources.log.commits_about(context).await?;
            counted.insert(context.as_str(), count);
        }
        let mut all = Vec::new();
        for generation in registered.generations.iter().rev() {
            let consumer = format!("{name}.{}", generation.number);
            let (segments, check) = self.0.progress.load(&consumer).await?;
            let now = self.0.runtime.now();
            let mut progress = Progress::of(&registered, generation, &counted, &segments, now);
            progress.check = check;
            all.push(progress);
        }
        Ok(all)
    }

    /// Ends the replay of a projection that is under way, or whose check has failed; what was written is deleted. One that a newer build
    /// began by itself does not begin again before the next newer fold, or until [`Replays::start`].
    ///
    /// # Errors
    /// [`ReplayError::NoReplay`], [`ReplayError::UnknownProjection`], [`ReplayError::Store`].
    pub async fn cancel(&self, projection: &str) -> Result<ReplayId, ReplayError> {
        let name = self.0.founded(projection).await?;
        let cancel = |registered: &mut Registered| {
            let live: Vec<u32> = registered.generations.iter().map(|one| one.number).collect();
            let live: Vec<u32> = live.into_iter().filter(|number| registered.is_live(*number)).collect();
            let made = registered.generations.iter().find(|one| {
                let made = matches!(one.state, GenerationState::Kept | GenerationState::Dropping);
                !made && !live.contains(&one.number)
            });
            let made = made.ok_or_else(|| ReplayError::NoReplay(name.to_owned()))?.number;
            registered.give_up(made);
            Ok::<_, ReplayError>(made)
        };
        let (_, generation) = self.0.register.change(name, cancel).await?;
        self.0.changed.notify_waiters();
        Ok(ReplayId {
            projection: name.to_owned(),
            generation,
        })
    }

    /// Makes a generation that is kept live: for all tenants, or for one. Back to the old one is this call, too.
    ///
    /// # Errors
    /// [`ReplayError::UnknownGeneration`], [`ReplayError::NotComplete`], [`ReplayError::OneTenant`], [`ReplayError::UnknownProjection`],
    /// [`ReplayError::Store`].
    pub async fn switch(&self, projection: &str, generation: u32, tenant: Option<TenantId>) -> Result<(), ReplayError> {
        let name = self.0.founded(projection).await?;
        self.0.switch(name, generation, tenant.as_ref(), true).await?;
        self.0.changed.notify_waiters();
        Ok(())
    }

    /// Compares the check of a generation anew, after it failed.
    ///
    /// # Errors
    /// [`ReplayError::NotFailed`], [`ReplayError::UnknownGeneration`], [`ReplayError::UnknownProjection`], [`ReplayError::Store`].
    pub async fn check_again(&self, projection: &str, generation: u32) -> Result<(), ReplayError> {
        let name = self.0.founded(projection).await?;
        let again = |registered: &mut Registered| {
            let one = find(registered, generation)?;
            match one.state {
                GenerationState::CheckFailed => {
                    one.state = GenerationState::CatchingUp;
                    one.problem = None;
                }
                // Somebody has asked for it before.
                GenerationState::CatchingUp | GenerationState::Checking => {}
                _ => return Err(ReplayError::NotFailed(generation)),
            }
            Ok(())
        };
        self.0.register.change(name, again).await?;
        self.0.changed.notify_waiters();
        Ok(())
    }

    /// Deletes a generation that is not live, within its budget or this one.
    ///
    /// # Errors
    /// [`ReplayError::Live`], also for a minute after it was; [`ReplayError::Busy`] while it is being made, which
    /// [`cancel`](Replays::cancel) ends; [`ReplayError::UnknownGeneration`], [`ReplayError::UnknownProjection`],
    /// [`ReplayError::Store`].
    pub async fn drop(&self, projection: &str, generation: u32, budget: Budget) -> Result<(), ReplayError> {
        let name = self.0.founded(projection).await?;
        let now = self.0.runtime.now();
        let drop = |registered: &mut Registered| {
            let live = registered.is_live(generation);
            let one = find(registered, generation)?;
            let recent = one.retired_at.is_some_and(|at| now.since(at) < self.0.options.outlive);
            if live || recent {
                return Err(ReplayError::Live(generation));
            }
            let complete = [
                GenerationState::Kept,
                GenerationState::CheckFailed,
                GenerationState::Dropping,
            ];
            if !complete.contains(&one.state) {
                return Err(ReplayError::Busy {
                    projection: name.to_owned(),
                    number: generation,
                });
            }
            one.write_units_per_second = budget.write_units_per_second.or(one.write_units_per_second);
            registered.give_up(generation);
            Ok(())
        };
        self.0.register.change(name, drop).await?;
        self.0.changed.notify_waiters();
        Ok(())
    }
}

pub(crate) fn find(registered: &mut Registered, number: u32) -> Result<&mut Generation, ReplayError> {
    let known: Vec<String> = registered
        .generations
        .iter()
        .map(|one| one.number.to_string())
        .collect();
    let projection = registered.projection.clone();
    registered
        .generation_mut(number)
        .ok_or_else(|| ReplayError::UnknownGeneration {
            projection,
            number,
            known: known.join(", "),
        })
}

impl Inner {
    pub(crate) fn name(&self, projection: &str) -> Result<&'static str, ReplayError> {
        self.catalogue.name(projection).ok_or_else(|| {
            let known: Vec<_> = self.catalogue.names().collect();
            ReplayError::UnknownProjection {
                name: projection.to_owned(),
                known: known.join(", "),
            }
        })
    }

    /// A projection that is registered from now on.
    async fn founded(&self, projection: &str) -> Result<&'static str, ReplayError> {
        let name = self.name(projection)?;
        let folds = self.catalogue.folds(name);
        self.register.found(name, &folds, self.runtime.now()).await?;
        Ok(name)
    }

    /// Registers a new generation.
    pub(crate) fn begin(
        &self,
        registered: &mut Registered,
        tenant: Option<TenantId>,
        budget: Budget,
        now: Timestamp,
    ) -> Result<u32, ReplayError> {
        let made = registered
            .generations
            .iter()
            .find(|one| !matches!(one.state, GenerationState::Kept | GenerationState::Dropping));
        if let Some(made) = made {
            return Err(ReplayError::Busy {
                projection: registered.projection.clone(),
                number: made.number,
            });
        }
        if tenant.is_some() && registered.owners.len() >= OWNERS {
            return Err(ReplayError::TooManyTenants);
        }
        let number = registered.next;
        registered.next += 1;
        registered.generations.push(Generation {
            number,
            folds: self.catalogue.folds(&registered.projection),
            state: GenerationState::Attaching,
            only: tenant,
            made_at: now,
            filling_since: None,
            retired_at: None,
            write_units_per_second: budget.write_units_per_second,
            segments: self.options.segments,
            problem: None,
        });
        Ok(number)
    }

    /// The contexts that a projection follows, of those that this process reads.
    pub(crate) fn contexts(&self, projection: &str) -> Vec<String> {
        let folds = self.catalogue.folds(projection);
        let follows = |context: &&String| folds.keys().any(|key| key.split('.').next() == Some(context.as_str()));
        self.sources.contexts.iter().filter(follows).cloned().collect()
    }

    /// What is needed to act on a generation.
    #[allow(clippy::too_many_arguments, reason = "each a part of its own")]
    pub(crate) fn job(
        &self,
        projection: &'static str,
        generation: u32,
        refolds: Vec<Arc<dyn Refold>>,
        segments: u32,
        budget: Option<f64>,
        fence: u64,
        until: Until,
        stop: watch::Receiver<bool>,
    ) -> Job {
        let Sources { log, authority, .. } = &self.sources;
        let bulk = (self.catalogue.stores.repository)(projection).bulk(generation);
        let (lease, runtime) = (until.clone(), self.runtime.clone());
        Job {
            log: log.clone(),
            authority: authority.clone(),
            parking: self.parking.clone(),
            progress: self.progress.clone(),
            bucket: Arc::new(Bucket::new(budget, self.runtime.clone())),
            options: self.options.clone(),
            runtime: self.runtime.clone(),
            consumer: format!("{projection}.{generation}"),
            contexts: self.contexts(projection),
            bulk: bulk.while_allowed(move || lease.left(runtime.monotonic())),
            refolds,
            segments,
            fence,
            until,
            stop,
        }
    }
}
