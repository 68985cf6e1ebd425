//! One consumer of one shard at work: takes rounds from its mailbox, applies them, tries again what failed, parks what cannot be applied,
//! catches up from the log whoever is lost, and writes its position down after the effect.

mod passing;
mod rounds;
mod saving;

use crate::{
    SourceKey,
    attachment::Attachment,
    catch_up::{CatchUp, Pass},
    options::{RunnerOptions, backoff},
    parking::Parking,
    stop::told,
};
use headwater_runtime::Runtime;
use saving::Written;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::watch;

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

/// Aggregates that are parked, and how far the item in the store knows that they go.
type ParkedHere = BTreeMap<SourceKey, u64>;

impl ConsumerTask {
    /// Works until it is told to stop, the shard is finished, or another worker has the shard.
    pub(crate) async fn run(mut self) {
        let name = self.attachment.consumer.name();
        let mut written = Written::new(self.runtime.monotonic());
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
        let mut pass: Option<Pass> = None;
        loop {
            if *self.stop.borrow() {
                self.save(&name, &mut written).await;
                return;
            }
            if !self.attachment.consumer.is_held() && self.go_on(&name, &mut pass, &mut parked).await {
                let pressing = self.since(&written) >= self.options.save_every && self.may_save(&written);
                if pressing && !self.save(&name, &mut written).await {
                    return;
                }
                continue;
            }
            if self.is_due(&written) && !self.save(&name, &mut written).await {
                return;
            }
            // Only once that is written, too: the children's reader goes by it.
            if self.attachment.mailbox().is_finished() && written.is_finished() {
                return;
            }
            self.wait(&written, pass.as_ref()).await;
        }
    }

    /// A round of the mailbox, and a part of the pass if one is under way; `false` when there is nothing to do now.
    async fn go_on(&mut self, name: &str, pass: &mut Option<Pass>, parked: &mut ParkedHere) -> bool {
        self.begin_pass(pass);
        let now = self.runtime.monotonic();
        let round = self.attachment.mailbox().take(now, self.options.round);
        let mut worked = !round.is_empty();
        if worked && self.work(name, round, parked).await.rolled_back {
            self.lose_all(pass);
            return true;
        }
        if let Some(under_way) = pass
            && self.is_its_turn(under_way, worked)
        {
            self.step(name, pass, parked).await;
            worked = true;
        }
        worked
    }

    fn since(&self, written: &Written) -> Duration {
        self.runtime.monotonic().saturating_sub(written.at)
    }

    async fn wait(&mut self, written: &Written, pass: Option<&Pass>) {
        let now = self.runtime.monotonic();
        let held = self.attachment.consumer.is_held();
        let save = if self.is_written(written) {
            self.attachment.consumer.positions.save_at_least_every()
        } else {
            self.options.save_every
        };
        let not_before = written.not_before.saturating_sub(now);
        let work = {
            let mailbox = self.attachment.mailbox();
            // A pass that leaves time to what waits goes on when that is due; one that rests, in its time.
            let pass = pass.filter(|_| !mailbox.is_crowded()).map(|pass| pass.due);
            mailbox.next_due().into_iter().chain(pass).min().filter(|_| !held)
        };
        let longest = work
            .map_or(Duration::MAX, |due| due.saturating_sub(now))
            .min(save.max(not_before))
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
}

#[cfg(test)]
mod tests;
