//! Being told to stop.

use tokio::sync::watch;

/// Ends when it is time to stop.
pub(crate) async fn told(stop: &mut watch::Receiver<bool>) {
    // Whoever could say so may be gone; that is as good.
    let _ = stop.wait_for(|stop| *stop).await;
}
