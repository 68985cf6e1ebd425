//! A bank on the embedded engine, whose projections are kept in all their generations.

use headwater_dynamo_repository::{GenerationState, Generations};
use headwater_dynamodb::{Databases, Usage, faults::Faults};
use headwater_event_log::{AggregateStore, EventLog, Options};
use headwater_kernel::{Aggregate, Id, Rejection, TenantId};
use headwater_projectors::{
    Budget, Catalogue, Consumer, Indexes, Keeper, Metrics, Progress, Projections, ReplayOptions, Replays,
    RunnerOptions, Sources, Stores,
};
use headwater_runtime::Runtime;
use headwater_tenancy::TenantScope;
use headwater_tests::{
    account::{self, Account, CONTEXT},
    bytes,
    projections::{BALANCES, Balance, Keeping, NUMBERS, NumberRow, register},
    request, sealing_key,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) databases: Databases,
    pub(crate) keeping: Keeping,
    pub(crate) acme: TenantScope,
    pub(crate) beta: TenantScope,
    pub(crate) runtime: Runtime,
    pub(crate) dir: TempDir,
    pub(crate) faults: Faults,
}

/// Short times, so that what has to wait waits little.
pub(crate) fn quick() -> ReplayOptions {
    ReplayOptions {
        poll: Duration::from_millis(100),
        segments: 8,
        concurrency: 2,
        save_every: Duration::from_millis(50),
        look_again: Duration::from_millis(20),
        outlive: Duration::ZERO,
        settle: Duration::from_millis(300),
        ..ReplayOptions::default()
    }
}

