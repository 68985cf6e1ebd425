//! Ctrl-C and SIGTERM: the first asks the process to end well, the second ends it at once.

use anyhow::Result;
use headwater_runtime::Runtime;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both signals, from now on.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// From now on a signal ends the process at once.
    pub(crate) fn exit_on_next(mut self, runtime: &Runtime) {
        drop(runtime.spawn(async move {
            self.next().await;
            tracing::warn!("a second signal: this process ends at once");
            std::process::exit(1);
        }));
    }
}

/// Runs `start`, then `serve` of what started until a signal comes; `None` when the signal came during the start.
pub(crate) async fn until_signalled<T>(
    signals: &mut Signals,
    start: impl Future<Output = Result<T>>,
) -> Result<Option<T>> {
    tokio::select! {
        started = start => started.map(Some),
        () = signals.next() => Ok(None),
    }
}
