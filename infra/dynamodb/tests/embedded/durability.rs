//! What is acknowledged survives a power cut: a copy of the files, cut to what was synced when the answer came, has it.

use crate::{item, put_new, text, transact_new};
use headwater_dynamodb::{Class, Databases, EngineOptions, Synced, classify, tables};
use headwater_runtime::Runtime;
use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

/// The syncs of `log.db` so far, as lengths of its write-ahead log.
#[derive(Clone, Default)]
struct Syncs(Arc<Mutex<Vec<u64>>>);

impl Syncs {
    fn options(&self, checkpoint: u64) -> EngineOptions {
        let syncs = self.0.clone();
        let note = move |synced: &Synced| {
            if synced.path.ends_with("log.db") {
                syncs.lock().unwrap().push(synced.wal_bytes);
            }
        };
        EngineOptions {
            checkpoint,
            on_sync: Some(Arc::new(note)),
            housekeeping: Duration::from_secs(3_600),
            ..EngineOptions::default()
        }
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn last(&self) -> u64 {
        *self.0.lock().unwrap().last().unwrap()
    }
}

/// Copies `log.db` and the first bytes of its log: what a power cut leaves of them.
fn cut(from: &Path, to: &Path, wal_bytes: u64) {
    std::fs::copy(from.join("log.db"), to.join("log.db")).unwrap();
    let wal = std::fs::read(from.join("log.db-wal")).unwrap();
    std::fs::write(to.join("log.db-wal"), &wal[..usize::try_from(wal_bytes).unwrap()]).unwrap();
}

async fn has(databases: &Databases, partition: &str, sort: u64) -> bool {
    let get = databases
        .durable
        .client()
        .get_item()
        .table_name("crm-events")
        .consistent_read(true);
    get.key("PK", text(partition))
        .key("SK", text(format!("{sort:010}")))
        .send()
        .await
        .unwrap()
        .item
        .is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_write_is_below_the_last_sync() {
    let (dir, syncs) = (tempfile::tempdir().unwrap(), Syncs::default());
    let runtime = Runtime::tokio();
    let databases = Databases::embedded_with_options(dir.path(), runtime.clone(), &syncs.options(u64::MAX)).unwrap();
    databases.ensure_table(&tables::event_table("crm")).await.unwrap();
    // Each writer notes what was synced at the moment its answer came.
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let writers: Vec<_> = (0..16_u64)
        .map(|writer| {
            let (databases, acknowledged, syncs) = (databases.clone(), acknowledged.clone(), syncs.clone());
            runtime.spawn(async move {
                let partition = format!("TENANT#demo#{writer}");
                for sort in 0..20 {
                    if sort % 3 == 0 {
                        let call = databases.durable.client().transact_write_items();
                        let call = call.transact_items(transact_new("crm-events", item(&partition, sort, 700)));
                        call.transact_items(transact_new("crm-events", item(&partition, 1_000 + sort, 700)))
                            .send()
                            .await
                            .unwrap();
                    } else {
                        put_new(&databases.durable, "crm-events", item(&partition, sort, 700))
                            .send()
                            .await
                            .unwrap();
                    }
                    let safe = syncs.last();
                    acknowledged.lock().unwrap().push((partition.clone(), sort, safe));
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().await.unwrap();
    }
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert_eq!(acknowledged.len(), 320);
    assert!(syncs.count() < 320, "writes share syncs");

    let mut moments: Vec<u64> = syncs.0.lock().unwrap().clone();
    moments.dedup();
    let step = (moments.len() / 8).max(1);
    for moment in moments.into_iter().step_by(step) {
        let copy = tempfile::tempdir().unwrap();
        cut(dir.path(), copy.path(), moment);
        let reopened = Databases::embedded(copy.path(), runtime.clone()).unwrap();
        for (partition, sort, safe) in &acknowledged {
            if *safe <= moment {
                assert!(
                    has(&reopened, partition, *sort).await,
                    "{partition} {sort} was lost at {moment}"
                );
                if sort % 3 == 0 {
                    assert!(has(&reopened, partition, 1_000 + sort).await, "half a transaction");
                }
            }
        }
        reopened.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_lose_nothing_either() {
    let (dir, syncs) = (tempfile::tempdir().unwrap(), Syncs::default());
    let runtime = Runtime::tokio();
    let databases = Databases::embedded_with_options(dir.path(), runtime.clone(), &syncs.options(256 << 10)).unwrap();
    databases.ensure_table(&tables::event_table("crm")).await.unwrap();
    for sort in 0..150 {
        put_new(&databases.durable, "crm-events", item("TENANT#demo", sort, 4_000))
            .send()
            .await
            .unwrap();
        if sort % 30 == 29 {
            // A call that writes nothing, so that a checkpoint begun after the last answer is over.
            databases.durable.client().list_tables().send().await.unwrap();
            let copy = tempfile::tempdir().unwrap();
            cut(dir.path(), copy.path(), syncs.last());
            let reopened = Databases::embedded(copy.path(), runtime.clone()).unwrap();
            for earlier in 0..=sort {
                assert!(
                    has(&reopened, "TENANT#demo", earlier).await,
                    "{earlier} was lost after {sort}"
                );
            }
            reopened.shutdown().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_and_failed_conditions_do_not_sync() {
    let (dir, syncs) = (tempfile::tempdir().unwrap(), Syncs::default());
    let databases = Databases::embedded_with_options(dir.path(), Runtime::tokio(), &syncs.options(u64::MAX)).unwrap();
    databases.ensure_table(&tables::event_table("crm")).await.unwrap();
    put_new(&databases.durable, "crm-events", item("TENANT#demo", 1, 10))
        .send()
        .await
        .unwrap();
    let before = syncs.count();
    for _ in 0..20 {
        assert!(has(&databases, "TENANT#demo", 1).await);
        put_new(&databases.durable, "crm-events", item("TENANT#demo", 1, 10))
            .send()
            .await
            .unwrap_err();
    }
    assert_eq!(syncs.count(), before);
    put_new(&databases.durable, "crm-events", item("TENANT#demo", 2, 10))
        .send()
        .await
        .unwrap();
    assert_eq!(syncs.count(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_rebuilt_is_synced_soon_after() {
    let dir = tempfile::tempdir().unwrap();
    let syncs = Arc::new(Mutex::new(0));
    let count = syncs.clone();
    let note = move |synced: &Synced| *count.lock().unwrap() += u64::from(synced.path.ends_with("views.db"));
    let options = EngineOptions {
        lazy_sync: Duration::from_millis(50),
        on_sync: Some(Arc::new(note)),
        ..EngineOptions::default()
    };
    let runtime = Runtime::tokio();
    let databases = Databases::embedded_with_options(dir.path(), runtime.clone(), &options).unwrap();
    databases.ensure_table(&tables::checkpoints_table()).await.unwrap();
    for sort in 0..50 {
        put_new(&databases.rebuildable, "checkpoints", item("TENANT#demo", sort, 10))
            .send()
            .await
            .unwrap();
    }
    runtime.sleep(Duration::from_millis(200)).await;
    let after_rest = *syncs.lock().unwrap();
    assert!((1..40).contains(&after_rest), "{after_rest}");
    runtime.sleep(Duration::from_millis(200)).await;
    assert_eq!(*syncs.lock().unwrap(), after_rest, "nothing new, nothing synced");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_writers_of_one_key_exactly_one_wins_and_losers_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = Runtime::tokio();
    let databases = Databases::embedded(dir.path(), runtime.clone()).unwrap();
    databases.ensure_table(&tables::event_table("crm")).await.unwrap();
    let won = Arc::new(Mutex::new(Vec::new()));
    let writers: Vec<_> = (0..32_u64)
        .map(|writer| {
            let (databases, won) = (databases.clone(), won.clone());
            runtime.spawn(async move {
                for key in 0..20 {
                    // The own item comes first in the transaction, so that losing has something to undo.
                    let own = transact_new("crm-events", item(&format!("TENANT#demo#{writer}"), key, 100));
                    let shared = transact_new("crm-events", item("TENANT#demo", key, 100));
                    let call = databases
                        .durable
                        .client()
                        .transact_write_items()
                        .transact_items(own)
                        .transact_items(shared);
                    match call.send().await {
                        Ok(_) => won.lock().unwrap().push((writer, key)),
                        Err(error) => assert_eq!(classify(&error), Class::Conflict),
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().await.unwrap();
    }
    let mut won = won.lock().unwrap().clone();
    won.sort_by_key(|(_, key)| *key);
    assert_eq!(
        won.iter().map(|(_, key)| *key).collect::<Vec<_>>(),
        (0..20).collect::<Vec<_>>()
    );
    for writer in 0..32 {
        for key in 0..20 {
            assert_eq!(
                has(&databases, &format!("TENANT#demo#{writer}"), key).await,
                won.contains(&(writer, key))
            );
        }
    }
    let records = crate::streams::read(
        &databases.durable,
        crate::streams::horizon(&databases.durable, "crm-events").await,
    )
    .await;
    assert_eq!(records.len(), 40);
}
