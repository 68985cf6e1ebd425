//! Repairs the feed of a context when somebody in this process knows that it is not whole. It belongs to no shard, so that it outlives them:
//! a repair may take longer than a shard lives. Of all workers one repairs at a time; the others wait and look whether that was enough.
//! Nothing hangs on the lease but cost: whatever two repairs append at once is appended once.

use crate::{
    options::{RunnerOptions, backoff},
    stop::told,
};
use headwater_event_log::{
    Error, FeedWriter, Shard,
    consumer::{Held, Lease, LeaseTable, Observations},
};
use headwater_runtime::Runtime;
use headwater_tenancy::WorkerAuthority;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// What the lease of a repair has in the place of a context.
const REPAIR: &str = "feed-repair";

/// Asks for a repair. Clones are the same.
#[derive(Clone)]
pub(crate) struct RepairWanted(Arc<watch::Sender<Option<String>>>);

impl RepairWanted {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::channel(None).0))
    }

    /// The feed is not whole for `stream`.
    pub(crate) fn want(&self, stream: &str) {
        self.0.send_replace(Some(stream.to_owned()));
    }

    fn wanted(&self) -> watch::Receiver<Option<String>> {
        self.0.subscribe()
    }
}

/// See the module. One per context and process.
pub(crate) struct FeedRepair {
    pub(crate) context: String,
    pub(crate) writer: FeedWriter,
    pub(crate) authority: WorkerAuthority,
    pub(crate) leases: LeaseTable,
    pub(crate) wanted: RepairWanted,
    pub(crate) options: RunnerOptions,
    pub(crate) runtime: Runtime,
    pub(crate) stop: watch::Receiver<bool>,
}

impl FeedRepair {
    /// Repairs whenever it is wanted, until it is told to stop.
    pub(crate) async fn run(&self) {
        let mut wanted = self.wanted.wanted();
        wanted.mark_changed();
        let mut work = std::pin::pin!(async {
            while wanted.changed().await.is_ok() && !self.is_stopped() {
                let stream = wanted.borrow_and_update().clone();
                if let Some(stream) = stream {
                    self.see_to(&stream).await;
                }
            }
        });
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            () = told(&mut stop) => {
                // Long enough to give the lease back.
                let _ = self.runtime.timeout(Duration::from_millis(500), work).await;
            }
            () = &mut work => {}
        }
    }

    fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Comes back once the feed was repaired, by whomever.
    async fn see_to(&self, stream: &str) {
        let (mut failures, mut seen) = (0, Observations::default());
        // Several shards find out at once, and what they find must lie before the repair.
        self.runtime.sleep(self.options.look_every).await;
        loop {
            let pause = match self.look(stream, &mut seen).await {
                Ok(true) => return,
                Ok(false) => {
                    failures = 0;
                    self.options.lease / 4
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(context = self.context, error = ?error, "the feed is not repaired yet; trying again");
                    backoff(failures)
                }
            };
            let mut stop = self.stop.clone();
            if self.runtime.timeout(pause, told(&mut stop)).await.is_ok() {
                return;
            }
        }
    }

    /// Whether nothing is left to do.
    async fn look(&self, stream: &str, seen: &mut Observations) -> Result<bool, Error> {
        if self.writer.repaired_for().await?.as_deref() == Some(stream) {
            return Ok(true);
        }
        let key = LeaseTable::key(REPAIR, &self.context);
        let mut leases = self.leases.list().await?;
        leases.retain(|lease| lease.key == key);
        let now = self.runtime.monotonic();
        seen.see(&leases, now);
        let is_taken = |lease: &Lease| {
            let mine = lease.owner.as_deref() == Some(self.leases.worker());
            let gone = self.options.alone || seen.is_expired(lease, now, self.options.lease);
            lease.owner.is_some() && !mine && !gone
        };
        let known = leases.first();
        if known.is_some_and(is_taken) {
            return Ok(false);
        }
        let place = Shard {
            stream: REPAIR.to_owned(),
            id: self.context.clone(),
            parent: None,
            starts_at: None,
        };
        let Some(held) = self.leases.take(REPAIR, &place, known).await? else {
            return Ok(false);
        };
        let (mut renewed, mut stop) = (held.clone(), self.stop.clone());
        let repaired = tokio::select! {
            biased;
            () = told(&mut stop) => Some(None),
            repaired = self.writer.repair(&self.authority, stream) => Some(Some(repaired)),
            () = self.renew(&mut renewed) => None,
        };
        let Some(repaired) = repaired else {
            return Ok(false);
        };
        self.leases.release(&renewed, false).await?;
        match repaired {
            // What cannot be read stays in doubt, and is for another build.
            Some(repaired) => repaired.map(|_| true),
            None => Ok(false),
        }
    }

    /// Shows life until the lease is another's.
    async fn renew(&self, held: &mut Held) {
        loop {
            self.runtime
                .sleep((self.options.lease / 3).max(Duration::from_millis(1)))
                .await;
            match self.leases.renew(held).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(context = self.context, error = ?error, "the lease of a repair was not renewed");
                }
            }
        }
    }
}
