//! The real thing: the system's clock and randomness, tokio's timers and tasks.

#![allow(clippy::disallowed_methods, reason = "this is the one place")]

use crate::{Environment, Panicked, Task};
use futures::future::BoxFuture;
use headwater_kernel::Timestamp;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(crate) struct TokioEnvironment {
    started: Instant,
}

impl TokioEnvironment {
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Environment for TokioEnvironment {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    #[allow(clippy::expect_used, reason = "without randomness no key may be made")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives randomness");
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) -> Task {
        let handle = tokio::spawn(task);
        let abort = handle.abort_handle();
        let done = async move {
            match handle.await {
                Err(error) if error.is_panic() => Err(Panicked),
                _ => Ok(()),
            }
        };
        Task::new(Box::pin(done), move || abort.abort())
    }
}
