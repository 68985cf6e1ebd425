//! Where each generation of each projection stands: what this process knows of the shards it reads, and of all others what their leases and
//! checkpoints say.

use super::{
    Admin,
    kept::{Lag, Waiting},
    operator::Operator,
    problem::{of_apply, of_log, of_repository},
    replay_grpc::word,
};
use headwater_dynamo_repository::{GenerationRegister, Registered};
use headwater_edge::Problem;
use headwater_event_log::consumer::{Checkpoint, Checkpoints, Lease, LeaseTable};
use headwater_kernel::{TenantId, Timestamp};
use headwater_projectors::{Consumer, Parking};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How many tenants are named that are behind.
const WORST: usize = 10;

/// One generation of a projection.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ProjectionStatus {
    pub(super) projection: String,
    pub(super) generation: u32,
    pub(super) live: bool,
    pub(super) state: String,
    pub(super) folds: BTreeMap<String, u32>,
    pub(super) outdated: bool,
    pub(super) lag_events: u64,
    pub(super) lag_seconds: f64,
    pub(super) recovering: bool,
    pub(super) parked: u64,
    pub(super) partial: bool,
    pub(super) contexts: Vec<ContextStatus>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ContextStatus {
    pub(super) context: String,
    pub(super) lag_events: u64,
    pub(super) lag_seconds: f64,
    pub(super) recovering: bool,
    pub(super) parked: u64,
    pub(super) shards: Vec<ShardState>,
    pub(super) most_behind: Vec<TenantLag>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ShardState {
    pub(super) shard: String,
    pub(super) held_by: Option<String>,
    pub(super) here: bool,
    pub(super) position: Option<String>,
    pub(super) position_at: Option<Timestamp>,
    pub(super) at_tip: Option<bool>,
    pub(super) lag_events: Option<u64>,
    pub(super) lag_seconds: Option<f64>,
    pub(super) recovering: Option<bool>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct TenantLag {
    pub(super) tenant: TenantId,
    pub(super) lag_events: u64,
    pub(super) lag_seconds: f64,
}

/// What is read once for all of them.
struct Tables {
    leases: Vec<Lease>,
    registered: BTreeMap<String, Registered>,
    lag: Lag,
    parking: Parking,
    checkpoints: Checkpoints,
}

/// A generation to be told of.
struct Known<'a> {
    state: String,
    folds: BTreeMap<String, u32>,
    contexts: BTreeSet<String>,
    /// When this process keeps it.
    consumer: Option<&'a Consumer>,
}

impl Admin {
    /// All generations by name and number; with a tenant, its lag, what it has parked, and which generation is live for it.
    pub(super) async fn projections(
        &self,
        operator: &Operator,
        tenant: Option<&TenantId>,
    ) -> Result<Vec<ProjectionStatus>, Problem> {
        if let Some(tenant) = tenant {
            self.scope(operator, tenant).await?;
        }
        let kept = self.kept()?;
        let (views, runtime) = (&self.parts.views, &self.parts.runtime);
        let tables = Tables {
            // Reads only; a name that no worker has.
            leases: LeaseTable::new(views.clone(), "admin", runtime.clone())
                .list()
                .await
                .map_err(of_log)?,
            registered: GenerationRegister::new(views.clone())
                .all()
                .await
                .map_err(of_repository)?,
            lag: kept.lag(runtime.now()),
            parking: Parking::new(views.clone()),
            checkpoints: Checkpoints::new(views.clone(), runtime.clone()),
        };
        let mut all = Vec::new();
        for ((projection, generation), known) in self.known(&(kept.consumers)(), &tables.registered) {
            all.push(self.status(&tables, &projection, generation, known, tenant).await?);
        }
        Ok(all)
    }

    /// What is registered, and what this process keeps.
    fn known<'a>(
        &self,
        consumers: &'a [Consumer],
        registered: &BTreeMap<String, Registered>,
    ) -> BTreeMap<(String, u32), Known<'a>> {
        let mut known: BTreeMap<(String, u32), Known<'a>> = BTreeMap::new();
        for of_projection in registered.values() {
            for generation in &of_projection.generations {
                let sources = generation.folds.keys();
                let contexts = sources.filter_map(|source| Some(source.split_once('.')?.0.to_owned()));
                let one = Known {
                    state: word(&generation.state),
                    folds: generation.folds.clone(),
                    contexts: contexts.collect(),
                    consumer: None,
                };
                known.insert((of_projection.projection.clone(), generation.number), one);
            }
        }
        for consumer in consumers {
            let key = (consumer.projection.to_owned(), consumer.generation);
            let one = known.entry(key).or_insert_with(|| Known {
                state: "kept".to_owned(),
                folds: self.parts.folds.of(consumer.projection),
                contexts: BTreeSet::new(),
                consumer: None,
            });
            let followed = consumer.followers.iter().map(|follower| follower.source().0.to_owned());
            one.contexts.extend(followed);
            one.consumer = Some(consumer);
        }
        known
    }

    async fn status(
        &self,
        tables: &Tables,
        projection: &str,
        generation: u32,
        known: Known<'_>,
        tenant: Option<&TenantId>,
    ) -> Result<ProjectionStatus, Problem> {
        let name = format!("{projection}.{generation}");
        let parked = tables.parking.count(&name, tenant).await.map_err(of_apply)?;
        let mut contexts = Vec::new();
        for context in &known.contexts {
            let positions = match known.consumer {
                Some(consumer) => consumer.positions.load(context).await.map_err(of_apply)?,
                None => tables.checkpoints.load(context, &name).await.map_err(of_log)?,
            };
            let mut status = self.context(tables, (projection, generation), context, &positions, tenant)?;
            status.parked = parked.get(context).copied().unwrap_or_default();
            contexts.push(status);
        }
        let live = match tables.registered.get(projection) {
            Some(registered) => registered.live_for(tenant),
            None => 1,
        };
        let declared = self.parts.folds.of(projection);
        Ok(ProjectionStatus {
            projection: projection.to_owned(),
            generation,
            live: live == generation,
            state: known.state,
            outdated: !declared.is_empty() && declared != known.folds,
            folds: known.folds,
            lag_events: contexts.iter().map(|context| context.lag_events).sum(),
            lag_seconds: contexts.iter().map(|context| context.lag_seconds).fold(0.0, f64::max),
            recovering: contexts.iter().any(|context| context.recovering),
            parked: parked.values().sum(),
            partial: contexts
                .iter()
                .flat_map(|context| &context.shards)
                .any(|shard| shard.lag_events.is_none()),
            contexts,
        })
    }

    fn context(
        &self,
        tables: &Tables,
        consumer: (&str, u32),
        context: &str,
        positions: &BTreeMap<String, Checkpoint>,
        tenant: Option<&TenantId>,
    ) -> Result<ContextStatus, Problem> {
        let worker = &self.kept()?.worker;
        let lag = &tables.lag;
        let here = || {
            let mine = lag.shards.iter();
            mine.filter(|one| (one.projection, one.generation) == consumer && one.context == context)
        };
        let mut shards: BTreeMap<&str, ShardState> = BTreeMap::new();
        for lease in &tables.leases {
            let Some((_, shard)) = lease.key.split_once('#').filter(|(of, _)| *of == context) else {
                continue;
            };
            // One that was read to its end has nothing to tell.
            if lease.finished && positions.get(shard).is_none_or(|position| position.finished) {
                continue;
            }
            shards.insert(
                shard,
                ShardState {
                    shard: shard.to_owned(),
                    held_by: lease.owner.clone(),
                    here: lease.owner.as_ref() == Some(worker),
                    position: positions.get(shard).and_then(|at| at.position.sequence.clone()),
                    position_at: positions.get(shard).map(|at| at.at),
                    at_tip: None,
                    lag_events: None,
                    lag_seconds: None,
                    recovering: None,
                },
            );
        }
        let mut sum = Waiting::default();
        for one in here() {
            let waiting = lag.of(one, tenant);
            sum = sum.and(waiting);
            if let Some(state) = shards.get_mut(one.shard.as_str()) {
                state.at_tip = Some(one.at_tip);
                state.lag_events = Some(waiting.events);
                state.lag_seconds = Some(waiting.time.as_secs_f64());
                state.recovering = Some(one.recovering);
            }
        }
        let most_behind = if tenant.is_some() {
            Vec::new()
        } else {
            lag.worst(here(), WORST)
        };
        Ok(ContextStatus {
            context: context.to_owned(),
            lag_events: sum.events,
            lag_seconds: sum.time.as_secs_f64(),
            recovering: here().any(|one| one.recovering),
            parked: 0,
            shards: shards.into_values().collect(),
            most_behind: most_behind
                .into_iter()
                .map(|(tenant, waiting)| TenantLag {
                    tenant,
                    lag_events: waiting.events,
                    lag_seconds: waiting.time.as_secs_f64(),
                })
                .collect(),
        })
    }
}
