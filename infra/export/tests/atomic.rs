//! A run that ends anywhere before it is published leaves nothing that counts, and the next one sweeps it.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use async_trait::async_trait;
use bytes::Bytes;
use headwater_export::{Catalogue, Manifest, Run, Table, row_cells};
use headwater_kernel::{Region, TenantId};
use headwater_objects::{Error, Folder, ObjectStore, Put};
use headwater_read_models::{RowKind, leads::LeadRow};
use headwater_runtime::Runtime;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Fails for good from the n-th change on, before or after it took effect: what a kill leaves.
struct Killed {
    folder: Folder,
    left: AtomicUsize,
    effect: bool,
}

impl Killed {
    async fn step<T>(&self, change: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let dead = || Error::unavailable("killed", "killed");
        match self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
        {
            Err(_) => Err(dead()),
            Ok(1) => {
                if self.effect {
                    change.await?;
                }
                Err(dead())
            }
            Ok(_) => change.await,
        }
    }
}

#[async_trait]
impl ObjectStore for Killed {
    async fn put(&self, path: &str, bytes: Bytes) -> Result<(), Error> {
        self.step(self.folder.put(path, bytes)).await
    }
    async fn put_new(&self, path: &str, bytes: Bytes) -> Result<Put, Error> {
        self.step(self.folder.put_new(path, bytes)).await
    }
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Error> {
        self.folder.get(path).await
    }
    async fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        self.folder.list(folder).await
    }
    async fn delete(&self, path: &str) -> Result<(), Error> {
        self.step(self.folder.delete(path)).await
    }
}

fn leads() -> Table {
    let mut catalogue = Catalogue::default();
    catalogue.add_rows(&RowKind::of::<LeadRow>());
    catalogue.of_rows("crm", "LEAD").unwrap().clone()
}

async fn begin(store: &Arc<dyn ObjectStore>) -> Run {
    Run::begin(Arc::clone(store), Region::Us, Runtime::tokio())
        .await
        .unwrap()
}

/// Adds a lead of each of two tenants.
async fn fill(run: &mut Run, version: u64) {
    let table = leads();
    let lead = json!({ "id": "L1", "status": "new", "captured_at": "2026-11-24T00:00:00Z", "name": { "$pd": { "v": 0, "value": "Ada" } } });
    for tenant in ["acme", "globex"] {
        let row = row_cells(&table, run.name(), "leads/L1", version, lead.as_object()).unwrap();
        run.add(&table, &TenantId::new(tenant).unwrap(), None, row)
            .await
            .unwrap();
        let of_tenant = run.places().0.entry(tenant.to_owned()).or_default();
        of_tenant.insert("leads.1:crm".to_owned(), (version, 0, 0));
    }
}

/// The files that count, after checking that every one of them is there.
async fn counting(store: &Arc<dyn ObjectStore>) -> Vec<String> {
    let mut files = Vec::new();
    for run in store.list("runs").await.unwrap() {
        let manifest: Manifest = serde_json::from_slice(&store.get(&run).await.unwrap().unwrap()).unwrap();
        for file in manifest.files {
            assert!(
                store.get(&file).await.unwrap().is_some(),
                "{file} was published and is not there"
            );
            assert!(file.contains(&manifest.export_run), "{file}");
            files.push(file);
        }
    }
    files
}

#[tokio::test]
async fn a_run_that_is_killed_at_any_step_never_counts_in_part_and_is_swept() {
    for effect in [false, true] {
        for steps in 1.. {
            let folder = tempfile::tempdir().unwrap();
            let store: Arc<dyn ObjectStore> = Arc::new(Folder::new(folder.path()));
            let mut first = begin(&store).await;
            fill(&mut first, 1).await;
            first.publish().await.unwrap();

            let killed: Arc<dyn ObjectStore> = Arc::new(Killed {
                folder: Folder::new(folder.path()),
                left: AtomicUsize::new(steps),
                effect,
            });
            let mut second = begin(&killed).await;
            fill(&mut second, 2).await;
            let done = second.publish().await.is_ok();
            let counted = counting(&store).await.len();
            assert!(counted == 2 || counted == 4, "killed at {steps}: {counted} files count");
            assert!(!done || counted == 4);

            let mut third = begin(&store).await;
            let from = third.places().0["acme"]["leads.1:crm"].0;
            assert_eq!(
                from as usize,
                counted / 2,
                "the next run goes on where the last that counts has ended"
            );
            fill(&mut third, 3).await;
            third.publish().await.unwrap();
            let counts = counting(&store).await;
            assert_eq!(
                store.list("views").await.unwrap().len(),
                counts.len(),
                "killed at {steps}: leftovers"
            );
            assert_eq!(store.list("attempts").await.unwrap(), [""; 0], "killed at {steps}");
            if done {
                break;
            }
        }
    }
}

#[tokio::test]
async fn of_two_runs_at_once_one_counts_and_nothing_of_the_other_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(Folder::new(folder.path()));
    let (mut one, mut other) = (begin(&store).await, begin(&store).await);
    fill(&mut one, 1).await;
    fill(&mut other, 1).await;
    let written = one.publish().await.unwrap();
    assert_eq!((written.files, written.rows["crm_lead"]), (2, 2));
    assert!(matches!(other.publish().await, Err(headwater_export::Error::Raced)));
    assert_eq!(store.list("views").await.unwrap(), counting(&store).await);
    let nothing = begin(&store).await.publish().await.unwrap();
    assert_eq!(nothing.run, None);
    assert_eq!(
        store.list("runs").await.unwrap().len(),
        1,
        "a run without rows publishes nothing"
    );
}

#[tokio::test]
async fn a_destination_holds_one_region() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(Folder::new(folder.path()));
    let mut run = begin(&store).await;
    fill(&mut run, 1).await;
    run.publish().await.unwrap();
    let Err(refused) = Run::begin(store, Region::Eu, Runtime::tokio()).await else {
        panic!("it took data of another region")
    };
    assert!(
        matches!(refused, headwater_export::Error::OtherRegion { .. }),
        "{refused}"
    );
}

#[test]
fn no_column_is_for_personal_data() {
    let columns: Vec<String> = leads().columns.into_iter().map(|column| column.name).collect();
    for personal in ["name", "email", "phone"] {
        assert!(!columns.iter().any(|column| column == personal), "{columns:?}");
    }
    assert!(columns.iter().any(|column| column == "company"), "{columns:?}");
}
