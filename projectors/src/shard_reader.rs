//! The one reader of a shard: reads records and puts each commit into the mailbox of every consumer that wants it. It never waits for a
//! consumer. Consumers may come and go while it reads.

use crate::stop::told;
use crate::{
    Consumer, SourceKey,
    attached::Attached,
    attachment::Attachment,
    catch_up::CatchUp,
    feed_queue::FeedBatch,
    feed_repair::RepairWanted,
    feed_task::{Feed, FeedStart, standing},
    opening::{Begin, begin, open, opened_after, order},
    options::{RunnerOptions, WOKEN_PACE, backoff},
    parking::Parking,
    runner::Board,
    watched::Fate,
};
use futures::future::{join, join_all};
use headwater_event_log::{Error, FeedWriter, Opened, Position, Shard, Start, StreamBatch, StreamReader, Unreadable};
use headwater_runtime::Runtime;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::{Notify, watch};

/// How long the consumers of a shard that has ended may take before its children are read without them; heads keep the order then.
const DRAIN: Duration = Duration::from_secs(30);

/// See the module.
pub(crate) struct ShardReader {
    pub(crate) context: String,
    pub(crate) shard: Shard,
    pub(crate) fence: u64,
    pub(crate) reader: StreamReader,
    pub(crate) consumers: watch::Receiver<Arc<Vec<Consumer>>>,
    pub(crate) parking: Parking,
    pub(crate) catch_up: CatchUp,
    pub(crate) feed: FeedWriter,
    pub(crate) repair: RepairWanted,
    pub(crate) options: RunnerOptions,
    pub(crate) runtime: Runtime,
    pub(crate) board: Board,
    pub(crate) stop: watch::Receiver<bool>,
    /// Rung when a task of this shard ends.
    pub(crate) alarm: Arc<Notify>,
}

/// How reading a shard ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The shard was read to its end.
    Finished,
    /// It was told to stop, or failed; somebody has to go on.
    Stopped,
}

impl ShardReader {
    /// Reads until the shard ends or it is told to stop. All consumers have written their positions down then.
    pub(crate) async fn run(mut self) -> Ended {
        let mut attached = Vec::new();
        let mut feed = None;
        let mut stop = self.stop.clone();
        let ended = tokio::select! {
            biased;
            () = told(&mut stop) => Ended::Stopped,
            followed = self.follow(&mut attached, &mut feed) => match followed {
                Ok(ended) => ended,
                Err(error) => {
                    tracing::warn!(context = self.context, shard = self.shard.id, error = ?error, "the shard cannot be read");
                    Ended::Stopped
                }
            },
        };
        let ended = match (ended, &mut feed) {
            (Ended::Finished, Some(feed)) => tokio::select! {
                biased;
                () = told(&mut stop) => Ended::Stopped,
                ended = self.finish(&mut attached, feed) => ended,
            },
            _ => Ended::Stopped,
        };
        self.let_go(attached, feed).await;
        ended
    }

    /// The shard has ended: waits until everything that was read has had its effect. It is not finished before the feed has all of it, or
    /// is known to lack some: its children begin at their beginning.
    async fn finish(&self, attached: &mut [Attached], feed: &mut Feed) -> Ended {
        for one in attached.iter() {
            one.attachment.mailbox().end();
            one.attachment.wake();
        }
        feed.end();
        let consumers = join_all(attached.iter_mut().map(|one| one.task.ended()));
        let all = join(consumers, feed.task().ended());
        let _ = self.runtime.timeout(DRAIN, all).await;
        if feed.is_drained() {
            return Ended::Finished;
        }
        for attempt in 1..=10 {
            match self.feed.distrust().await {
                Ok(()) => {
                    self.repair.want(&self.shard.stream);
                    return Ended::Finished;
                }
                Err(error) => {
                    tracing::error!(context = self.context, error = ?error, "the feed may lack commits of a shard, and that cannot be noted");
                }
            }
            self.runtime.sleep(backoff(attempt)).await;
        }
        // Somebody has to read it once more.
        Ended::Stopped
    }

