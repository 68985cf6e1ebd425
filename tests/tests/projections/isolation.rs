//! What goes wrong in one place stays there: a context without a stream, a task that panics.

use super::{Bank, quick};
use async_trait::async_trait;
use headwater_event_log::consumer::{Checkpoint, Saved};
use headwater_projectors::{ApplyError, Consumer, PositionStore, Runner, Sources};
use headwater_tests::account::CONTEXT;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

fn start(bank: &Bank, contexts: &[&str], consumers: Vec<Consumer>) -> Runner {
    let sources = Sources {
        log: bank.keeping.log.clone(),
        views: bank.keeping.views.clone(),
        authority: bank.keeping.authority.clone(),
        contexts: contexts.iter().map(|context| (*context).to_owned()).collect(),
    };
    Runner::start(sources, consumers, quick(), &bank.keeping.runtime)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_context_whose_stream_cannot_be_described_stops_no_other() {
    let bank = Bank::new().await;
    let runner = start(&bank, &["aaa-ghost", CONTEXT, "zzz-ghost"], bank.keeping.consumers());
    bank.deposit(5, 2, 1).await;
    bank.keeping.settled(&bank.scope).await;
    assert!(!runner.is_covered());
    runner.shut_down().await;
}

/// Panics so many times, once it is armed.
struct Bug {
    inner: Arc<dyn PositionStore>,
    loads: Arc<AtomicU32>,
    saves: Arc<AtomicU32>,
}

fn panics(left: &AtomicU32) {
    let due = left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
    assert!(due.is_err(), "a bug");
}

#[async_trait]
impl PositionStore for Bug {
    async fn load(&self, context: &str) -> Result<BTreeMap<String, Checkpoint>, ApplyError> {
        panics(&self.loads);
        self.inner.load(context).await
    }

    async fn save(&self, context: &str, checkpoint: &Checkpoint, fence: u64) -> Result<Saved, ApplyError> {
        panics(&self.saves);
        self.inner.save(context, checkpoint, fence).await
    }

    async fn forget(&self, context: &str, shard: &str) -> Result<(), ApplyError> {
        self.inner.forget(context, shard).await
    }
}

async fn with_a_bug(loads: u32, saves: u32) {
    let bank = Bank::new().await;
    let (loads, saves) = (Arc::new(AtomicU32::new(loads)), Arc::new(AtomicU32::new(saves)));
    let mut consumers = bank.keeping.consumers();
    consumers[0].positions = Arc::new(Bug {
        inner: Arc::clone(&consumers[0].positions),
        loads: Arc::clone(&loads),
        saves: Arc::clone(&saves),
    });
    let runner = start(&bank, &[CONTEXT], consumers);
    bank.deposit(5, 2, 1).await;
    bank.keeping.settled(&bank.scope).await;
    bank.deposit(5, 2, 2).await;
    bank.keeping.settled(&bank.scope).await;
    let left = loads.load(Ordering::Acquire) + saves.load(Ordering::Acquire);
    assert_eq!(left, 0);
    runner.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_panics_is_started_again() {
    with_a_bug(2, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_panics_is_started_again() {
    with_a_bug(0, 2).await;
}
