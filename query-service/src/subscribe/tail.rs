//! Looks for new batches of one tenant's feed in one context, for all its subscribers.

use super::{
    Hub,
    events::render,
    lock,
    shelf::{Batch, PIECE, Piece, Shelf},
};
use crate::{refusal::of_log, service::ByAggregate};
use headwater_edge::Problem;
use headwater_event_log::EventLog;
use headwater_kernel::AggregateType;
use headwater_runtime::{Runtime, Task};
use headwater_tenancy::TenantScope;
use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

/// Batches of one query.
const BATCHES: i32 = 16;
/// Names tails on the shelf; one that comes after another for the same feed may find other batches' memory gone, never wrong.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The end of a feed as far as it was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    /// The number that the next batch will have.
    pub(super) next: u64,
    /// Commits that have come since the tail began.
    pub(super) commits: u64,
}

pub(super) struct Tail {
    number: u64,
    log: EventLog,
    scope: TenantScope,
    context: &'static str,
    aggregates: Arc<ByAggregate<AggregateType>>,
    end: watch::Sender<End>,
    shelf: Arc<Shelf>,
    /// Held while batches are read that are not on the shelf, so that many who want the same read it once.
    reading: tokio::sync::Mutex<()>,
    task: Mutex<Option<Task>>,
}

impl Tail {
    pub(super) fn start(hub: &Hub, scope: &TenantScope, context: &'static str, next: u64) -> Arc<Self> {
        let tail = Arc::new(Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            log: hub.log.clone(),
            scope: scope.clone(),
            context,
            aggregates: Arc::clone(&hub.aggregates),
            end: watch::channel(End { next, commits: 0 }).0,
            shelf: Arc::clone(&hub.shelf),
            reading: tokio::sync::Mutex::new(()),
            task: Mutex::new(None),
        });
        let activity = hub.log.feed_activity().watch(context, scope.tenant());
        let pace = (hub.options.poll_first, hub.options.poll_most);
        let follow = follow(Arc::downgrade(&tail), activity, hub.runtime.clone(), pace);
        *lock(&tail.task) = Some(hub.runtime.spawn(follow));
        tail
    }

    pub(super) fn end(&self) -> watch::Receiver<End> {
        self.end.subscribe()
    }

    /// Reads on at the end; tells whether there was more.
    async fn advance(&self) -> Result<bool, headwater_event_log::Error> {
        let from = self.end.borrow().next;
        let batches = self.log.feed_batches(&self.scope, self.context, from, BATCHES).await?;
        let (count, mut commits) = (batches.len() as u64, 0);
        for batch in batches {
            commits += batch.references.len() as u64;
            self.shelf.put(self.number, batch);
        }
        if count > 0 {
            self.end.send_modify(|end| {
                end.next += count;
                end.commits += commits;
            });
        }
        Ok(count > 0)
    }

    /// A batch before the end.
    pub(super) async fn batch(&self, number: u64) -> Result<Arc<Batch>, Problem> {
        if let Some(batch) = self.shelf.get((self.number, number)) {
            return Ok(batch);
        }
        let _reading = self.reading.lock().await;
        if let Some(batch) = self.shelf.get((self.number, number)) {
            return Ok(batch);
        }
        let read = self.log.feed_batches(&self.scope, self.context, number, BATCHES).await;
        let mut wanted = None;
        for batch in read.map_err(of_log)? {
            let kept = self.shelf.put(self.number, batch);
            wanted.get_or_insert(kept);
        }
        wanted.ok_or_else(|| {
            let detail = "the feed cannot be read on now; try again";
            Problem::unavailable("unavailable", detail, Duration::from_secs(1))
                .for_operator(format!("batch {number} of the feed of {} is not there", self.context))
        })
    }

    /// The events of a piece of a batch.
    pub(super) async fn piece(&self, number: u64, batch: &Batch, piece: usize) -> Result<Arc<Piece>, Problem> {
        let first = piece * PIECE;
        let references = &batch.references[first..(first + PIECE).min(batch.references.len())];
        let resolve = async || {
            let commits = self
                .log
                .resolve(&self.scope, self.context, references)
                .await
                .map_err(of_log)?;
            let events: Piece = commits
                .into_iter()
                .map(|commit| commit.map_or(Ok(Vec::new()), |commit| render(&self.aggregates, commit)))
                .collect::<Result<_, _>>()?;
            let weight = events.iter().flatten().map(|event| event.weight()).sum();
            self.shelf.grown((self.number, number), weight);
            Ok(Arc::new(events))
        };
        batch.pieces[piece].get_or_try_init(resolve).await.cloned()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
    }
}

/// Advances a tail for as long as anybody holds it.
async fn follow(
    tail: Weak<Tail>,
    mut activity: watch::Receiver<u64>,
    runtime: Runtime,
    (first, most): (Duration, Duration),
) {
    let mut pause = first;
    loop {
        activity.mark_unchanged();
        let Some(tail) = tail.upgrade() else { return };
        match tail.advance().await {
            Ok(true) => {
                pause = first;
                continue;
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(context = tail.context, %error, "a feed cannot be read on"),
        }
        drop(tail);
        // Random within a quarter, so that tails that began together part.
        let jitter = u64::try_from(pause.as_millis() / 4).unwrap_or(0);
        let wait = pause + Duration::from_millis(runtime.below(jitter + 1));
        pause = match runtime.timeout(wait, activity.changed()).await {
            Ok(_) => first,
            Err(_) => (pause * 2).min(most),
        };
    }
}
