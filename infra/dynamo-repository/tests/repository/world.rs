//! One views table on the embedded engine, a repository on it, and what its calls consumed.

use headwater_dynamo_repository::{Expect, Generations, PageRequest, Repository};
use headwater_dynamo_schema::{Entity, FromRow, Range};
use headwater_dynamodb::{Databases, Usage, faults::Faults, tables};
use headwater_runtime::{Environment, Runtime, Task};
use headwater_tenancy::{SealingKey, TenantScope, WorkerAuthority, testing};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub(crate) struct World {
    pub(crate) databases: Databases,
    pub(crate) faults: Faults,
    pub(crate) generations: Generations,
    pub(crate) repository: Repository,
    pub(crate) acme: TenantScope,
    _dir: tempfile::TempDir,
}

pub(crate) const PROJECTION: &str = "account-tree";

pub(crate) fn secret() -> SealingKey {
    SealingKey::new([7; 32])
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Runtime::tokio()).await
    }

    /// The directory of generations runs on `runtime`.
    pub(crate) async fn with(runtime: Runtime) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let faults = Faults::seeded(0);
        let databases = Databases::embedded_with_faults(dir.path(), Runtime::tokio(), faults.clone()).unwrap();
        databases.ensure_table(&tables::views_table("crm")).await.unwrap();
        databases.ensure_table(&tables::checkpoints_table()).await.unwrap();
        let generations = Generations::new(databases.rebuildable.clone(), runtime);
        let repository = Repository::new(databases.rebuildable.clone(), PROJECTION, generations.clone(), secret());
        Self {
            repository,
            generations,
            databases,
            faults,
            acme: testing::scope("acme").await,
            _dir: dir,
        }
    }

    /// Makes a generation live for acme.
    pub(crate) async fn switch(&self, generations: &Generations, projection: &'static str, to: u32) {
        let authority = WorkerAuthority::new(&secret().operator(), headwater_kernel::Region::Us);
        generations
            .set_own(&authority, self.acme.tenant(), &["crm"], projection, Some(to))
            .await
            .unwrap();
    }

    pub(crate) async fn save<E: Entity>(&self, entity: &E) {
        self.repository
            .save(&self.acme, entity, 1, Expect::UpTo(1))
            .await
            .unwrap();
    }

    /// All rows of a range, in one page.
    pub(crate) async fn all<T: FromRow>(&self, range: &Range) -> Vec<T> {
        let page = PageRequest {
            limit: 1_000,
            cursor: None,
        };
        let page = self.repository.query::<T>(&self.acme, range, &page).await.unwrap();
        assert_eq!(page.next_cursor, None);
        page.items.into_iter().map(|row| row.entity).collect()
    }

    pub(crate) fn usage(&self) -> Vec<Usage> {
        self.databases.rebuildable.accounting().snapshot()
    }

    /// Calls of an operation since a snapshot.
    pub(crate) fn calls(&self, before: &[Usage], operation: &str) -> u64 {
        self.since(before, |usage| usage.operation == operation)
            .map(|usage| usage.calls)
            .sum()
    }

    /// Calls of an access pattern since a snapshot.
    pub(crate) fn pattern_calls(&self, before: &[Usage], pattern: &str) -> u64 {
        self.since(before, |usage| usage.pattern == pattern)
            .map(|usage| usage.calls)
            .sum()
    }

    /// Read and write units of repository calls since a snapshot; looking up the generation is cached and not of interest.
    pub(crate) fn units(&self, before: &[Usage]) -> (f64, f64) {
        self.since(before, |usage| usage.pattern.starts_with("repository."))
            .fold((0.0, 0.0), |(read, write), usage| {
                (read + usage.read_units, write + usage.write_units)
            })
    }

    fn since(&self, before: &[Usage], wanted: impl Fn(&Usage) -> bool) -> impl Iterator<Item = Usage> {
        let rows = self.databases.rebuildable.accounting().since(before);
        rows.into_iter()
            .filter(move |usage| wanted(usage))
            .collect::<Vec<_>>()
            .into_iter()
    }
}

/// A monotonic clock that only moves by hand, or by a stride at each look.
#[derive(Clone, Default)]
pub(crate) struct Steps {
    seconds: Arc<AtomicU64>,
    stride: u64,
}

impl Steps {
    /// Moves so far at each look that nothing is ever believed for long enough.
    pub(crate) fn striding() -> Self {
        Self {
            stride: 60,
            ..Self::default()
        }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Environment for Steps {
    fn now(&self) -> headwater_kernel::Timestamp {
        Runtime::tokio().now()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.seconds.fetch_add(self.stride, Ordering::SeqCst))
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }

    fn sleep(&self, duration: Duration) -> futures::future::BoxFuture<'static, ()> {
        Runtime::tokio().sleep(duration)
    }

    fn spawn(&self, task: futures::future::BoxFuture<'static, ()>) -> Task {
        Runtime::tokio().spawn(task)
    }
}
