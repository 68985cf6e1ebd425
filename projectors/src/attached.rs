//! The consumers of a shard: each is started with a mailbox and a task, started anew when it panics, and let go in the end.

use crate::stop::told;
use crate::{
    Consumer,
    attachment::Attachment,
    consumer_task::ConsumerTask,
    feed_task::Feed,
    mailbox::Room,
    opening::{Begin, position},
    runner::Board,
    shard_reader::ShardReader,
    watched::{Fate, Watched},
};
use futures::future::{join, join_all};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How long consumers may take to write their positions down when the shard is given up.
const HAND_OVER: Duration = Duration::from_millis(900);

/// A consumer at work on this shard.
pub(crate) struct Attached {
    pub(crate) attachment: Arc<Attachment>,
    /// Records up to here it has seen before this reader began.
    pub(crate) seen: Option<String>,
    pub(crate) task: Watched,
    board: Board,
}

impl Attached {
    /// Tells it to stop.
    fn tell(&self) {
        self.task.tell();
        self.attachment.wake();
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.tell();
        self.board.remove(&self.attachment);
    }
}

impl ShardReader {
    /// Lets all of them write down where they are, at once. A store that hangs must not hold the shard; what is not written down is read
    /// again.
    pub(crate) async fn let_go(&self, mut attached: Vec<Attached>, mut feed: Option<Feed>) {
        for one in &attached {
            one.tell();
        }
        let of_feed = async {
            if let Some(feed) = &mut feed {
                feed.task().tell();
                feed.task().ended().await;
            }
        };
        let all = join(join_all(attached.iter_mut().map(|one| one.task.ended())), of_feed);
        if self.runtime.timeout(HAND_OVER, all).await.is_err() {
            for one in &attached {
                one.task.abort();
            }
            if let Some(feed) = &mut feed {
                feed.task().abort();
            }
        }
    }

    /// Starts anew what has panicked; false when somebody's position was written under a higher fence, so that the shard has to be taken
    /// again.
    pub(crate) fn see_to_deaths(
        &self,
        attached: &mut Vec<Attached>,
        last: Option<&str>,
        deaths: &mut BTreeMap<String, u32>,
    ) -> bool {
        if attached.iter().any(|one| one.task.fate() == Fate::Ended) {
            return false;
        }
        let died = |one: &Attached| one.task.fate() == Fate::Died;
        let (dead, alive): (Vec<_>, Vec<_>) = std::mem::take(attached).into_iter().partition(died);
        *attached = alive;
        for one in dead {
            let consumer = one.attachment.consumer.clone();
            let times = deaths.entry(consumer.name()).or_default();
            *times += 1;
            // What it was at is not known; a bug that comes again must not read the log without end.
            let pause = Duration::from_millis(500 << (*times).min(9));
            tracing::error!(
                consumer = consumer.name(),
                context = self.context,
                ?pause,
                "a consumer has panicked; it is started again"
            );
            drop(one);
            let lost = Begin::Lost("its task has panicked");
            self.attach(attached, consumer, &lost, last, pause);
        }
        true
    }

    /// Starts a consumer, after a pause.
    pub(crate) fn attach(
        &self,
        attached: &mut Vec<Attached>,
        consumer: Consumer,
        begin: &Begin,
        at: Option<&str>,
        pause: Duration,
    ) {
        if *begin == Begin::Done {
            return;
        }
        let room = Room::of(&self.options);
        let mut start = position(&self.shard, begin);
        if let Some(at) = at {
            start.sequence = Some(at.to_owned());
        }
        let attachment = Arc::new(Attachment::new(consumer, &self.context, room, start));
        attachment.read(self.runtime.now(), false);
        if let Begin::Lost(why) = begin {
            tracing::info!(
                consumer = attachment.consumer.name(),
                context = self.context,
                why,
                "the log fills in"
            );
            attachment.mailbox().lose();
        }
        let task = Watched::spawn(&self.runtime, &self.alarm, |stop| {
            let (runtime, mut told_to) = (self.runtime.clone(), stop.clone());
            let task = ConsumerTask {
                attachment: Arc::clone(&attachment),
                fence: self.fence,
                parking: self.parking.clone(),
                catch_up: self.catch_up.clone(),
                options: self.options.clone(),
                runtime: self.runtime.clone(),
                stop,
            };
            async move {
                if !pause.is_zero() {
                    let _ = runtime.timeout(pause, told(&mut told_to)).await;
                }
                task.run().await;
            }
        });
        self.board.add(&attachment);
        attached.push(Attached {
            attachment,
            seen: match begin {
                Begin::After(sequence) => Some(sequence.clone()),
                _ => None,
            },
            task,
            board: self.board.clone(),
        });
    }

    /// Lets consumers begin here that were lost when it was not known that their filling had yet to begin: nothing else would catch them up
    /// before it does.
    pub(crate) async fn begin_anew(&mut self, attached: &mut Vec<Attached>, last: Option<&str>) {
        let now = self.runtime.monotonic();
        let may = |one: &Attached| {
            let attachment = &one.attachment;
            attachment.consumer.is_fresh(now) && attachment.mailbox().is_all_lost()
        };
        if !attached.iter().any(may) {
            return;
        }
        let (lost, stay): (Vec<_>, Vec<_>) = std::mem::take(attached).into_iter().partition(may);
        *attached = stay;
        let consumers: Vec<Consumer> = lost.iter().map(|one| one.attachment.consumer.clone()).collect();
        self.let_go(lost, None).await;
        for consumer in consumers {
            let begin = match consumer.is_fresh(self.runtime.monotonic()) {
                true => Begin::here(last),
                false => Begin::Lost("it joins a reader that is under way"),
            };
            self.attach(attached, consumer, &begin, last, Duration::ZERO);
        }
    }

    /// Takes up consumers that are new, and lets go of those that are gone.
    pub(crate) async fn change_consumers(&mut self, attached: &mut Vec<Attached>, last: Option<&str>) {
        let consumers = Arc::clone(&self.consumers.borrow_and_update());
        let names: Vec<String> = consumers.iter().map(Consumer::name).collect();
        let (stay, leave): (Vec<_>, Vec<_>) = std::mem::take(attached)
            .into_iter()
            .partition(|one| names.contains(&one.attachment.consumer.name()));
        *attached = stay;
        self.let_go(leave, None).await;
        for consumer in consumers.iter().filter(|consumer| consumer.follows(&self.context)) {
            let known = |one: &Attached| one.attachment.consumer.name() == consumer.name();
            if attached.iter().any(known) {
                continue;
            }
            let begin = match self.begin(consumer).await {
                Begin::Done => Begin::Done,
                // Its filling will begin after this, and sees in the log all that came before.
                Begin::Lost(_) if consumer.is_fresh(self.runtime.monotonic()) => Begin::here(last),
                Begin::After(sequence) if last == Some(sequence.as_str()) => Begin::After(sequence),
                _ => Begin::Lost("it joins a reader that is under way"),
            };
            self.attach(attached, consumer.clone(), &begin, last, Duration::ZERO);
        }
    }
}
