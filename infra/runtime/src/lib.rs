//! The one place that reads the clock, draws randomness, sleeps and spawns. Everything else takes a [`Runtime`], so that a simulation
//! or a test can own all four. Clippy's `disallowed_methods` refuses the direct calls everywhere but here.

mod manual;
pub mod tls;
mod tokio_environment;

use futures::future::{BoxFuture, Either, select};
use headwater_kernel::Timestamp;
use std::{fmt, future::Future, pin::pin, sync::Arc, time::Duration};
use uuid::Uuid;

pub use manual::ManualClock;

/// What a process is given by its surroundings.
pub trait Environment: Send + Sync + 'static {
    /// The time of day. It may jump.
    fn now(&self) -> Timestamp;
    /// Time since some fixed point of this process. It never goes back.
    fn monotonic(&self) -> Duration;
    /// Fills `bytes` with randomness fit for keys.
    fn fill(&self, bytes: &mut [u8]);
    /// Ends after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
    /// Runs `task` concurrently; the result ends when the task does, with `Err` if it panicked.
    fn spawn(&self, task: BoxFuture<'static, ()>) -> Task;
}

/// A shared handle to an [`Environment`].
#[derive(Clone)]
pub struct Runtime(Arc<dyn Environment>);

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Runtime")
    }
}

impl Runtime {
    /// The real clock and tokio.
    pub fn tokio() -> Self {
        Self(Arc::new(tokio_environment::TokioEnvironment::start()))
    }

    /// Any other environment.
    pub fn new(environment: impl Environment) -> Self {
        Self(Arc::new(environment))
    }

    /// See [`Environment::now`].
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// See [`Environment::monotonic`].
    pub fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    /// Random bytes fit for keys.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    /// A random number below `bound`; 0 when `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        u64::from_be_bytes(self.random()).checked_rem(bound).unwrap_or(0)
    }

    /// A new id: a UUID (version 7) of this environment's clock and randomness.
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().nanos() / 1_000_000).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.random()).into_uuid()
    }

    /// See [`Environment::sleep`].
    pub fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration)
    }

    /// See [`Environment::spawn`].
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Task {
        self.0.spawn(Box::pin(task))
    }

    /// Waits for `future` for at most `limit`.
    ///
    /// # Errors
    /// [`Elapsed`] when the limit came first; the future is dropped then.
    pub async fn timeout<F: Future>(&self, limit: Duration, future: F) -> Result<F::Output, Elapsed> {
        match select(pin!(future), self.sleep(limit)).await {
            Either::Left((output, _)) => Ok(output),
            Either::Right(_) => Err(Elapsed),
        }
    }
}

/// A limit passed before a future ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time limit passed")
    }
}

impl std::error::Error for Elapsed {}

/// A spawned task. Dropping it lets the task run on.
pub struct Task {
    /// Ends with the task.
    done: BoxFuture<'static, Result<(), Panicked>>,
    /// Whether `done` was seen to end; it must not be asked again then.
    over: bool,
    /// Stops the task at its next await.
    abort: Box<dyn Fn() + Send + Sync>,
}

impl Task {
    /// Made by an [`Environment`].
    pub fn new(done: BoxFuture<'static, Result<(), Panicked>>, abort: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            done,
            over: false,
            abort: Box::new(abort),
        }
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// [`Panicked`] when the task did; an aborted task has ended well.
    pub async fn join(self) -> Result<(), Panicked> {
        if self.over {
            return Ok(());
        }
        self.done.await
    }

    /// Waits for the end without giving the task up; ends at once when it has ended before.
    pub async fn ended(&mut self) {
        if !self.over {
            let _ = (&mut self.done).await;
            self.over = true;
        }
    }

    /// Stops the task at its next await.
    pub fn abort(&self) {
        (self.abort)();
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Task")
    }
}

/// A task panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panicked;
