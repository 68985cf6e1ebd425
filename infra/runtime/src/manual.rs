//! A clock that a test moves by hand; randomness, sleeping and spawning stay real.

use crate::{Environment, Task, tokio_environment::TokioEnvironment};
use futures::future::BoxFuture;
use headwater_kernel::Timestamp;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// A time of day that stands still until it is moved, also backwards.
#[derive(Clone)]
pub struct ManualClock {
    nanos: Arc<AtomicI64>,
    rest: Arc<TokioEnvironment>,
}

impl ManualClock {
    /// Stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self {
            nanos: Arc::new(AtomicI64::new(start.nanos())),
            rest: Arc::new(TokioEnvironment::start()),
        }
    }

    /// Moves to `time`.
    pub fn set(&self, time: Timestamp) {
        self.nanos.store(time.nanos(), Ordering::SeqCst);
    }
}

impl Environment for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.nanos.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.rest.monotonic()
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.rest.fill(bytes);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.rest.sleep(duration)
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) -> Task {
        self.rest.spawn(task)
    }
}
