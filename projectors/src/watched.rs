//! A task that is told to stop when nobody holds it any more, and of which is known how it ended.

use headwater_runtime::{Runtime, Task};
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};
use tokio::sync::{Notify, watch};

/// How a task fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has not ended.
    Works,
    /// It has come to its end.
    Ended,
    /// It was dropped in the middle: it panicked, or was aborted.
    Died,
}

/// See the module.
pub(crate) struct Watched {
    task: Task,
    stop: watch::Sender<bool>,
    fate: Arc<AtomicU8>,
}

/// Says how the task ended, also when it panics.
struct Witness {
    fate: Arc<AtomicU8>,
    ended: bool,
    alarm: Arc<Notify>,
}

impl Witness {
    fn saw_the_end(mut self) {
        self.ended = true;
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.fate.store(if self.ended { 1 } else { 2 }, Ordering::Release);
        self.alarm.notify_one();
    }
}

impl Watched {
    /// Spawns what `work` makes of the signal to stop; `alarm` is rung when it ends, however it does.
    pub(crate) fn spawn<F>(
        runtime: &Runtime,
        alarm: &Arc<Notify>,
        work: impl FnOnce(watch::Receiver<bool>) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        let fate = Arc::new(AtomicU8::new(0));
        let witness = Witness {
            fate: Arc::clone(&fate),
            ended: false,
            alarm: Arc::clone(alarm),
        };
        let work = work(stopped);
        let task = runtime.spawn(async move {
            work.await;
            witness.saw_the_end();
        });
        Self { task, stop, fate }
    }

    pub(crate) fn fate(&self) -> Fate {
        match self.fate.load(Ordering::Acquire) {
            0 => Fate::Works,
            1 => Fate::Ended,
            _ => Fate::Died,
        }
    }

    /// Tells it to stop.
    pub(crate) fn tell(&self) {
        let _ = self.stop.send(true);
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) {
        self.task.ended().await;
    }

    pub(crate) fn abort(&self) {
        self.task.abort();
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.tell();
    }
}
