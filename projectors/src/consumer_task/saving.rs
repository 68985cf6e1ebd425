//! Writing the position down.

use super::ConsumerTask;
use crate::{ApplyError, attachment::Attachment, options::backoff};
use headwater_event_log::consumer::{Checkpoint, Saved};
use std::time::Duration;

/// How the position was written last.
pub(super) struct Written {
    pub(super) at: Duration,
    pub(super) checkpoint: Option<Checkpoint>,
    /// How often in a row it could not be.
    failures: u32,
    /// It is not tried again before.
    pub(super) not_before: Duration,
}

impl Written {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            at: now,
            checkpoint: None,
            failures: 0,
            not_before: Duration::ZERO,
        }
    }

    /// Whether it says that the shard is finished.
    pub(super) fn is_finished(&self) -> bool {
        self.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.finished)
    }
}

/// Whether two checkpoints say the same, whenever that was.
fn same(one: &Checkpoint, other: &Checkpoint) -> bool {
    (&one.position, one.finished) == (&other.position, other.finished)
}

impl ConsumerTask {
    /// What would be written down now.
    pub(super) fn checkpoint(&self) -> Option<Checkpoint> {
        let mut mailbox = self.attachment.mailbox();
        let finished = mailbox.is_finished();
        Some(Checkpoint {
            position: mailbox.passed()?.clone(),
            at: self.attachment.read_at(),
            finished,
            store: None,
        })
    }

    /// Whether what would be written is what was.
    pub(super) fn is_written(&self, written: &Written) -> bool {
        match (self.checkpoint(), &written.checkpoint) {
            (Some(now), Some(last)) => same(&now, last),
            _ => false,
        }
    }

    /// Whether a failure is long enough ago.
    pub(super) fn may_save(&self, written: &Written) -> bool {
        self.runtime.monotonic() >= written.not_before
    }

    /// Whether the position should be written down now that nothing is to be done.
    pub(super) fn is_due(&self, written: &Written) -> bool {
        if !self.may_save(written) {
            return false;
        }
        let Some(now) = self.checkpoint() else { return false };
        let Some(last) = &written.checkpoint else { return true };
        let eager = self.attachment.consumer.eager || now.finished;
        let longest = self.attachment.consumer.positions.save_at_least_every();
        match same(&now, last) {
            false => eager || self.since(written) >= self.options.save_every,
            // What was written after a long standstill may say when it was read before that.
            true => self.since(written) >= longest || now.at.since(last.at) >= longest,
        }
    }

    /// Writes the position down; `false` when another worker has the shard. After a failure it stays due.
    pub(super) async fn save(&self, name: &str, written: &mut Written) -> bool {
        let Some(checkpoint) = self.checkpoint() else {
            return true;
        };
        let Attachment { consumer, context, .. } = &*self.attachment;
        written.at = self.runtime.monotonic();
        match consumer.positions.save(context, &checkpoint, self.fence).await {
            Ok(Saved::Yes) => {
                if written.failures > 0 {
                    tracing::info!(
                        consumer = name,
                        context,
                        failures = written.failures,
                        "the position is written again"
                    );
                }
                (written.failures, written.not_before) = (0, Duration::ZERO);
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
                written.failures += 1;
                // The first, second, fourth, … : a full disk stays full for long.
                if written.failures.is_power_of_two() {
                    tracing::warn!(consumer = name, context, error = ?error, failures = written.failures, "a position was not written; trying again");
                }
                written.not_before = self.runtime.monotonic() + backoff(written.failures + 1);
                true
            }
        }
    }
}
