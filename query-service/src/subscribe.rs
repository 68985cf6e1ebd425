//! Subscriptions: the tenant's feed from a cursor of any age and then live, by server-sent events and gRPC.
//!
//! There is no change from feed to live that could lose or repeat anything: every subscriber reads numbered batches from its own place on,
//! and waits when it has reached the end. What thousands share is, per tenant and context, one [`tail`] that looks for new batches, and one
//! [`shelf`] of batches that are read from the store once, however many want them. A subscriber holds nothing but its place and a piece of
//! a batch, so one that reads slowly costs no memory; one that was live and falls far behind is sent away with its cursor.

mod events;
mod grpc;
mod openapi;
mod place;
mod request;
mod shelf;
mod sse;
mod subscription;
mod tail;

pub use events::FeedEvent;
pub(crate) use grpc::{Responses, responses};
pub(crate) use openapi::describe;
pub(crate) use request::Wanted;
pub(crate) use sse::{LAST_EVENT_ID, response};
pub use subscription::{EndReason, Message, Subscription};

use crate::service::ByAggregate;
use ::http::StatusCode;
use headwater_edge::Problem;
use headwater_event_log::EventLog;
use headwater_kernel::{AggregateType, TenantId};
use headwater_runtime::Runtime;
use headwater_tenancy::TenantScope;
use shelf::Shelf;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tail::Tail;
use tokio::sync::watch;

/// When a refused subscriber should come back.
const COME_BACK: Duration = Duration::from_secs(10);

/// What may be tuned.
#[derive(Debug, Clone)]
pub struct SubscriptionOptions {
    /// Most subscribers of one tenant; one more is refused with 429. 4,000.
    pub per_tenant: usize,
    /// Most subscribers in all; one more is refused with 503. 10,000.
    pub in_all: usize,
    /// Commits that a subscriber which was live may fall behind before it is sent away. 10,000.
    pub most_behind: u64,
    /// After how long without an event a heartbeat is sent. 15 s.
    pub heartbeat: Duration,
    /// How long a subscription lasts; then the subscriber has to come back, with a token that is still good. 1 hour.
    pub longest: Duration,
    /// How soon a feed is looked at again that has just grown, where its growth is not told within the process. 200 ms.
    pub poll_first: Duration,
    /// How often a feed that does not grow is looked at. 5 s.
    pub poll_most: Duration,
    /// Bytes of events that are kept for all subscribers together, about. 64 MiB.
    pub kept_bytes: usize,
}

impl Default for SubscriptionOptions {
    fn default() -> Self {
        Self {
            per_tenant: 4_000,
            in_all: 10_000,
            most_behind: 10_000,
            heartbeat: Duration::from_secs(15),
            longest: Duration::from_secs(60 * 60),
            poll_first: Duration::from_millis(200),
            poll_most: Duration::from_secs(5),
            kept_bytes: 64 << 20,
        }
    }
}

/// All subscriptions of a process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Subscriptions(Arc<Hub>);

pub(crate) struct Hub {
    log: EventLog,
    runtime: Runtime,
    options: SubscriptionOptions,
    aggregates: Arc<ByAggregate<AggregateType>>,
    /// The event types of each context.
    types: BTreeMap<&'static str, BTreeSet<String>>,
    tails: Mutex<HashMap<(TenantId, &'static str), Weak<Tail>>>,
    shelf: Arc<Shelf>,
    subscribers: Mutex<HashMap<TenantId, usize>>,
    closing: watch::Sender<bool>,
}

impl fmt::Debug for Subscriptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscriptions")
    }
}

impl Subscriptions {
    pub(crate) fn new(
        log: EventLog,
        aggregates: &ByAggregate<AggregateType>,
        options: SubscriptionOptions,
        runtime: Runtime,
    ) -> Self {
        let types_of = |of_context: &BTreeMap<&'static str, AggregateType>| {
            let all = of_context.values().flat_map(AggregateType::events);
            all.map(|(name, ..)| name).collect()
        };
        let types = aggregates.iter().map(|(context, all)| (*context, types_of(all)));
        Self(Arc::new(Hub {
            log,
            runtime,
            types: types.collect(),
            aggregates: Arc::new(aggregates.clone()),
            tails: Mutex::default(),
            shelf: Arc::new(Shelf::new(options.kept_bytes)),
            subscribers: Mutex::default(),
            closing: watch::channel(false).0,
            options,
        }))
    }

    /// The event types of each context that has a feed.
    pub(crate) fn types(&self) -> &BTreeMap<&'static str, BTreeSet<String>> {
        &self.0.types
    }

    /// Begins a subscription.
    pub(crate) async fn open(&self, scope: &TenantScope, wanted: Wanted) -> Result<Subscription, Problem> {
        let seat = Seat::take(&self.0, scope.tenant())?;
        Subscription::open(Arc::clone(&self.0), seat, scope, wanted).await
    }

    /// Ends all subscriptions, each with its cursor, and lets no more begin.
    pub(crate) fn close(&self) {
        self.0.closing.send_replace(true);
    }
}

impl Hub {
    /// The one that looks for new batches of a tenant's context; a new one begins at batch `next`.
    fn tail(&self, scope: &TenantScope, context: &'static str, next: u64) -> Arc<Tail> {
        let mut tails = lock(&self.tails);
        let key = (scope.tenant().clone(), context);
        if let Some(tail) = tails.get(&key).and_then(Weak::upgrade) {
            return tail;
        }
        tails.retain(|_, tail| tail.strong_count() > 0);
        let tail = Tail::start(self, scope, context, next);
        tails.insert(key, Arc::downgrade(&tail));
        tail
    }
}

/// A subscriber's place among those of its tenant; given back when dropped.
struct Seat {
    hub: Arc<Hub>,
    tenant: TenantId,
}

impl Seat {
    fn take(hub: &Arc<Hub>, tenant: &TenantId) -> Result<Self, Problem> {
        if *hub.closing.borrow() {
            let detail = "the server is shutting down; subscribe again with the cursor";
            return Err(Problem::unavailable("closing", detail, COME_BACK));
        }
        let mut subscribers = lock(&hub.subscribers);
        if subscribers.values().sum::<usize>() >= hub.options.in_all {
            let detail = "the server has as many subscribers as it takes; try again";
            return Err(Problem::unavailable("overloaded", detail, COME_BACK));
        }
        let own = subscribers.entry(tenant.clone()).or_default();
        if *own >= hub.options.per_tenant {
            let detail = format!("the tenant has {own} subscribers, which is as many as it may have; end one");
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-subscribers", detail);
            return Err(problem.retry_after(COME_BACK));
        }
        *own += 1;
        let (hub, tenant) = (Arc::clone(hub), tenant.clone());
        Ok(Self {
            hub: Arc::clone(&hub),
            tenant,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut subscribers = lock(&self.hub.subscribers);
        if let Some(own) = subscribers.get_mut(&self.tenant) {
            *own -= 1;
            if *own == 0 {
                subscribers.remove(&self.tenant);
            }
        }
    }
}

/// What is behind these locks stays usable whatever a panicking thread left half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