pub(crate) fn runner() -> RunnerOptions {
    RunnerOptions {
        save_every: Duration::from_millis(20),
        look_every: Duration::from_millis(50),
        lease: Duration::from_millis(1_500),
        discover_every: Duration::from_millis(300),
        pace: Duration::from_millis(10),
        idle_pace: Duration::from_millis(20),
        ..RunnerOptions::embedded()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::open(tempfile::tempdir().unwrap(), Runtime::tokio()).await
    }

    pub(crate) async fn open(dir: TempDir, runtime: Runtime) -> Self {
        let faults = Faults::seeded(0);
        let databases = Databases::embedded_with_faults(dir.path(), Runtime::tokio(), faults.clone()).unwrap();
        let log = EventLog::new(
            databases.durable.clone(),
            sealing_key(),
            Options::default(),
            runtime.clone(),
        );
        log.ensure_tables(CONTEXT).await.unwrap();
        Self {
            keeping: Keeping::new(log, databases.rebuildable.clone(), runtime.clone()).await,
            acme: headwater_tenancy::testing::scope("acme").await,
            beta: headwater_tenancy::testing::scope("beta").await,
            databases,
            runtime,
            dir,
            faults,
        }
    }

    /// Closes the files and opens them again.
    pub(crate) async fn reopen(self) -> Self {
        let Self {
            databases,
            dir,
            runtime,
            ..
        } = self;
        databases.shutdown().await;
        Self::open(dir, runtime).await
    }

    pub(crate) fn sources(&self) -> Sources {
        Sources {
            log: self.keeping.log.clone(),
            views: self.keeping.views.clone(),
            authority: self.keeping.authority.clone(),
            contexts: vec![CONTEXT.to_owned()],
        }
    }

    pub(crate) fn stores(&self) -> Stores {
        let keeping = self.keeping.clone();
        Stores {
            log: self.keeping.log.clone(),
            views: self.keeping.views.clone(),
            repository: Arc::new(move |projection| keeping.repository(projection)),
            indexes: Indexes::none(),
            metrics: Metrics::none(),
        }
    }

    pub(crate) fn replays(&self, options: ReplayOptions) -> Replays {
        let mut catalogue = Catalogue::new(self.stores());
        register(&mut catalogue);
        Replays::new(self.sources(), catalogue, options, self.runtime.clone())
    }

    pub(crate) fn keep(&self) -> Keeper {
        Keeper::start(&self.replays(quick()), runner(), &self.runtime)
    }

    pub(crate) async fn send(&self, scope: &TenantScope, id: &str, key: &str, command: account::Command) {
        let accounts = AggregateStore::<Account>::new(self.keeping.log.clone());
        let payload = bytes(&serde_json::to_value(&command).unwrap());
        let decide = || Ok::<_, Rejection>(command.clone());
        let id = Id::new(id).unwrap();
        accounts
            .execute(scope, &id, request(key, "c", &payload), decide)
            .await
            .unwrap();
    }

    /// `accounts` accounts with two commits each: a deposit and their numbers.
    pub(crate) async fn fill(&self, scope: &TenantScope, accounts: u64) {
        let all = (0..accounts).map(async |n| {
            let (id, cents) = (format!("A{n}"), i64::try_from(n + 1).unwrap());
            self.send(scope, &id, "1", account::Command::Deposit { cents }).await;
            let numbers = vec![format!("{n}-a"), format!("{n}-b")];
            self.send(scope, &id, "2", account::Command::Number { numbers }).await;
        });
        futures::future::join_all(all).await;
    }

    /// Every way in which a generation of both projections differs from the log.
    pub(crate) async fn differences(
        &self,
        scope: &TenantScope,
        projection: &'static str,
        generation: u32,
    ) -> Vec<String> {
        let repository = self.keeping.repository(projection).at_generation(generation);
        let mut differences = Vec::new();
        for (id, (balance, held, version)) in self.keeping.expected(scope).await {
            if projection == BALANCES {
                let row = repository.find::<Balance>(scope, &Balance::key(&id)).await.unwrap();
                if row.as_ref().map(|row| (row.version, &row.entity)) != Some((version, &balance)) {
                    differences.push(format!("{id}: {row:?}, not {balance:?} at {version}"));
                }
                continue;
            }
            let head = repository.head(scope, CONTEXT, Account::NAME, &id).await.unwrap();
            if head.as_ref().map(|head| head.version) != Some(version) {
                differences.push(format!("{id}: {head:?}, not at {version}"));
            }
            for number in &held.numbers {
                let row = repository.find::<NumberRow>(scope, &NumberRow::key(&id, number)).await;
                if row.unwrap().is_none() {
                    differences.push(format!("{id}: no row for {number}"));
                }
            }
        }
        differences
    }

    /// Waits until a generation is what the log says.
    pub(crate) async fn settled(&self, scope: &TenantScope, projection: &'static str, generation: u32) {
        self.until(
            &format!("{projection}.{generation} of {}", scope.tenant()),
            async || self.differences(scope, projection, generation).await.is_empty(),
        )
        .await;
    }

    pub(crate) async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let tokio = Runtime::tokio();
        for _ in 0..3_600 {
            if holds().await {
                return;
            }
            tokio.sleep(Duration::from_millis(50)).await;
        }
        panic!("after three minutes still not: {what}");
    }

    /// Waits until a generation is kept, and its replay has come to its end.
    pub(crate) async fn kept(&self, replays: &Replays, projection: &str, generation: u32) -> Progress {
        let what = format!("{projection}.{generation} is kept");
        self.until(&what, async || {
            let progress = progress(replays, projection, generation).await;
            progress.is_some_and(|progress| {
                let failed = progress.state == GenerationState::CheckFailed;
                assert!(!failed, "{progress:?}");
                progress.state == GenerationState::Kept
            })
        })
        .await;
        progress(replays, projection, generation).await.unwrap()
    }

    /// What keeps a generation.
    pub(crate) fn consumer(&self, projection: &str, generation: u32) -> Consumer {
        let mut projections = Projections::new(self.stores(), generation);
        register(&mut projections);
        let mut consumers = projections.consumers().into_iter();
        consumers.find(|consumer| consumer.projection == projection).unwrap()
    }

    /// What is live for a tenant, read anew.
    pub(crate) async fn live(&self, scope: &TenantScope, projection: &'static str) -> u32 {
        let generations = Generations::new(self.keeping.views.clone(), self.runtime.clone());
        generations.live(scope, CONTEXT, projection).await.unwrap()
    }

    /// All keys of the views table that a generation has.
    pub(crate) async fn keys(&self, projection: &str, generation: u32) -> Vec<String> {
        let suffix = format!("#~{projection}.{generation}");
        let scanned = self
            .keeping
            .views
            .client()
            .scan()
            .table_name(self.keeping.views.table(CONTEXT))
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .unwrap();
        let pk = |item: &std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>| {
            item["PK"].as_s().unwrap().clone()
        };
        scanned.iter().map(pk).filter(|key| key.ends_with(&suffix)).collect()
    }

    pub(crate) fn usage(&self) -> Vec<Usage> {
        self.databases.rebuildable.accounting().snapshot()
    }

    /// Write units of bulk writes since.
    pub(crate) fn bulk_units(&self, before: &[Usage]) -> f64 {
        let usage = self.databases.rebuildable.accounting().since(before);
        let bulk = usage.iter().filter(|usage| usage.pattern == "repository.bulk");
        bulk.map(|usage| usage.write_units).sum()
    }
}

pub(crate) async fn progress(replays: &Replays, projection: &str, generation: u32) -> Option<Progress> {
    let all = replays.progress(projection).await.unwrap();
    all.into_iter().find(|one| one.replay.generation == generation)
}

pub(crate) fn budget(units: f64) -> Budget {
    Budget {
        write_units_per_second: Some(units),
    }
}

pub(crate) fn tenant(scope: &TenantScope) -> Option<TenantId> {
    Some(scope.tenant().clone())
}

/// How many rows, heads included, both projections have after [`World::fill`].
pub(crate) fn rows_of(accounts: u64) -> BTreeMap<&'static str, u64> {
    BTreeMap::from([(BALANCES, accounts), (NUMBERS, 3 * accounts)])
}
