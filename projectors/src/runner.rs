//! The runner of a process: one worker that takes its share of the shards of all contexts, and what it keeps.

use crate::{
    Consumer, ShardStatus,
    attachment::Attachment,
    catch_up::CatchUp,
    feed_repair::{FeedRepair, RepairWanted},
    options::RunnerOptions,
    parking::Parking,
    supervised::supervised,
    worker::Worker,
};
use futures::future::join_all;
use headwater_dynamodb::Database;
use headwater_event_log::{EventLog, FeedWriter, StreamReader, consumer::LeaseTable};
use headwater_runtime::{Runtime, Task};
use headwater_tenancy::WorkerAuthority;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::watch;

/// What a runner works with.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Whose streams are read, and which fills gaps.
    pub log: EventLog,
    /// Where leases, checkpoints and parked aggregates are kept: with the views.
    pub views: Database,
    /// The right to act for the tenant of a commit.
    pub authority: WorkerAuthority,
    /// The contexts whose streams are read.
    pub contexts: Vec<String>,
}

/// Keeps the projections of all contexts until it is shut down.
#[derive(Debug)]
pub struct Runner {
    stop: watch::Sender<bool>,
    consumers: watch::Sender<Arc<Vec<Consumer>>>,
    tasks: Vec<Task>,
    board: Board,
    worker: String,
}

/// Who is attached to what in this process.
#[derive(Clone, Default)]
pub(crate) struct Board(Arc<BoardInner>);

#[derive(Default)]
struct BoardInner {
    attached: Mutex<Vec<Arc<Attachment>>>,
    /// Every shard has been seen to be read by somebody.
    covered: AtomicBool,
}

impl std::fmt::Debug for Board {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Board")
    }
}

impl Board {
    pub(crate) fn add(&self, attachment: &Arc<Attachment>) {
        let mut attached = self.0.attached.lock().unwrap_or_else(PoisonError::into_inner);
        attached.push(Arc::clone(attachment));
    }

    pub(crate) fn remove(&self, attachment: &Arc<Attachment>) {
        let mut attached = self.0.attached.lock().unwrap_or_else(PoisonError::into_inner);
        attached.retain(|one| !Arc::ptr_eq(one, attachment));
    }

    pub(crate) fn cover(&self, covered: bool) {
        self.0.covered.store(covered, Ordering::Release);
    }

    fn all(&self) -> Vec<Arc<Attachment>> {
        let attached = self.0.attached.lock().unwrap_or_else(PoisonError::into_inner);
        attached.clone()
    }
}

impl Runner {
    /// Starts a worker for these consumers.
    pub fn start(sources: Sources, consumers: Vec<Consumer>, options: RunnerOptions, runtime: &Runtime) -> Self {
        let name = worker_name(runtime);
        Self::start_as(name, Board::default(), sources, consumers, options, runtime)
    }

    /// The same under a name, and on a board, that were there before.
    pub(crate) fn start_as(
        name: String,
        board: Board,
        sources: Sources,
        consumers: Vec<Consumer>,
        options: RunnerOptions,
        runtime: &Runtime,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (consumers, changed) = watch::channel(Arc::new(consumers));
        let Sources {
            log,
            views,
            authority,
            contexts,
        } = sources;
        let leases = LeaseTable::new(views.clone(), name.clone(), runtime.clone());
        let feeds: BTreeMap<String, (FeedWriter, RepairWanted)> = contexts
            .iter()
            .map(|context| {
                let writer = FeedWriter::with_options(log.clone(), context.clone(), options.feed.clone());
                (context.clone(), (writer, RepairWanted::new()))
            })
            .collect();
        let mut tasks = Vec::new();
        for (context, (writer, wanted)) in &feeds {
            let repair = FeedRepair {
                context: context.clone(),
                writer: writer.clone(),
                authority: authority.clone(),
                leases: leases.clone(),
                wanted: wanted.clone(),
                options: options.clone(),
                runtime: runtime.clone(),
                stop: stopped.clone(),
            };
            let (runtime, stop) = (runtime.clone(), stopped.clone());
            tasks.push(runtime.clone().spawn(async move {
                supervised("the repair of a feed", &runtime, stop, || repair.run()).await;
            }));
        }
        let worker = Worker {
            leases,
            feeds,
            readers: contexts
                .into_iter()
                .map(|context| StreamReader::new(log.clone(), context, authority.clone()))
                .collect(),
            parking: Parking::new(views),
            catch_up: CatchUp::new(log, authority, options.catch_up_commits_per_second),
            consumers: changed,
            options,
            runtime: runtime.clone(),
            board: board.clone(),
            stop: stopped.clone(),
        };
        let of_worker = runtime.clone();
        tasks.push(runtime.spawn(async move {
            supervised("the worker", &of_worker, stopped, || worker.run()).await;
        }));
        Self {
            stop,
            consumers,
            tasks,
            board,
            worker: name,
        }
    }

    /// The name of this process in the leases.
    pub fn worker(&self) -> &str {
        &self.worker
    }

    /// Replaces the consumers: those that are new are taken up, those that are gone are let go.
    pub fn set_consumers(&self, consumers: Vec<Consumer>) {
        self.consumers.send_replace(Arc::new(consumers));
    }

    /// Where each consumer of each shard that this process reads stands.
    pub fn status(&self) -> Vec<ShardStatus> {
        let mut all: Vec<_> = self.board.all().iter().map(|one| one.status()).collect();
        all.sort_by(|a, b| {
            (a.projection, a.generation, &a.context, &a.shard).cmp(&(b.projection, b.generation, &b.context, &b.shard))
        });
        all
    }

    /// Whether every shard is read by some worker, as far as this one has seen.
    pub fn is_covered(&self) -> bool {
        self.board.0.covered.load(Ordering::Acquire)
    }

    /// A handle to ask for the status after this runner has moved elsewhere.
    pub fn watcher(&self) -> Watcher {
        Watcher(self.board.clone())
    }

    /// Stops reading, lets every consumer finish its round and write its position down, and gives the leases back.
    pub async fn shut_down(self) {
        let _ = self.stop.send(true);
        join_all(self.tasks.into_iter().map(Task::join)).await;
    }
}

/// No two workers have one name, also not one after the other.
pub(crate) fn worker_name(runtime: &Runtime) -> String {
    format!("{}-{}", std::process::id(), runtime.uuid())
}

/// Looks at a runner.
#[derive(Debug, Clone)]
pub struct Watcher(pub(crate) Board);

impl Watcher {
    /// See [`Runner::status`].
    pub fn status(&self) -> Vec<ShardStatus> {
        self.0.all().iter().map(|one| one.status()).collect()
    }

    /// See [`Runner::is_covered`].
    pub fn is_covered(&self) -> bool {
        self.0.0.covered.load(Ordering::Acquire)
    }
}
