//! One consumer at work on a batch: as its task in a worker does, but within the time of an invocation, and with an answer in place of a
//! position.

use super::{batch::News, event::SequenceNumber, parked_keys::ParkedKeys, time::Time};
use crate::{
    ApplyError, Consumer, Parked, Parking, RunnerOptions, SourceCommits, SourceKey, applying::apply, follower::Chain,
    options::backoff, parking::without_quotes,
};
use headwater_runtime::Runtime;

/// See the module.
pub(super) struct Consuming<'a> {
    pub(super) consumer: &'a Consumer,
    pub(super) name: String,
    pub(super) context: &'a str,
    pub(super) parking: &'a Parking,
    pub(super) parked: &'a ParkedKeys,
    pub(super) options: &'a RunnerOptions,
    pub(super) runtime: &'a Runtime,
    pub(super) time: Time,
}

/// The lowest number of those that have to come again.
#[derive(Debug, Default)]
pub(super) struct Lowest(pub(super) Option<SequenceNumber>);

impl Lowest {
    pub(super) fn add(&mut self, number: SequenceNumber) {
        if self.0.as_ref().is_none_or(|lowest| number < *lowest) {
            self.0 = Some(number);
        }
    }
}

impl Consuming<'_> {
    /// Applies all of it, or parks what cannot be applied; gives the record from which on it has to come again.
    pub(super) async fn run(&self, all: Vec<News>) -> Option<SequenceNumber> {
        let first = all.iter().map(|news| &news.first).min().cloned();
        let mut failed = Lowest::default();
        let mut open = match self.leave_parked(all).await {
            Ok(open) => open,
            Err(error) => {
                tracing::warn!(consumer = self.name, error = ?error, "what is parked cannot be read");
                return first;
            }
        };
        for attempt in 1.. {
            let mut again = Vec::new();
            let mut chunks = open.into_iter().peekable();
            while chunks.peek().is_some() {
                let chunk: Vec<News> = chunks.by_ref().take(self.options.round.max(1)).collect();
                again.extend(self.try_once(chunk).await);
            }
            let lost = again
                .iter()
                .any(|(_, error)| matches!(error, ApplyError::RolledBack(_)));
            if lost {
                // More than this is undone, and all of it comes again.
                tracing::error!(consumer = self.name, "a store lost what this invocation had written");
                return first;
            }
            let pause = backoff(attempt);
            let may_wait = pause < self.time.to_try(self.runtime);
            open = Vec::new();
            for (news, error) in again {
                match self.failed(&news, error, attempt, may_wait).await {
                    Then::Again => open.push(news),
                    Then::Done => {}
                    Then::Report => failed.add(news.first),
                }
            }
            if open.is_empty() {
                break;
            }
            self.runtime.sleep(pause).await;
        }
        // What is answered as done must not be lost: an index has its effect when it is committed.
        let flushed = self.consumer.positions.flush();
        match self.runtime.timeout(self.time.to_settle(self.runtime), flushed).await {
            Ok(Ok(())) => failed.0,
            other => {
                tracing::warn!(consumer = self.name, error = ?other, "the effect could not be made durable");
                first
            }
        }
    }

    /// Tells what is parked of how far it goes, and gives the rest.
    async fn leave_parked(&self, all: Vec<News>) -> Result<Vec<News>, ApplyError> {
        self.parked.read(&self.name, self.parking).await?;
        let mut open = Vec::with_capacity(all.len());
        for news in all {
            let key = (self.context.to_owned(), news.key.clone());
            if self.parked.contains(&self.name, &key) {
                if self.is_still_parked(&news).await {
                    continue;
                }
                self.parked.remove(&self.name, &key);
            }
            open.push(news);
        }
        Ok(open)
    }

    /// Whether it is parked, told of how far it goes; when that cannot be said, it is tried.
    async fn is_still_parked(&self, news: &News) -> bool {
        let told = self.parking.tell(&self.name, self.context, &news.key, news.up_to());
        let told = self.runtime.timeout(self.time.to_settle(self.runtime), told).await;
        matches!(told, Ok(Ok(true)))
    }

    /// Applies some of it; gives what failed.
    async fn try_once(&self, chunk: Vec<News>) -> Vec<(News, ApplyError)> {
        let late = || ApplyError::Retry("the time of the invocation is over".into());
        let left = self.time.to_try(self.runtime);
        if left.is_zero() {
            return chunk.into_iter().map(|news| (news, late())).collect();
        }
        let news: Vec<(&SourceKey, &SourceCommits)> = chunk.iter().map(|news| (&news.key, &news.commits)).collect();
        let applied = self
            .runtime
            .timeout(left, apply(self.consumer, self.context, &news))
            .await;
        let results = applied.unwrap_or_else(|_| chunk.iter().map(|_| Err(late())).collect());
        let failed = chunk.into_iter().zip(results);
        failed
            .filter_map(|(news, result)| result.err().map(|error| (news, error)))
            .collect()
    }

    /// What to do after a failure: try again, leave it to the next delivery, or park it once it was tried often enough, or for as long as
    /// there was time.
    async fn failed(&self, news: &News, error: ApplyError, attempt: u32, may_wait: bool) -> Then {
        let (tenant, aggregate) = (&news.key.tenant, &news.key.aggregate);
        let passing = matches!(error, ApplyError::Retry(_) | ApplyError::RolledBack(_));
        let tries = match &error {
            ApplyError::Refused(_) => self.options.attempts_refused,
            _ => self.options.attempts,
        };
        // Another environment of the function, or a worker, may have parked it since this one has read what is.
        if !passing && attempt == 1 && self.is_still_parked(news).await {
            self.parked.add(&self.name, (self.context.to_owned(), news.key.clone()));
            return Then::Done;
        }
        if attempt < tries && may_wait {
            tracing::warn!(consumer = self.name, %tenant, aggregate, error = ?error, "a change was not taken; trying again");
            return Then::Again;
        }
        if passing {
            tracing::warn!(consumer = self.name, %tenant, aggregate, error = ?error, "a change was not taken; it comes again");
            return Then::Report;
        }
        self.park(news, &error).await
    }

    async fn park(&self, news: &News, error: &ApplyError) -> Then {
        let first = news.commits.commits.first();
        let item = Parked {
            consumer: self.name.clone(),
            context: self.context.to_owned(),
            source: news.key.clone(),
            first_sequence: match error {
                ApplyError::Commit { first_sequence, .. } => *first_sequence,
                _ => first.map_or(news.up_to(), |commit| commit.first_sequence),
            },
            up_to: news.up_to(),
            reason: without_quotes(&Chain(error).to_string()),
            since: self.runtime.now(),
        };
        let parked = self.parking.park(&item);
        let (tenant, aggregate) = (&news.key.tenant, &news.key.aggregate);
        match self.runtime.timeout(self.time.to_settle(self.runtime), parked).await {
            Ok(Ok(())) => {
                tracing::error!(consumer = self.name, %tenant, aggregate, first_sequence = item.first_sequence, reason = item.reason, "parked; see `headwater parked list`");
                self.parked.add(&self.name, (self.context.to_owned(), news.key.clone()));
                Then::Done
            }
            other => {
                tracing::warn!(consumer = self.name, error = ?other, "an aggregate could not be parked; it comes again");
                Then::Report
            }
        }
    }
}

/// What becomes of news that were not taken.
enum Then {
    Again,
    /// Parked, which is done.
    Done,
    /// It has to be delivered again.
    Report,
}
