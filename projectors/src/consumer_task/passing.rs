//! Catching up from the log, beside the rounds of the mailbox; see [`crate::catch_up`].

use super::{ConsumerTask, ParkedHere};
use crate::{attachment::Attachment, catch_up::Pass, options::backoff, stop::told};

/// A pass waits for what has piled up for those it is for, but for no more rounds than these.
const PATIENCE: u32 = 64;

impl ConsumerTask {
    /// Begins a pass if somebody is lost and none is under way. One for a few tenants ends when all are lost.
    pub(super) fn begin_pass(&self, pass: &mut Option<Pass>) {
        let mut mailbox = self.attachment.mailbox();
        if let Some(under_way) = pass
            && mailbox.is_all_lost()
            && !under_way.whose.is_all()
        {
            mailbox.abandon_pass();
            *pass = None;
        }
        if pass.is_none() && mailbox.is_lost() {
            *pass = Some(Pass::new(mailbox.begin_pass()));
        }
    }

    /// More than some works is undone: everything is read again.
    pub(super) fn lose_all(&self, pass: &mut Option<Pass>) {
        let mut mailbox = self.attachment.mailbox();
        if pass.take().is_some() {
            mailbox.abandon_pass();
        }
        mailbox.lose();
    }

    /// Whether the pass goes on now, after a round or when there was none to work.
    pub(super) fn is_its_turn(&self, pass: &mut Pass, worked: bool) -> bool {
        if pass.due > self.runtime.monotonic() {
            return false;
        }
        pass.rounds += u32::from(worked);
        if self.attachment.mailbox().is_crowded() && pass.rounds < PATIENCE {
            return false;
        }
        pass.rounds = 0;
        true
    }

    /// Applies the next part. What fails is tried again and parked as ever, by way of the mailbox.
    pub(super) async fn step(&self, name: &str, pass: &mut Option<Pass>, parked: &mut ParkedHere) {
        let Some(under_way) = pass else { return };
        let Attachment { consumer, context, .. } = &*self.attachment;
        if under_way.is_out() && !under_way.is_over() {
            let (mut stop, now) = (self.stop.clone(), self.runtime.monotonic());
            if self.catch_up.due() > now {
                under_way.due = self.catch_up.due();
                return;
            }
            let read = tokio::select! {
                biased;
                () = told(&mut stop) => return,
                read = under_way.read(&self.catch_up, consumer, context, now) => read,
            };
            if let Err(error) = read {
                self.rest(under_way);
                if under_way.failures.is_power_of_two() {
                    tracing::warn!(consumer = name, context, error = ?error, "the log cannot be read; trying again");
                }
                return;
            }
        }
        let part = under_way.part(self.options.round);
        let works: Vec<_> = {
            let mut mailbox = self.attachment.mailbox();
            part.into_iter().map(|(key, news)| mailbox.of_pass(key, news)).collect()
        };
        let worked = self.work(name, works, parked).await;
        if worked.rolled_back {
            return self.lose_all(pass);
        }
        // While a store does not take changes, the rest of the log can wait where it is.
        if worked.not_taken {
            self.rest(under_way);
        } else {
            under_way.failures = 0;
        }
        if under_way.is_over() {
            if under_way.commits > 0 {
                let (commits, tenants) = (under_way.commits, under_way.whose.tenants().count());
                tracing::info!(consumer = name, context, commits, tenants, "caught up from the log");
            }
            self.attachment.mailbox().end_pass();
            *pass = None;
        }
    }

    fn rest(&self, pass: &mut Pass) {
        pass.failures += 1;
        pass.due = self.runtime.monotonic() + backoff(pass.failures);
    }
}
