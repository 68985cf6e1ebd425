//! The feed's part of a shard: everything that is read goes into the feed of its tenants, in the order it was read, with the position in
//! the same transaction. It has a queue of its own; when that is full, or a position is lost, what is missing comes from the log: that is
//! owned up to before anything goes on, and somebody repairs it while this goes on.

use crate::{
    feed_queue::{FeedBatch, FeedQueue},
    feed_repair::RepairWanted,
    opening::Begin,
    options::{RunnerOptions, backoff},
    stop::told,
    watched::{Fate, Watched},
};
use headwater_event_log::{Error, FeedError, FeedPosition, FeedWriter, Position, Shard};
use headwater_kernel::Timestamp;
use headwater_runtime::Runtime;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// Where the feed stands when a shard is opened.
pub(crate) struct Standing {
    pub(crate) begin: Begin,
    /// The feed is known to be whole for this stream.
    pub(crate) whole: bool,
}

/// Where the feed begins in a shard. That it may begin with the first record has to be written somewhere: the shard was begun, its parent
/// was finished, or it has none and the feed is whole for its stream. And that has to be young: of what was never read, the stream may
/// forget the beginning without a word.
pub(crate) async fn standing(
    writer: &FeedWriter,
    shard: &Shard,
    now: Timestamp,
    believe_for: Duration,
) -> Result<Standing, Error> {
    let vouched = writer.vouched().await?.filter(|(stream, _)| *stream == shard.stream);
    let whole = vouched.is_some();
    let here = |known: &FeedPosition| known.position.stream == shard.stream;
    let first = |at: Timestamp| {
        if now.since(at) < believe_for {
            Begin::First
        } else {
            Begin::Lost("where it began is too long ago")
        }
    };
    let begin = match writer.position(&shard.id).await?.filter(here) {
        Some(known) => match known.position.sequence {
            Some(sequence) => Begin::After(sequence),
            None => first(known.written_at),
        },
        None => match &shard.parent {
            None => match vouched {
                Some((_, at)) => first(at),
                None => Begin::Lost("the feed is not known to be whole for this stream"),
            },
            Some(parent) => match writer.position(parent).await?.filter(here) {
                Some(parent) if parent.finished => first(parent.written_at),
                _ => Begin::Lost("the parent shard was not finished"),
            },
        },
    };
    Ok(Standing { begin, whole })
}

/// What the feed of a shard is started with.
pub(crate) struct FeedStart<'a> {
    pub(crate) writer: FeedWriter,
    pub(crate) repair: RepairWanted,
    pub(crate) shard: &'a Shard,
    pub(crate) fence: u64,
    /// Records of this shard may be missing.
    pub(crate) lost: bool,
    pub(crate) options: &'a RunnerOptions,
}

/// The reader's end.
pub(crate) struct Feed {
    queue: Arc<FeedQueue>,
    lost: Arc<AtomicBool>,
    task: Watched,
    drained: Arc<AtomicBool>,
}

impl Feed {
    /// Starts the task; `alarm` is rung when it ends before its time.
    pub(crate) fn start(start: FeedStart<'_>, runtime: &Runtime, alarm: &Arc<Notify>) -> Self {
        let FeedStart {
            writer,
            repair,
            shard,
            fence,
            lost,
            options,
        } = start;
        let queue = Arc::new(FeedQueue::new(options.waiting_commits, options.waiting_bytes));
        let lost = Arc::new(AtomicBool::new(lost));
        let drained = Arc::new(AtomicBool::new(false));
        let task = Watched::spawn(runtime, alarm, |stop| {
            let work = Work {
                writer,
                repair,
                shard: shard.clone(),
                fence,
                queue: Arc::clone(&queue),
                lost: Arc::clone(&lost),
                drained: Arc::clone(&drained),
                runtime: runtime.clone(),
                stop,
                known: None,
                loaded: false,
                open: None,
            };
            work.run()
        });
        Self {
            queue,
            lost,
            task,
            drained,
        }
    }

    /// Passes on what was read at a time; without room the log fills in.
    pub(crate) fn push(&self, batch: FeedBatch) {
        // Whatever comes after the hole is passed on after this.
        if !self.queue.push(batch) {
            self.lose();
        }
    }

