//! Futures of the simulated world: waiting for a time, and for a task.

use super::world::World;
use headwater_runtime::Panicked;
use std::{
    collections::BTreeSet,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

/// Makes a task ready.
pub(super) struct Waking {
    pub(super) id: u64,
    pub(super) ready: Arc<Mutex<BTreeSet<u64>>>,
}

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(self.id);
    }
}

/// Ends at a time.
pub(super) struct Sleep {
    world: World,
    at: u64,
    key: Option<(u64, u64)>,
}

impl Sleep {
    pub(super) fn new(world: &World, duration: Duration) -> Self {
        let now = world.core().now;
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self {
            world: world.clone(),
            at: now.saturating_add(nanos),
            key: None,
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let world = self.world.clone();
        let mut core = world.core();
        if core.now >= self.at {
            return Poll::Ready(());
        }
        let key = match self.key {
            Some(key) => key,
            None => (self.at, core.number()),
        };
        self.key = Some(key);
        core.timers.insert(key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = self.world.core().timers.remove(&key);
            // Dropping a waker may end a task; not under the lock.
            drop(waker);
        }
    }
}

type End = Result<(), Panicked>;

/// How a task ended, and who waits for that.
#[derive(Debug, Default)]
pub(super) struct Done(Mutex<(Option<End>, Vec<Waker>)>);

impl Done {
    pub(super) fn end(&self, result: Result<(), Panicked>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.get_or_insert(result);
        let waiting = std::mem::take(&mut state.1);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// Ends with the task.
pub(super) struct Joining(pub(super) Arc<Done>);

impl Future for Joining {
    type Output = Result<(), Panicked>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.0 {
            Some(result) => Poll::Ready(result),
            None => {
                state.1.push(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
