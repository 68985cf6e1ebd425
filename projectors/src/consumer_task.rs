//! One consumer of one shard at work: takes rounds from its mailbox, applies them, tries again what failed, parks what cannot be applied,
//! catches up from the log when its position is lost, and writes its position down after the effect.

use crate::stop::told;
use crate::{
    ApplyError, SourceCommits, SourceKey,
    applying::apply,
    attachment::Attachment,
    catch_up::CatchUp,
    follower::Chain,
    mailbox::Work,
    options::{RunnerOptions, backoff},
    parking::{Parked, Parking, without_quotes},
};
use headwater_event_log::consumer::{Checkpoint, Saved};
use headwater_runtime::Runtime;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::sync::watch;

/// How long a position may stay unwritten while nothing comes: far below the retention of the stream.
const SAVE_AT_LEAST_EVERY: Duration = Duration::from_secs(3_600);

/// See the module.
pub(crate) struct ConsumerTask {
    pub(crate) attachment: Arc<Attachment>,
    pub(crate) fence: u64,
    pub(crate) parking: Parking,
    pub(crate) catch_up: CatchUp,
    pub(crate) options: RunnerOptions,
    pub(crate) runtime: Runtime,
    pub(crate) stop: watch::Receiver<bool>,
}

/// How the position was written last.
struct Written {
    at: Duration,
    checkpoint: Option<Checkpoint>,
}

impl ConsumerTask {
    /// Works until it is told to stop, the shard is finished, or another worker has the shard.
    pub(crate) async fn run(mut self) {
        let name = self.attachment.consumer.name();
        let mut written = Written {
            at: self.runtime.monotonic(),
            checkpoint: None,
        };
        let mut failures = 0;
        let mut parked = loop {
            match self.parked(&name).await {
                Ok(parked) => break parked,
                Err(error) => {
                    tracing::warn!(consumer = name, error = ?error, "what is parked cannot be read; trying again");
                    failures += 1;
                    if self.pause(backoff(failures)).await {
                        return;
                    }
                }
            }
        };
        failures = 0;
        loop {
            if *self.stop.borrow() {
                self.save(&name, &mut written).await;
                return;
            }
            if !self.attachment.consumer.is_held() {
                if self.attachment.mailbox().is_lost() {
                    if self.recover(&name, &mut parked).await {
                        failures = 0;
                    } else {
                        failures += 1;
                        self.pause(backoff(failures)).await;
                    }
                    continue;
                }
                let round = self
                    .attachment
                    .mailbox()
                    .take(self.runtime.monotonic(), self.options.round);
                if !round.is_empty() {
                    self.work(&name, round, &mut parked).await;
                    if self.since(&written) < self.options.save_every {
                        continue;
                    }
                    if !self.save(&name, &mut written).await {
                        return;
                    }
                    continue;
                }
            }
            if self.is_due(&written) && !self.save(&name, &mut written).await {
                return;
            }
            if self.attachment.mailbox().is_finished() {
                return;
            }
            self.wait(&written).await;
        }
    }

    fn since(&self, written: &Written) -> Duration {
        self.runtime.monotonic().saturating_sub(written.at)
    }

    /// What would be written down now.
    fn checkpoint(&self) -> Option<Checkpoint> {
        let mut mailbox = self.attachment.mailbox();
        let finished = mailbox.is_finished();
        Some(Checkpoint {
            position: mailbox.passed()?.clone(),
            at: self.attachment.read_at(),
            finished,
        })
    }

    /// Whether the position should be written down now that nothing is to be done.
    fn is_due(&self, written: &Written) -> bool {
        let Some(now) = self.checkpoint() else { return false };
        let Some(last) = &written.checkpoint else { return true };
        let moved = (&now.position, now.finished) != (&last.position, last.finished);
        let eager = self.attachment.consumer.eager || now.finished;
        match moved {
            true => eager || self.since(written) >= self.options.save_every,
            false => self.since(written) >= SAVE_AT_LEAST_EVERY,
        }
    }

