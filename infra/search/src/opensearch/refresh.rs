//! Making writes visible. Each refresh makes a segment, so callers share them, and there is a pause between two.

use super::Cluster;
use crate::Error;
use headwater_runtime::Runtime;
use opensearch::http::Method;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::sync::Mutex;

/// The least time from one refresh to the next.
const PAUSE: Duration = Duration::from_millis(100);

/// The refreshes of one index by this process.
#[derive(Debug, Default)]
pub(super) struct Refresh {
    /// How many have begun.
    begun: AtomicU64,
    /// Held by who refreshes; when the last one ended, and which it was.
    last: Mutex<Option<(Duration, u64)>>,
}

impl Refresh {
    /// Returns once a refresh that began after this call has ended.
    pub(super) async fn run(&self, cluster: &Cluster, name: &str) -> Result<(), Error> {
        let runtime: &Runtime = &cluster.runtime;
        let seen = self.begun.load(Ordering::SeqCst);
        let mut last = self.last.lock().await;
        if let Some((ended, number)) = *last {
            if number > seen {
                return Ok(());
            }
            runtime.sleep((ended + PAUSE).saturating_sub(runtime.monotonic())).await;
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let path = format!("/{name}/_refresh");
        let answer = cluster.expect(Method::Post, &path, None).await?;
        if answer["_shards"]["failed"].as_u64().unwrap_or(0) > 0 {
            return Err(Error::Unavailable(format!("{name}: not every shard was refreshed")));
        }
        *last = Some((runtime.monotonic(), number));
        Ok(())
    }
}
