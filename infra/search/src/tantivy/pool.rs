//! Threads for searches, so that none runs on the async runtime's workers.

use crate::Error;
use std::{
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};
use tokio::sync::oneshot;

/// Searches that may wait; more are refused.
const QUEUE: usize = 1_024;
/// The most threads.
const MAX_THREADS: usize = 8;

type Job = Box<dyn FnOnce() + Send>;

/// The threads. They end when the pool is dropped.
#[derive(Debug)]
pub(super) struct Pool(mpsc::SyncSender<Job>);

impl Pool {
    pub(super) fn start() -> Result<Self, Error> {
        let (sender, jobs) = mpsc::sync_channel::<Job>(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
        for _ in 0..threads {
            let jobs = Arc::clone(&jobs);
            let work = move || {
                loop {
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = job else { return };
                    // The one who asked sees that its answer never comes; the thread goes on.
                    if catch_unwind(AssertUnwindSafe(job)).is_err() {
                        tracing::error!("a search panicked");
                    }
                }
            };
            let started = thread::Builder::new().name("search".into()).spawn(work);
            started.map_err(|error| Error::Unavailable(error.to_string()))?;
        }
        Ok(Self(sender))
    }

    /// Runs `work` on one of the threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move || {
            if !reply.is_closed() {
                let _ = reply.send(work());
            }
        });
        self.0
            .try_send(job)
            .map_err(|_| Error::Unavailable("too many searches are waiting".into()))?;
        answer
            .await
            .map_err(|_| Error::Unavailable("the search ended without an answer".into()))?
    }
}
