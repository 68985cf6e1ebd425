//! Keeps at work what must not end: whoever panics begins anew.

use crate::stop::told;
use futures::FutureExt;
use headwater_runtime::Runtime;
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio::sync::watch;

/// How long it waits after a panic.
const PAUSE: Duration = Duration::from_secs(1);

/// Does `work` until it comes to its end by itself.
pub(crate) async fn supervised<F: Future<Output = ()>>(
    name: &str,
    runtime: &Runtime,
    mut stop: watch::Receiver<bool>,
    work: impl Fn() -> F,
) {
    while AssertUnwindSafe(work()).catch_unwind().await.is_err() {
        tracing::error!(name, "panicked; it begins anew");
        if runtime.timeout(PAUSE, told(&mut stop)).await.is_ok() {
            return;
        }
    }
}
