use super::*;
use crate::{ApplyError, Consumer, PositionStore, mailbox::Room};
use async_trait::async_trait;
use headwater_dynamodb::Databases;
use headwater_event_log::{
    EventLog, Options, Position,
    consumer::{Checkpoint, Saved},
};
use headwater_kernel::Region;
use headwater_tenancy::{SealingKey, WorkerAuthority};
use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

/// A disk that is full for the first few times.
#[derive(Default)]
struct Full {
    left: AtomicU32,
    tries: AtomicU32,
    saved: Mutex<Vec<Checkpoint>>,
}

#[async_trait]
impl PositionStore for Full {
    async fn load(&self, _: &str) -> Result<BTreeMap<String, Checkpoint>, ApplyError> {
        Ok(BTreeMap::new())
    }

    async fn save(&self, _: &str, checkpoint: &Checkpoint, _: u64) -> Result<Saved, ApplyError> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        if self.left.load(Ordering::SeqCst) > 0 {
            self.left.fetch_sub(1, Ordering::SeqCst);
            return Err(ApplyError::Retry("the disk is full".into()));
        }
        self.saved.lock().unwrap().push(checkpoint.clone());
        Ok(Saved::Yes)
    }

    async fn forget(&self, _: &str, _: &str) -> Result<(), ApplyError> {
        Ok(())
    }
}

/// A consumer that follows nothing, at a shard's beginning, and what stops it.
async fn task(positions: &Arc<Full>, dir: &std::path::Path) -> (ConsumerTask, watch::Sender<bool>) {
    let runtime = Runtime::tokio();
    let databases = Databases::embedded(dir, runtime.clone()).unwrap();
    let checkpoints = headwater_dynamodb::tables::checkpoints_table();
    databases.rebuildable.ensure_table(&checkpoints).await.unwrap();
    let key = SealingKey::new([7; 32]);
    let authority = WorkerAuthority::new(&key.operator(), Region::Us);
    let log = EventLog::new(databases.durable, key, Options::default(), runtime.clone());
    let consumer = Consumer {
        projection: "none",
        generation: 1,
        followers: Vec::new(),
        eager: true,
        positions: Arc::clone(positions) as _,
        only: None,
        held: Arc::default(),
        fresh: Arc::default(),
    };
    let options = RunnerOptions {
        save_every: Duration::from_millis(20),
        ..RunnerOptions::default()
    };
    let start = Position {
        stream: "s".into(),
        shard: "a".into(),
        sequence: None,
    };
    let (stop, stopped) = watch::channel(false);
    let task = ConsumerTask {
        attachment: Arc::new(Attachment::new(consumer, "crm", Room::of(&options), start)),
        fence: 1,
        parking: Parking::new(databases.rebuildable),
        catch_up: CatchUp::new(log, authority, None),
        options,
        runtime,
        stop: stopped,
    };
    (task, stop)
}

#[tokio::test]
async fn a_shard_is_left_only_once_it_is_written_down_as_finished() {
    let dir = tempfile::tempdir().unwrap();
    let positions = Arc::new(Full::default());
    positions.left.store(3, Ordering::SeqCst);
    let (task, _stop) = task(&positions, dir.path()).await;
    task.attachment.mailbox().end();
    task.run().await;
    let saved = positions.saved.lock().unwrap().clone();
    assert_eq!(saved.len(), 1);
    assert!(saved[0].finished, "its child would read the whole log");
}

#[tokio::test]
async fn a_disk_that_stays_full_is_not_asked_several_times_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let positions = Arc::new(Full::default());
    positions.left.store(u32::MAX, Ordering::SeqCst);
    let (task, stop) = task(&positions, dir.path()).await;
    let (attachment, runtime) = (Arc::clone(&task.attachment), task.runtime.clone());
    let running = runtime.spawn(task.run());
    // The shard goes on, and wakes it again and again.
    for n in 0..100_u64 {
        let position = Position {
            stream: "s".into(),
            shard: "a".into(),
            sequence: Some(n.to_string()),
        };
        attachment.mailbox().end_batch(position);
        attachment.wake();
        runtime.sleep(Duration::from_millis(20)).await;
    }
    stop.send_replace(true);
    let _ = running.join().await;
    // 80, 160, 320, 640, 1,280 ms lie between them, and it is tried once more at the end.
    let tries = positions.tries.load(Ordering::SeqCst);
    assert!((2..=7).contains(&tries), "{tries}");
}
