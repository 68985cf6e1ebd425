//! Stores whose network, shards and time a test scripts, and workers on them.

use futures::FutureExt;
use headwater_dynamodb::{
    simulated::{Call, Effect, Fate, Network, Outcome, Place, SimulatedEngine, StreamRules, databases},
    tables,
};
use headwater_event_log::{
    AggregateStore, EventLog, FeedWriter, Options,
    consumer::{Lease, LeaseTable},
};
use headwater_kernel::{Id, Rejection};
use headwater_projectors::{Consumer, Runner, RunnerOptions, Sources};
use headwater_runtime::Runtime;
use headwater_tenancy::TenantScope;
use headwater_tests::{
    account::{self, CONTEXT},
    bytes,
    projections::Keeping,
    request, sealing_key,
    simulation::world::{OUTSIDE, Process, World},
};
use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
/// The event table.
pub(super) const EVENTS: &str = "bank-events";

type Trouble = Box<dyn Fn(Call<'_>) -> Option<(Duration, Outcome)> + Send>;

struct Calls {
    trouble: Mutex<Trouble>,
    /// Client and operation of each that was run.
    ran: Mutex<Vec<(String, String)>>,
    /// Scans under way, and the most there were at once.
    scans: Mutex<(usize, usize)>,
}

/// The stores, the network and time. Clones are the same.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) engine: SimulatedEngine,
    pub(super) scope: TenantScope,
    calls: Arc<Calls>,
}

impl Network for Stage {
    fn fate(&self, call: Call<'_>) -> Fate {
        let way = Duration::from_micros(300);
        let trouble = self.calls.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let (there, outcome) = trouble(call).unwrap_or((way, Outcome::Answered));
        if call.operation == "Scan" {
            let mut scans = self.calls.scans.lock().unwrap();
            scans.0 += 1;
            scans.1 = scans.1.max(scans.0);
        }
        Fate {
            there,
            outcome,
            back: way,
        }
    }

    fn ran(&self, effect: &Effect<'_>) {
        let Call { client, operation, .. } = effect.call;
        if operation == "Scan" {
            self.calls.scans.lock().unwrap().0 -= 1;
        }
        let one = (client.to_owned(), operation.to_owned());
        self.calls.ran.lock().unwrap().push(one);
    }

    fn runtime(&self) -> Runtime {
        self.world.runtime(OUTSIDE)
    }
}

/// Short times; virtual ones cost nothing, but steps are counted.
pub(super) fn options() -> RunnerOptions {
    RunnerOptions {
        save_every: Duration::from_millis(100),
        look_every: Duration::from_millis(300),
        lease: Duration::from_secs(3),
        discover_every: Duration::from_secs(1),
        pace: Duration::from_millis(50),
        idle_pace: Duration::from_millis(200),
        ..RunnerOptions::default()
    }
}

impl Stage {
    pub(super) fn new() -> Self {
        let world = World::new(7);
        let engine = SimulatedEngine::new(StreamRules {
            seed: 1,
            delay: Duration::ZERO,
            retention: Duration::from_secs(24 * 3_600),
            iterator: Duration::from_secs(900),
            page: 100,
            shows_after: Duration::ZERO,
            duplicates: 0,
            empty: 0,
            by_item: false,
            keeps_partitions: true,
            first: 100,
        });
        let now = world.runtime(OUTSIDE).now();
        for table in EventLog::tables(CONTEXT) {
            engine.create_table(&table, now);
        }
        for table in [tables::views_table(CONTEXT), tables::checkpoints_table()] {
            engine.create_table(&table, now);
        }
        Self {
            world,
            engine,
            scope: futures::executor::block_on(headwater_tenancy::testing::scope("acme")),
            calls: Arc::new(Calls {
                trouble: Mutex::new(Box::new(|_| None)),
                ran: Mutex::default(),
                scans: Mutex::default(),
            }),
        }
    }