    async fn wait(&mut self, written: &Written) {
        let now = self.runtime.monotonic();
        let held = self.attachment.consumer.is_held();
        let due = self.attachment.mailbox().next_due().filter(|_| !held);
        let save = match (self.checkpoint(), &written.checkpoint) {
            (Some(now), Some(last)) if now.position == last.position => SAVE_AT_LEAST_EVERY,
            _ => self.options.save_every,
        };
        let longest = due
            .map_or(save, |due| due.saturating_sub(now).min(save))
            .max(Duration::from_millis(1));
        // A held consumer is let go without a word.
        let longest = if held {
            longest.min(Duration::from_millis(500))
        } else {
            longest
        };
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            () = told(&mut stop) => {}
            () = self.attachment.woken() => {}
            () = self.runtime.sleep(longest) => {}
        }
    }

    /// Waits, or says that it is time to stop.
    async fn pause(&mut self, longest: Duration) -> bool {
        let mut stop = self.stop.clone();
        let stopped = self.runtime.timeout(longest, told(&mut stop)).await;
        stopped.is_ok()
    }

    /// Writes the position down; `false` when another worker has the shard. After a failure it stays due.
    async fn save(&self, name: &str, written: &mut Written) -> bool {
        let Some(checkpoint) = self.checkpoint() else {
            return true;
        };
        let Attachment { consumer, context, .. } = &*self.attachment;
        written.at = self.runtime.monotonic();
        match consumer.positions.save(context, &checkpoint, self.fence).await {
            Ok(Saved::Yes) => {
                written.checkpoint = Some(checkpoint);
                true
            }
            Ok(Saved::Fenced) => {
                tracing::info!(consumer = name, context, "another worker reads this shard now");
                false
            }
            Err(ApplyError::RolledBack(error)) => {
                tracing::error!(consumer = name, context, error = ?error, "what was written since the last position is gone; reading the log");
                self.attachment.mailbox().lose();
                true
            }
            Err(error) => {
                tracing::warn!(consumer = name, context, error = ?error, "a position was not written; trying again");
                true
            }
        }
    }

    async fn parked(&self, name: &str) -> Result<BTreeSet<SourceKey>, ApplyError> {
        let all = self.parking.list(name, None).await?;
        let here = all.into_iter().filter(|one| one.context == self.attachment.context);
        let parked: BTreeSet<_> = here.map(|one| one.source).collect();
        self.attachment.set_parked(parked.len());
        Ok(parked)
    }

    async fn work(&self, name: &str, round: Vec<Work>, parked: &mut BTreeSet<SourceKey>) {
        let mut open = Vec::with_capacity(round.len());
        for work in round {
            if parked.contains(&work.key) && self.is_still_parked(name, &work.key, work.up_to()).await {
                self.attachment.mailbox().done(&work);
            } else {
                parked.remove(&work.key);
                open.push(work);
            }
        }
        let news: Vec<(&SourceKey, &SourceCommits)> = open.iter().map(|work| (&work.key, &work.news)).collect();
        let results = apply(&self.attachment.consumer, &self.attachment.context, &news).await;
        for (work, result) in open.into_iter().zip(results) {
            let outcome = match result {
                Ok(()) => {
                    self.attachment.mailbox().done(&work);
                    continue;
                }
                Err(error) => self.failed(name, &work, error, parked).await,
            };
            match outcome {
                Outcome::Parked => self.attachment.mailbox().done(&work),
                Outcome::Again => {
                    let due = self.runtime.monotonic() + backoff(work.attempts() + 1);
                    self.attachment.mailbox().again(work, due);
                }
                Outcome::Lost => {
                    self.attachment.mailbox().lose();
                    return;
                }
            }
        }
        self.attachment.set_parked(parked.len());
    }

    /// Whether an aggregate is parked, told of how far it goes; when that cannot be said, it is tried.
    async fn is_still_parked(&self, name: &str, key: &SourceKey, up_to: u64) -> bool {
        let told = self.parking.tell(name, &self.attachment.context, key, up_to).await;
        told.unwrap_or(false)
    }

    /// What to do after a failure: try again, or park once it was tried often enough.
    async fn failed(&self, name: &str, work: &Work, error: ApplyError, parked: &mut BTreeSet<SourceKey>) -> Outcome {
        let tries = match &error {
            ApplyError::RolledBack(error) => {
                tracing::error!(consumer = name, error = ?error, "what was written since the last position is gone; reading the log");
                return Outcome::Lost;
            }
            ApplyError::Retry(_) => u32::MAX,
            ApplyError::Refused(_) => self.options.attempts_refused,
            ApplyError::Commit { .. } | ApplyError::Permanent(_) => self.options.attempts,
        };
        let (tenant, aggregate) = (&work.key.tenant, &work.key.aggregate);
        if work.attempts() + 1 < tries {
            tracing::warn!(consumer = name, %tenant, aggregate, error = ?error, "a change was not taken; trying again");
            return Outcome::Again;
        }
        let first = work
            .news
            .commits
            .first()
            .map_or(work.up_to(), |commit| commit.first_sequence);
        let item = Parked {
            consumer: name.to_owned(),
            context: self.attachment.context.clone(),
            source: work.key.clone(),
            first_sequence: match &error {
                ApplyError::Commit { first_sequence, .. } => *first_sequence,
                _ => first,
            },
            up_to: work.up_to(),
            reason: without_quotes(&Chain(&error).to_string()),
            since: self.runtime.now(),
        };
        match self.parking.park(&item).await {
            Ok(()) => {
                tracing::error!(consumer = name, %tenant, aggregate, first_sequence = item.first_sequence, reason = item.reason, "parked; see `headwater parked list`");
                parked.insert(work.key.clone());
                Outcome::Parked
            }
            Err(error) => {
                tracing::warn!(consumer = name, error = ?error, "an aggregate could not be parked; trying again");
                Outcome::Again
            }
        }
    }

    /// Reads the whole context from the log; `false` when that has to be tried again.
    async fn recover(&mut self, name: &str, parked: &mut BTreeSet<SourceKey>) -> bool {
        let attachment = Arc::clone(&self.attachment);
        attachment.mailbox().begin_recovery();
        attachment.set_recovering(true);
        let mut stop = self.stop.clone();
        let mut result = Err(ApplyError::Retry("stopped".into()));
        tokio::select! {
            biased;
            () = told(&mut stop) => {}
            it = self.read_log(name, parked) => result = it,
        }
        attachment.set_recovering(false);
        attachment.mailbox().end_recovery();
        match result {
            Ok(0) => true,
            Ok(commits) => {
                tracing::info!(
                    consumer = name,
                    context = attachment.context,
                    commits,
                    "caught up from the log"
                );
                true
            }
            Err(error) => {
                attachment.mailbox().lose();
                if !*self.stop.borrow() {
                    tracing::warn!(consumer = name, context = attachment.context, error = ?error, "the log cannot be read; trying again");
                }
                false
            }
        }
    }

    /// Applies everything in the log. What fails is tried again and parked as ever, by way of the mailbox.
    async fn read_log(&self, name: &str, parked: &mut BTreeSet<SourceKey>) -> Result<u64, ApplyError> {
        let Attachment { consumer, context, .. } = &*self.attachment;
        let mut reading = self.catch_up.begin(consumer, context);
        let mut total = 0;
        while let Some(page) = reading.next().await? {
            total += page.commits;
            let open: Vec<_> = page.sources.iter().filter(|(key, _)| !parked.contains(key)).collect();
            let news: Vec<(&SourceKey, &SourceCommits)> = open.iter().map(|(key, news)| (key, news)).collect();
            let results = apply(consumer, context, &news).await;
            let mut mailbox = self.attachment.mailbox();
            for ((key, news), result) in open.into_iter().zip(results) {
                match result {
                    Ok(()) => {}
                    Err(ApplyError::RolledBack(error)) => return Err(ApplyError::RolledBack(error)),
                    Err(error) => {
                        tracing::warn!(consumer = name, error = ?error, "a change was not taken; trying again");
                        let last = news.commits.last();
                        let up_to = last.map_or(news.up_to, headwater_kernel::Commit::version);
                        let time = last.map_or(self.runtime.now(), |commit| commit.time);
                        mailbox.push_news(news.scope.clone(), key.clone(), up_to, time);
                    }
                }
            }
            // What is parked goes on waiting, and its item knows how far.
            for (key, news) in page.sources.iter().filter(|(key, _)| parked.contains(key)) {
                let last = news.commits.last();
                let up_to = last.map_or(news.up_to, headwater_kernel::Commit::version);
                mailbox.push_news(news.scope.clone(), key.clone(), up_to, self.runtime.now());
            }
            if mailbox.is_lost() {
                return Err(ApplyError::Retry("more fails than can be remembered".into()));
            }
        }
        Ok(total)
    }
}

/// What becomes of work that failed.
enum Outcome {
    Again,
    Parked,
    /// More than this work is undone.
    Lost,
}
