//! The feed's part of a shard: every batch that is read goes into the feed of its tenants, in the order it was read, with the position in
//! the same transaction. It has a queue of its own; when that is full, or a position is lost, what is missing comes from the log.

use crate::{opening::Begin, options::backoff, stop::told};
use headwater_event_log::{FeedError, FeedWriter, LoggedCommit, Position, Shard};
use headwater_runtime::{Runtime, Task};
use headwater_tenancy::WorkerAuthority;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// Batches that may wait.
const QUEUE: usize = 64;

/// What was read at a time.
pub(crate) struct FeedBatch {
    pub(crate) commits: Vec<(String, LoggedCommit)>,
    pub(crate) position: Position,
    /// There was a record that this build cannot read; another may have written it.
    pub(crate) unreadable: bool,
}

/// The reader's end.
pub(crate) struct Feed {
    queue: mpsc::Sender<FeedBatch>,
    lost: Arc<AtomicBool>,
    task: Task,
    stop: watch::Sender<bool>,
    drained: Arc<AtomicBool>,
}

/// Where the feed begins in a shard.
pub(crate) async fn begin(writer: &FeedWriter, shard: &Shard) -> Result<Begin, headwater_event_log::Error> {
    if writer.repaired_for().await?.as_deref() != Some(&shard.stream) {
        return Ok(Begin::Lost("the feed is not known to be whole for this stream"));
    }
    let known = writer.position(&shard.id).await?;
    let known = known.filter(|known| known.position.stream == shard.stream);
    Ok(match known.and_then(|known| known.position.sequence) {
        Some(sequence) => Begin::After(sequence),
        // Its parents were read to their end, or the feed would not be known to be whole.
        None => Begin::First,
    })
}

impl Feed {
    /// Starts the task.
    pub(crate) fn start(
        writer: FeedWriter,
        authority: WorkerAuthority,
        shard: &Shard,
        fence: u64,
        lost: bool,
        runtime: &Runtime,
    ) -> Self {
        let (queue, batches) = mpsc::channel(QUEUE);
        let (stop, stopped) = watch::channel(false);
        let lost = Arc::new(AtomicBool::new(lost));
        let drained = Arc::new(AtomicBool::new(false));
        let work = Work {
            writer,
            authority,
            stream: shard.stream.clone(),
            shard: shard.id.clone(),
            fence,
            lost: Arc::clone(&lost),
            drained: Arc::clone(&drained),
            runtime: runtime.clone(),
            stop: stopped,
        };
        Self {
            queue,
            lost,
            task: runtime.spawn(work.run(batches)),
            stop,
            drained,
        }
    }

    /// Passes a batch on; without room the log fills in.
    pub(crate) fn push(&self, batch: FeedBatch) {
        if self.queue.try_send(batch).is_err() {
            self.lose();
        }
    }

    /// Something was missed.
    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// The shard has ended: waits until all of it is in the feed, for so long at most. `false` when it is not.
    pub(crate) async fn finish(self, longest: Duration, runtime: &Runtime) -> bool {
        let Self {
            queue,
            mut task,
            stop,
            drained,
            ..
        } = self;
        drop(queue);
        let ended = runtime.timeout(longest, task.ended()).await;
        drop(stop);
        if ended.is_err() {
            task.abort();
        }
        drained.load(Ordering::Acquire)
    }

    /// Ends the task after what it is at.
    pub(crate) async fn stop(mut self, runtime: &Runtime) {
        let _ = self.stop.send(true);
        if runtime
            .timeout(Duration::from_millis(900), self.task.ended())
            .await
            .is_err()
        {
            self.task.abort();
        }
    }
}

struct Work {
    writer: FeedWriter,
    authority: WorkerAuthority,
    stream: String,
    shard: String,
    fence: u64,
    lost: Arc<AtomicBool>,
    drained: Arc<AtomicBool>,
    runtime: Runtime,
    stop: watch::Receiver<bool>,
}

impl Work {
    async fn run(mut self, mut batches: mpsc::Receiver<FeedBatch>) {
        let mut known: Option<Position> = None;
        let mut loaded = false;
        let mut failures = 0;
        let mut open: Option<FeedBatch> = None;
        loop {
            if *self.stop.borrow() {
                return;
            }
            let step = self.step(&mut known, &mut loaded, &mut open, &mut batches).await;
            match step {
                Ok(Step::On) => failures = 0,
                Ok(Step::Ended) => {
                    self.drained.store(true, Ordering::Release);
                    return;
                }
                Ok(Step::Stopped) => return,
                Err(FeedError::Fenced { .. }) => {
                    tracing::info!(shard = self.shard, "another worker writes the feed of this shard now");
                    return;
                }
                Err(FeedError::Moved { current }) => known = current.map(|current| current.position),
                Err(FeedError::Log(error)) => {
                    failures += 1;
                    tracing::warn!(shard = self.shard, error = ?error, "the feed could not be written; trying again");
                    let mut stop = self.stop.clone();
                    let _ = self.runtime.timeout(backoff(failures), told(&mut stop)).await;
                }
            }
        }
    }

    async fn step(
        &mut self,
        known: &mut Option<Position>,
        loaded: &mut bool,
        open: &mut Option<FeedBatch>,
        batches: &mut mpsc::Receiver<FeedBatch>,
    ) -> Result<Step, FeedError> {
        if !*loaded {
            *known = self.writer.position(&self.shard).await?.map(|row| row.position);
            *loaded = true;
        }
        if self.lost.load(Ordering::Acquire) {
            // Whoever crashes from here on finds that the feed is not whole.
            self.writer.distrust().await?;
            self.lost.store(false, Ordering::Release);
            let repaired = self.repair().await;
            if repaired.is_err() {
                self.lost.store(true, Ordering::Release);
            }
            return repaired;
        }
        if open.is_none() {
            let mut stop = self.stop.clone();
            tokio::select! {
                biased;
                () = told(&mut stop) => return Ok(Step::Stopped),
                batch = batches.recv() => match batch {
                    Some(batch) => *open = Some(batch),
                    None => return Ok(Step::Ended),
                }
            }
            // What was dropped before this batch has to be owned up to before the position passes it.
            if self.lost.load(Ordering::Acquire) {
                return Ok(Step::On);
            }
        }
        let Some(batch) = open.as_ref() else {
            return Ok(Step::On);
        };
        if batch.unreadable {
            self.writer.distrust().await?;
        }
        let appended = self
            .writer
            .append(known.as_ref(), &batch.position, self.fence, &batch.commits)
            .await?;
        *known = Some(appended.position);
        *open = None;
        Ok(Step::On)
    }

    /// Repairs from the log; stops in the middle when told to, and the feed stays distrusted then.
    async fn repair(&self) -> Result<Step, FeedError> {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            () = told(&mut stop) => Ok(Step::Stopped),
            repaired = self.writer.repair(&self.authority, &self.stream) => {
                repaired?;
                Ok(Step::On)
            }
        }
    }
}

enum Step {
    On,
    /// The reader has ended and everything is written.
    Ended,
    Stopped,
}
