//! Applying a round, whether it comes from the mailbox or from the log, and what becomes of what fails.

use super::{ConsumerTask, ParkedHere};
use crate::{
    ApplyError, SourceCommits, SourceKey,
    applying::apply,
    follower::Chain,
    mailbox::Work,
    options::backoff,
    parking::{KNOWN, Parked, without_quotes},
};
use futures::{StreamExt, stream};

/// Items of parked aggregates that are told at once how far their histories go.
const TOLD_AT_ONCE: usize = 16;

/// What became of a round as a whole.
#[derive(Default)]
pub(super) struct Worked {
    /// A store has undone more than this round.
    pub(super) rolled_back: bool,
    /// Some of it was not taken by a store that may take it later.
    pub(super) not_taken: bool,
}

/// What a store did not take of a round, for one line in the log: while it does not answer, that is every change of every aggregate.
#[derive(Default)]
struct Stalled {
    changes: usize,
    /// Of the first.
    error: Option<ApplyError>,
}

impl Stalled {
    fn count(&mut self, error: ApplyError) {
        self.changes += 1;
        self.error.get_or_insert(error);
    }

    fn say(self, name: &str) {
        if let Some(error) = self.error {
            let (changes, error) = (self.changes, Chain(&error));
            tracing::warn!(consumer = name, changes, %error, "changes were not taken by the store; trying again");
        }
    }
}

/// What becomes of work that failed.
enum Outcome {
    Again,
    Parked,
    /// More than this work is undone.
    RolledBack,
}

impl ConsumerTask {
    pub(super) async fn parked(&self, name: &str) -> Result<ParkedHere, ApplyError> {
        let all = self.parking.first(name, None, KNOWN).await?;
        let here = all.into_iter().filter(|one| one.context == self.attachment.context);
        let parked: ParkedHere = here.map(|one| (one.source, one.up_to)).collect();
        self.attachment.set_parked(parked.len());
        Ok(parked)
    }

    /// Applies all of it. What fails waits in the mailbox, or is parked.
    pub(super) async fn work(&self, name: &str, round: Vec<Work>, parked: &mut ParkedHere) -> Worked {
        let open = self.not_parked(name, round, parked).await;
        let news: Vec<(&SourceKey, &SourceCommits)> = open.iter().map(|work| (&work.key, &work.news)).collect();
        let results = apply(&self.attachment.consumer, &self.attachment.context, &news).await;
        let mut worked = Worked::default();
        let mut stalled = Stalled::default();
        for (work, result) in open.into_iter().zip(results) {
            let outcome = match result {
                Ok(()) => {
                    self.attachment.mailbox().done(&work);
                    continue;
                }
                Err(error) => {
                    worked.not_taken |= matches!(error, ApplyError::Retry(_) | ApplyError::Refused(_));
                    self.failed(name, &work, error, parked, &mut stalled).await
                }
            };
            match outcome {
                Outcome::Parked => self.attachment.mailbox().done(&work),
                Outcome::Again => {
                    let due = self.runtime.monotonic() + backoff(work.attempts() + 1);
                    self.attachment.mailbox().again(work, due);
                }
                Outcome::RolledBack => {
                    worked.rolled_back = true;
                    return worked;
                }
            }
        }
        stalled.say(name);
        self.attachment.set_parked(parked.len());
        worked
    }

    /// What of a round is not parked. The item of what is knows how far it goes; one that knew as much already was told while the
    /// aggregate was parked, and whoever released it since has gone that far.
    async fn not_parked(&self, name: &str, round: Vec<Work>, parked: &mut ParkedHere) -> Vec<Work> {
        let (mut open, mut unsure) = (Vec::with_capacity(round.len()), Vec::new());
        for work in round {
            match parked.get(&work.key) {
                None => open.push(work),
                Some(known) if *known >= work.up_to() => self.attachment.mailbox().done(&work),
                Some(_) => unsure.push(work),
            }
        }
        let told = stream::iter(unsure).map(async |work| {
            let told = self
                .parking
                .tell(name, &self.attachment.context, &work.key, work.up_to());
            // When that cannot be said, it is tried.
            (told.await.unwrap_or(false), work)
        });
        let told: Vec<_> = told.buffered(TOLD_AT_ONCE).collect().await;
        for (is_parked, work) in told {
            if is_parked {
                parked.insert(work.key.clone(), work.up_to());
                self.attachment.mailbox().done(&work);
            } else {
                parked.remove(&work.key);
                open.push(work);
            }
        }
        open
    }

    /// What to do after a failure: try again, or park once it was tried often enough.
    async fn failed(
        &self,
        name: &str,
        work: &Work,
        error: ApplyError,
        parked: &mut ParkedHere,
        stalled: &mut Stalled,
    ) -> Outcome {
        let tries = match &error {
            ApplyError::RolledBack(error) => {
                tracing::error!(consumer = name, error = ?error, "what was written since the last position is gone; reading the log");
                return Outcome::RolledBack;
            }
            ApplyError::Retry(_) => u32::MAX,
            ApplyError::Refused(_) => self.options.attempts_refused,
            ApplyError::Commit { .. } | ApplyError::Permanent(_) => self.options.attempts,
        };
        let (tenant, aggregate) = (&work.key.tenant, &work.key.aggregate);
        // More may be parked than are known here, and another process may have parked it.
        if work.attempts() == 0 && !matches!(error, ApplyError::Retry(_)) {
            let told = self
                .parking
                .tell(name, &self.attachment.context, &work.key, work.up_to());
            if told.await.unwrap_or(false) {
                know(parked, work, work.up_to());
                return Outcome::Parked;
            }
        }
        if work.attempts() + 1 < tries {
            match error {
                ApplyError::Retry(_) | ApplyError::Refused(_) => stalled.count(error),
                error => {
                    tracing::warn!(consumer = name, %tenant, aggregate, error = %Chain(&error), "a change was not taken; trying again");
                }
            }
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
                know(parked, work, item.up_to);
                Outcome::Parked
            }
            Err(error) => {
                tracing::warn!(consumer = name, error = ?error, "an aggregate could not be parked; trying again");
                Outcome::Again
            }
        }
    }
}

/// Remembers that it is parked, if there is room.
fn know(parked: &mut ParkedHere, work: &Work, up_to: u64) {
    if parked.len() < KNOWN {
        parked.insert(work.key.clone(), up_to);
    }
}
