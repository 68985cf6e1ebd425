//! Which generations an invocation keeps: those that the register has and that nobody is filling.

use super::HandlerError;
use crate::{Consumer, Replays, race::failed, replay::is_newer};
use headwater_dynamo_repository::{GenerationState, Registered};
use headwater_kernel::Timestamp;
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::Mutex;

/// What is kept.
pub(super) enum Kept {
    /// Always these.
    Fixed(Vec<Consumer>),
    /// What the register says, as it was read not long ago.
    Registered { replays: Replays, read: Mutex<Read> },
}

#[derive(Default)]
pub(super) struct Read {
    at: Option<Timestamp>,
    consumers: BTreeMap<(&'static str, u32), Consumer>,
}

impl Kept {
    /// How long what [`Kept::now`] gives may be worked with: all processes have let go of a generation that is to be dropped by then.
    pub(super) fn good_for(&self) -> Option<Duration> {
        match self {
            Self::Fixed(_) => None,
            Self::Registered { replays, .. } => {
                let options = &replays.0.options;
                Some(options.settle.saturating_sub(options.poll))
            }
        }
    }

    /// The consumers of now.
    pub(super) async fn now(&self) -> Result<Vec<Consumer>, HandlerError> {
        let (replays, read) = match self {
            Self::Fixed(consumers) => return Ok(consumers.clone()),
            Self::Registered { replays, read } => (replays, read),
        };
        let mut read = read.lock().await;
        let now = replays.0.runtime.now();
        // By the time of day: an environment that Lambda has frozen may wake with a monotonic clock that stood still.
        let is_fresh = |at: Timestamp| at <= now && now.since(at) < replays.0.options.poll;
        if !read.at.is_some_and(is_fresh) {
            read.look(replays, now).await?;
            read.at = Some(now);
        }
        Ok(read.consumers.values().cloned().collect())
    }
}

impl Read {
    async fn look(&mut self, replays: &Replays, now: Timestamp) -> Result<(), HandlerError> {
        let inner = &replays.0;
        let unknown = |error| HandlerError::Register(Box::new(failed(error)));
        let mut all = inner.register.all().await.map_err(unknown)?;
        let mut wanted = BTreeMap::new();
        for name in inner.catalogue.names() {
            let folds = inner.catalogue.folds(name);
            let registered: Registered = match all.remove(name) {
                Some(registered) => registered,
                None => inner.register.found(name, &folds, now).await.map_err(unknown)?,
            };
            for generation in &registered.generations {
                let foreign = generation.folds != folds && is_newer(&generation.folds, &folds);
                // Whoever fills a generation writes without a condition, so nobody else may write to it.
                let away = matches!(
                    generation.state,
                    GenerationState::Attaching | GenerationState::Filling | GenerationState::Dropping
                );
                if foreign || away {
                    continue;
                }
                let key = (name, generation.number);
                if let Some(known) = self.consumers.remove(&key) {
                    wanted.insert(key, known);
                    continue;
                }
                // Without an index in this process its documents are another one's work.
                let built = inner.catalogue.build(name, generation.number, generation.only.clone());
                let built = built.map_err(|error| HandlerError::Register(Box::new(error)))?;
                if let Some(keep) = built {
                    wanted.insert(key, keep.consumer);
                }
            }
        }
        self.consumers = wanted;
        Ok(())
    }
}
