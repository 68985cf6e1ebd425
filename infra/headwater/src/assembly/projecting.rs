//! The projections of a process: the one place that starts their runner, and asks it how far it is.

use super::{
    readiness::{Check, Status},
    stores::Stores,
};
use crate::{
    admin::{Kept, unread},
    config::{Adapter, Config},
    contexts,
};
use headwater_event_log::FeedOptions;
use headwater_kernel::Timestamp;
use headwater_projectors::{
    Budget, Catalogue, Consumer, Keeper, ReplayOptions, Replays, RunnerOptions, ShardStatus, Sources, Watcher,
};
use headwater_runtime::Runtime;
use headwater_tenancy::WorkerAuthority;
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// Projections that are being kept.
pub(crate) struct Projecting {
    keeper: Keeper,
}

/// All projections of this build, on these stores.
fn replays(config: &Config, stores: &Stores, runtime: &Runtime) -> Replays {
    let mut catalogue = Catalogue::new(headwater_projectors::Stores {
        log: stores.log.clone(),
        views: stores.databases.rebuildable.clone(),
        repository: Arc::clone(&stores.repository),
        indexes: stores.indexes.clone(),
        metrics: stores.metrics.clone(),
    });
    headwater_read_models::register(&mut catalogue);
    let sources = Sources {
        log: stores.log.clone(),
        views: stores.databases.rebuildable.clone(),
        authority: WorkerAuthority::new(&stores.operator, config.home),
        contexts: contexts::NAMES.iter().map(|name| (*name).to_owned()).collect(),
    };
    let options = ReplayOptions {
        rebuild_on_change: config.projector.rebuild_on_change,
        budget: Budget {
            write_units_per_second: config.projector.rebuild_write_units.map(f64::from),
        },
        ..ReplayOptions::default()
    };
    Replays::new(sources, catalogue, options, runtime.clone())
}

/// Starts to keep the projections of all contexts, in all their generations.
pub(super) fn start(config: &Config, stores: &Stores, runtime: &Runtime) -> Projecting {
    let usual = match config.adapter {
        Adapter::Embedded => RunnerOptions::embedded(),
        Adapter::Aws { .. } => RunnerOptions {
            save_every: config.projector.save,
            catch_up_commits_per_second: Some(f64::from(config.projector.catch_up_commits)),
            feed: FeedOptions {
                repair_rest: FeedOptions::rest_for(config.projector.repair_read_units),
                ..FeedOptions::default()
            },
            ..RunnerOptions::default()
        },
    };
    let keeper = Keeper::start(
        &replays(config, stores, runtime),
        RunnerOptions {
            pace: config.projector.pace,
            records: config.projector.records,
            believe_for: config.projector.believe,
            discover_every: config.projector.discover,
            lease: config.projector.lease,
            ..usual
        },
        runtime,
    );
    Projecting { keeper }
}

/// Keeps the same projections by what AWS Lambda hands over. Reading a stream is Lambda's, so nothing of it is configured here.
#[cfg(feature = "lambda")]
pub(super) fn handler(config: &Config, stores: &Stores, runtime: &Runtime) -> headwater_projectors::lambda::Handler {
    headwater_projectors::lambda::Handler::new(&replays(config, stores, runtime), RunnerOptions::default())
}

impl Projecting {
    /// Whether it keeps up, as `/readyz` asks: every shard has its reader, nothing is being caught up from the log, and no commit has
    /// waited longer than configured.
    pub(super) fn check(&self, longest: Option<Duration>, runtime: &Runtime) -> Check {
        let (watcher, kept, runtime) = (self.keeper.watcher(), self.keeper.kept(), runtime.clone());
        Arc::new(move || status(&watcher, &kept(), longest, runtime.now()))
    }

    /// What operators look at.
    pub(super) fn kept(&self) -> Kept {
        Kept {
            consumers: Box::new(self.keeper.kept()),
            watcher: self.keeper.watcher(),
            worker: self.keeper.worker().to_owned(),
            replays: self.keeper.replays().clone(),
        }
    }

    /// Stops reading, finishes what was read, writes positions down.
    pub(super) async fn shut_down(self) {
        self.keeper.shut_down().await;
    }
}

fn status(watcher: &Watcher, kept: &[Consumer], longest: Option<Duration>, now: Timestamp) -> Status {
    if !watcher.is_covered() {
        return Status::NotReady("not every shard has a reader yet".to_owned());
    }
    // By projection and context, why each generation that is there does not do. A generation that is being made may take its time:
    // one that does is enough.
    let mut reasons: BTreeMap<(&str, String), Vec<Option<String>>> = BTreeMap::new();
    for consumer in kept.iter().filter(|consumer| !consumer.held.load(Ordering::Acquire)) {
        let mut of_consumer: BTreeMap<String, Option<String>> = BTreeMap::new();
        let shards = watcher.status().into_iter();
        for one in shards.filter(|one| (one.projection, one.generation) == (consumer.projection, consumer.generation)) {
            let why = reason(&one, longest, now);
            let worst = of_consumer.entry(one.context).or_default();
            *worst = worst.take().or(why);
        }
        for (context, why) in of_consumer {
            reasons.entry((consumer.projection, context)).or_default().push(why);
        }
    }
    let stuck = |of: &Vec<Option<String>>| of.iter().all(Option::is_some);
    match reasons
        .into_values()
        .find(stuck)
        .and_then(|of| of.into_iter().flatten().next())
    {
        Some(why) => Status::NotReady(why),
        None => Status::Ready,
    }
}

/// Why a shard does not do.
fn reason(shard: &ShardStatus, longest: Option<Duration>, now: Timestamp) -> Option<String> {
    let ShardStatus {
        projection,
        context,
        recovering,
        behind,
        ..
    } = shard;
    if *recovering {
        return Some(format!("{projection} is catching up from the log of {context}"));
    }
    let waited = behind
        .values()
        .map(|(_, since)| now.since(*since))
        .max()
        .unwrap_or_default()
        .max(unread(shard, now));
    let too_long = longest.is_some_and(|longest| waited > longest);
    too_long.then(|| format!("{projection} is {} s behind in {context}", waited.as_secs()))
}