    /// Plays a course to its end.
    pub(super) fn play<F: Future<Output = ()> + Send + 'static>(self, course: impl FnOnce(Self) -> F) {
        let world = self.world.clone();
        // Whoever fails ends the course; the workers would go on for ever.
        let played = world.run(AssertUnwindSafe(course(self)).catch_unwind());
        let failed = !matches!(played, Ok(Ok(())));
        assert!(!failed && world.panics().is_empty(), "{played:?} {:?}", world.panics());
    }

    /// From now on.
    pub(super) fn trouble(&self, trouble: impl Fn(Call<'_>) -> Option<(Duration, Outcome)> + Send + 'static) {
        *self.calls.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(trouble);
    }

    pub(super) fn count(&self, operation: &str) -> usize {
        let ran = self.calls.ran.lock().unwrap();
        ran.iter().filter(|(_, name)| name == operation).count()
    }

    /// The most scans at once so far.
    pub(super) fn scans_at_once(&self) -> usize {
        self.calls.scans.lock().unwrap().1
    }

    pub(super) fn keeping(&self, client: &str, process: Process) -> Keeping {
        let runtime = self.world.runtime(process);
        let network: Arc<dyn Network> = Arc::new(self.clone());
        let databases = databases(&self.engine, client, Place::Remote, &runtime, &network);
        let log = EventLog::new(databases.durable, sealing_key(), Options::default(), runtime.clone());
        Keeping::over(log, databases.rebuildable, runtime)
    }

    /// A worker of a process of its own.
    pub(super) fn worker(&self, client: &str) -> (Process, Runner) {
        let process = self.world.process();
        (process, self.keeping(client, process).start(options()))
    }

    /// One that keeps the feed alone.
    pub(super) fn feeder(&self, client: &str, process: Process, consumers: Vec<Consumer>) -> Runner {
        let keeping = self.keeping(client, process);
        let sources = Sources {
            log: keeping.log.clone(),
            views: keeping.views.clone(),
            authority: keeping.authority.clone(),
            contexts: vec![CONTEXT.to_owned()],
        };
        Runner::start(sources, consumers, options(), &keeping.runtime)
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        self.world.runtime(OUTSIDE).sleep(duration).await;
    }

    /// A deposit into each of `accounts` accounts.
    pub(super) async fn deposit(&self, accounts: u64, round: u64) {
        let keeping = self.keeping("writer", OUTSIDE);
        let store = AggregateStore::<account::Account>::new(keeping.log.clone());
        for n in 0..accounts {
            let id = Id::new(format!("A{n}")).unwrap();
            let payload = bytes(&serde_json::json!({ "cents": 1 }));
            let decide = || Ok::<_, Rejection>(account::Command::Deposit { cents: 1 });
            store
                .execute(
                    &self.scope,
                    &id,
                    request(&format!("{round}-{n}"), "deposit", &payload),
                    decide,
                )
                .await
                .unwrap();
        }
    }

    /// Ends both shards, for one each that goes on.
    pub(super) fn roll_over(&self) {
        let now = self.world.runtime(OUTSIDE).now();
        self.engine.split(EVENTS, 0, false, now);
        self.engine.split(EVENTS, 0, false, now);
    }

    pub(super) async fn settled(&self) {
        self.keeping("watcher", OUTSIDE).settled(&self.scope).await;
    }

    /// Waits until the feed is what the log says; the views do not matter.
    pub(super) async fn fed(&self) {
        let keeping = self.keeping("watcher", OUTSIDE);
        for _ in 0..600 {
            if keeping.feed_differences(&self.scope).await.is_empty() {
                return;
            }
            self.sleep(Duration::from_millis(100)).await;
        }
        panic!("{:#?}", keeping.feed_differences(&self.scope).await);
    }

    pub(super) async fn leases(&self) -> Vec<Lease> {
        let keeping = self.keeping("watcher", OUTSIDE);
        let table = LeaseTable::new(keeping.views, "watcher", keeping.runtime);
        let mut leases = table.list().await.unwrap();
        leases.retain(|lease| lease.key.starts_with("bank#"));
        leases
    }

    /// The stream for which the feed is known to be whole.
    pub(super) async fn whole(&self) -> Option<String> {
        let keeping = self.keeping("watcher", OUTSIDE);
        FeedWriter::new(keeping.log, CONTEXT).repaired_for().await.unwrap()
    }

    pub(super) async fn until_whole(&self) {
        for _ in 0..600 {
            if self.whole().await.is_some() {
                return;
            }
            self.sleep(Duration::from_millis(100)).await;
        }
        panic!("the feed is not whole after a minute");
    }
}