    async fn follow(&mut self, attached: &mut Vec<Attached>, feed: &mut Option<Feed>) -> Result<Ended, Error> {
        let consumers = Arc::clone(&self.consumers.borrow_and_update());
        let mine: Vec<Consumer> = consumers
            .iter()
            .filter(|consumer| consumer.follows(&self.context))
            .cloned()
            .collect();
        // Whoever is let go later must not be kept by this list.
        drop(consumers);
        let mut begins = Vec::with_capacity(mine.len());
        for consumer in &mine {
            begins.push(self.begin(consumer).await);
        }
        let standing = standing(&self.feed, &self.shard, self.runtime.now(), self.options.believe_for).await?;
        begins.push(standing.begin);
        let mut cursor = open(&self.reader, &self.shard, &mut begins).await?;
        let mut last = opened_after(&begins);
        let lost = matches!(begins.pop(), Some(Begin::Lost(_)));
        let start = FeedStart {
            writer: self.feed.clone(),
            repair: self.repair.clone(),
            shard: &self.shard,
            fence: self.fence,
            lost,
            options: &self.options,
        };
        let feed = feed.insert(Feed::start(start, &self.runtime, &self.alarm));
        if !standing.whole {
            self.repair.want(&self.shard.stream);
        }
        let mut deaths = BTreeMap::new();
        for (consumer, begin) in mine.into_iter().zip(begins) {
            let begin = match begin {
                // Its filling will begin after this, and sees in the log all that came before.
                Begin::Lost(_) if consumer.is_fresh(self.runtime.monotonic()) => Begin::here(last.as_deref()),
                begin => begin,
            };
            // Whoever is lost gets all from here on, and the log has what was before.
            let at = matches!(begin, Begin::Lost(_)).then_some(last.as_deref()).flatten();
            self.attach(attached, consumer, &begin, at, Duration::ZERO);
        }
        let mut activity = self.reader.activity();
        let (mut failures, mut idle_for) = (0, self.options.pace);
        loop {
            if feed.fate() != Fate::Works || !self.see_to_deaths(attached, last.as_deref(), &mut deaths) {
                return Ok(Ended::Stopped);
            }
            if self.consumers.has_changed().unwrap_or(false) {
                self.change_consumers(attached, last.as_deref()).await;
            }
            self.begin_anew(attached, last.as_deref()).await;
            if let Some(activity) = &mut activity {
                activity.mark_unchanged();
            }
            let batch = match self.reader.read(&cursor, self.options.records).await {
                Ok(batch) => batch,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(context = self.context, error = ?error, "a shard could not be read; trying again");
                    self.rest(backoff(failures), None).await;
                    // The cursor may have expired, and its records may be gone by now.
                    // Where nothing was read yet, they may have gone since the shard was opened: its beginning tells, if it has one.
                    let start = last.as_deref().map_or(Start::First, Start::After);
                    let tells = last.is_some() || self.shard.starts_at.is_some();
                    match self.reader.open(&self.shard, start).await {
                        Ok(Opened::At(reopened)) if tells => cursor = reopened,
                        Ok(Opened::At(reopened) | Opened::Trimmed(reopened)) => {
                            cursor = reopened;
                            feed.lose();
                            for one in &*attached {
                                one.attachment.mailbox().lose();
                                one.attachment.wake();
                            }
                        }
                        Err(error) => tracing::debug!(context = self.context, error = ?error, "nor opened"),
                    }
                    continue;
                }
            };
            failures = 0;
            let (idle, ended) = (batch.last.is_none(), batch.next.is_none());
            if let Some(sequence) = &batch.last {
                last = Some(sequence.clone());
            }
            self.deliver(attached, &batch);
            let StreamBatch {
                commits,
                unreadable,
                last: end,
                next,
            } = batch;
            if let Some(sequence) = end {
                feed.push(FeedBatch {
                    commits,
                    position: self.position(sequence),
                    unreadable: !unreadable.is_empty(),
                });
            }
            match next {
                Some(next) => cursor = next,
                None if ended => return Ok(Ended::Finished),
                None => {}
            }
            if !idle {
                idle_for = self.options.pace;
                if activity.is_none() {
                    self.rest(self.options.pace, None).await;
                }
            } else if let Some(activity) = &mut activity {
                self.rest(WOKEN_PACE, Some(activity)).await;
            } else {
                self.rest(idle_for, None).await;
                idle_for = (idle_for * 2).min(self.options.idle_pace);
            }
        }
    }

    /// Waits; shorter when told to stop, when consumers change, when a task has ended, or when there is activity.
    async fn rest(&mut self, longest: Duration, activity: Option<&mut watch::Receiver<u64>>) {
        let (mut stop, mut consumers) = (self.stop.clone(), self.consumers.clone());
        let active = async {
            match activity {
                Some(activity) => drop(activity.changed().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = told(&mut stop) => {}
            Ok(()) = consumers.changed() => {}
            () = self.alarm.notified() => {}
            () = active => {}
            () = self.runtime.sleep(longest) => {}
        }
    }

    fn position(&self, sequence: String) -> Position {
        Position {
            stream: self.shard.stream.clone(),
            shard: self.shard.id.clone(),
            sequence: Some(sequence),
        }
    }

    /// Puts what was read into the mailboxes.
    fn deliver(&self, attached: &[Attached], batch: &StreamBatch) {
        let now = self.runtime.now();
        for Unreadable { error, .. } in &batch.unreadable {
            tracing::error!(context = self.context, %error, "a record of the stream is no commit that this build can read");
        }
        for one in attached {
            let Attachment { consumer, .. } = &*one.attachment;
            let mut mailbox = one.attachment.mailbox();
            for (sequence, logged) in &batch.commits {
                let commit = &logged.commit;
                let is_new = one.seen.as_ref().is_none_or(|seen| order(sequence) > order(seen));
                if is_new && consumer.wants(&commit.tenant, &self.context, &commit.aggregate) {
                    mailbox.push(logged);
                }
            }
            for Unreadable { of, .. } in &batch.unreadable {
                if let Some((scope, aggregate, id, first)) = of
                    && consumer.wants(scope.tenant(), &self.context, aggregate)
                {
                    let key = SourceKey {
                        tenant: scope.tenant().clone(),
                        aggregate: aggregate.clone(),
                        id: id.clone(),
                    };
                    mailbox.push_news(scope.clone(), key, *first, now);
                }
            }
            if let Some(last) = &batch.last
                && one.seen.as_ref().is_none_or(|seen| order(last) > order(seen))
            {
                mailbox.end_batch(self.position(last.clone()));
            }
            drop(mailbox);
            one.attachment.read(now, batch.last.is_none());
            if batch.last.is_some() {
                one.attachment.wake();
            }
        }
    }

    /// Where a consumer stands by its own account.
    pub(crate) async fn begin(&self, consumer: &Consumer) -> Begin {
        let mut failures = 0;
        loop {
            match consumer.positions.load(&self.context).await {
                Ok(all) => return begin(&self.shard, &all, self.runtime.now(), self.options.believe_for),
                Err(error) => {
                    failures += 1;
                    tracing::warn!(consumer = consumer.name(), error = ?error, "positions cannot be read; trying again");
                    let mut stop = self.stop.clone();
                    let waited = self.runtime.timeout(backoff(failures), told(&mut stop)).await;
                    if waited.is_ok() || failures > 20 {
                        return Begin::Lost("its positions cannot be read");
                    }
                }
            }
        }
    }
}
