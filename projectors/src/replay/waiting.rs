//! What a rebuild waits for between its steps: that every process knows of them, and that the stream was followed far enough.

use super::{ReplayError, attaching::Positions, driver::Driver};
use crate::{opening::order, projections::Keep, stop::told};
use headwater_event_log::consumer::Checkpoint;
use std::time::Duration;
use tokio::sync::watch;

impl Driver {
    /// Until no process believes any more that the filling has not begun: none begins in the middle of a shard after that.
    pub(super) async fn until_known(&self, keep: &Keep, halt: &watch::Receiver<bool>) -> Result<(), ReplayError> {
        let (runtime, options) = (&self.inner.runtime, &self.inner.options);
        let mut halt = halt.clone();
        let pause = match self.runner.alone {
            true => Duration::ZERO,
            false => options.sure_for(),
        };
        if runtime.timeout(pause, told(&mut halt)).await.is_ok() {
            return Err(ReplayError::Stopped);
        }
        self.inner.changed.notify_waiters();
        while keep.consumer.is_fresh(runtime.monotonic()) {
            if runtime.timeout(options.poll / 8, told(&mut halt)).await.is_ok() {
                return Err(ReplayError::Stopped);
            }
        }
        Ok(())
    }

    /// Until the generation has passed where the live one is now.
    pub(super) async fn catch_up(&self, keep: &Keep, halt: &watch::Receiver<bool>) -> Result<(), ReplayError> {
        let contexts = self.inner.contexts(self.projection);
        let shards = self.shards(&contexts);
        let mut target = match &self.live {
            Some(live) => shards.positions(live).await?,
            None => Positions::new(),
        };
        let mut halt = halt.clone();
        // A write of the filling whose answer was lost may still arrive, without a condition; the check comes after that.
        let runtime = &self.inner.runtime;
        let quiet = match self.runner.alone {
            true => Duration::ZERO,
            false => runtime.monotonic() + self.inner.options.late,
        };
        loop {
            if runtime.monotonic() >= quiet
                && !keep.consumer.is_held()
                && shards.have_passed(&keep.consumer, &target, &self.watcher).await?
            {
                return Ok(());
            }
            let pause = self.inner.options.poll / 8;
            if runtime.timeout(pause, told(&mut halt)).await.is_ok() {
                return Err(ReplayError::Stopped);
            }
            // The live one may have lost its place meanwhile, and have begun a shard anew that has nothing any more.
            if let Some(live) = &self.live {
                let now = shards.positions(live).await?;
                target.retain(|place, _| now.contains_key(place));
                for (place, at) in &mut target {
                    let (now, then) = (now.get(place).map(sequence).unwrap_or_default(), sequence(at));
                    if order(&now) < order(&then) {
                        at.position.sequence = Some(now).filter(|now| !now.is_empty());
                    }
                }
            }
        }
    }
}

fn sequence(at: &Checkpoint) -> String {
    at.position.sequence.clone().unwrap_or_default()
}