    /// Something was missed.
    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
        self.queue.wake();
    }

    /// The shard has ended: the task ends once all of it is in the feed.
    pub(crate) fn end(&self) {
        self.queue.end();
    }

    /// Whether all of the shard is in the feed, and that is written down.
    pub(crate) fn is_drained(&self) -> bool {
        self.drained.load(Ordering::Acquire)
    }

    /// Whether the task is at work, or ended before its time.
    pub(crate) fn fate(&self) -> Fate {
        self.task.fate()
    }

    pub(crate) fn task(&mut self) -> &mut Watched {
        &mut self.task
    }
}

struct Work {
    writer: FeedWriter,
    repair: RepairWanted,
    shard: Shard,
    fence: u64,
    queue: Arc<FeedQueue>,
    lost: Arc<AtomicBool>,
    drained: Arc<AtomicBool>,
    runtime: Runtime,
    stop: watch::Receiver<bool>,
    /// The position in the feed, in whatever stream.
    known: Option<Position>,
    loaded: bool,
    /// Taken from the queue and not in the feed yet.
    open: Option<FeedBatch>,
}

impl Work {
    async fn run(mut self) {
        let mut stop = self.stop.clone();
        let mut failures = 0;
        loop {
            if *stop.borrow() {
                return;
            }
            // A step that is under way is left to end: it is bounded by the store's time-outs, and whoever waits gives up before.
            match self.step(&mut stop).await {
                Ok(Step::On) => failures = 0,
                Ok(Step::Ended) => {
                    self.drained.store(true, Ordering::Release);
                    return;
                }
                Ok(Step::Stopped) => return,
                Err(FeedError::Fenced { fence }) => {
                    tracing::info!(
                        shard = self.shard.id,
                        fence,
                        "the feed of this shard was written under a higher fence; giving it up"
                    );
                    return;
                }
                Err(FeedError::Moved { current }) => self.known = current.map(|current| current.position),
                Err(FeedError::Log(error)) => {
                    failures += 1;
                    tracing::warn!(shard = self.shard.id, error = ?error, "the feed could not be written; trying again");
                    let _ = self.runtime.timeout(backoff(failures), told(&mut stop)).await;
                }
            }
        }
    }

    async fn step(&mut self, stop: &mut watch::Receiver<bool>) -> Result<Step, FeedError> {
        if !self.loaded {
            self.known = self.writer.position(&self.shard.id).await?.map(|row| row.position);
            self.loaded = true;
        }
        if self.open.is_none() && !self.lost.load(Ordering::Acquire) {
            let next = tokio::select! {
                biased;
                () = told(stop) => return Ok(Step::Stopped),
                next = self.queue.next(&self.lost) => next,
            };
            if next.is_none() && !self.lost.load(Ordering::Acquire) {
                self.writer.finish(self.known.as_ref(), &self.shard, self.fence).await?;
                return Ok(Step::Ended);
            }
            self.open = next;
        }
        // What was dropped has to be owned up to before the position passes it, and before anybody else reads on.
        if self.lost.swap(false, Ordering::AcqRel) {
            let owned_up = self.own_up().await;
            if owned_up.is_err() {
                self.lost.store(true, Ordering::Release);
            }
            return owned_up.map(|()| Step::On);
        }
        let Some(batch) = self.open.as_ref() else {
            return Ok(Step::On);
        };
        if batch.unreadable {
            // The next build may read it; it begins with a repair.
            self.writer.distrust().await?;
        }
        let appended = self
            .writer
            .append(self.known.as_ref(), &batch.position, self.fence, &batch.commits)
            .await?;
        self.known = Some(appended.position);
        self.open = None;
        Ok(Step::On)
    }

    /// Notes that the feed is not whole, and sees to it that somebody repairs it. Whoever crashes from here on finds the note.
    async fn own_up(&mut self) -> Result<(), FeedError> {
        self.writer.distrust().await?;
        self.repair.want(&self.shard.stream);
        let here = |known: &Position| known.stream == self.shard.stream;
        if !self.known.as_ref().is_some_and(here) {
            let begun = self.writer.begin(self.known.as_ref(), &self.shard, self.fence).await?;
            self.known = Some(begun);
        }
        Ok(())
    }
}

enum Step {
    On,
    /// The reader has ended and everything is written.
    Ended,
    Stopped,
}
