//! The audit log over the feeds of several tenants and contexts: each event one line, whatever is cut short, and no change that is not found.

mod tampering;
mod written;

use crate::{
    given::{Given, scope},
    notes::NOTES,
    serving::feed,
};
use async_trait::async_trait;
use bytes::Bytes;
use headwater_audit_log::{AuditKey, AuditLog, Line, Report, Sources, Wanted, audit_log_table, search, verify};
use headwater_kernel::{Region, TenantId, Timestamp};
use headwater_objects::{Error, Folder, ObjectStore, Put};
use headwater_runtime::{ManualClock, Runtime};
use headwater_tenancy::TenantDirectory;
use headwater_tests::{account::CONTEXT, stores::TestStores};
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tempfile::TempDir;

const BEGIN: &str = "2026-11-24T01:10:00Z";

/// A folder of objects beside the place of the copy, and a clock.
struct Audited {
    given: Arc<Given>,
    /// With the ledger.
    stores: TestStores,
    dir: TempDir,
    clock: ManualClock,
}

/// A store that fails once: at the call of this number, before its effect or after it.
struct Failing {
    folder: Folder,
    calls: Arc<AtomicU64>,
    fails_at: u64,
    after: bool,
}

impl Failing {
    fn fails(&self, after: bool) -> Result<(), Error> {
        let call = if after {
            self.calls.load(Ordering::SeqCst)
        } else {
            self.calls.fetch_add(1, Ordering::SeqCst) + 1
        };
        if call == self.fails_at && after == self.after {
            return Err(Error::unavailable("putting", "the process is cut short"));
        }
        Ok(())
    }
}

#[async_trait]
impl ObjectStore for Failing {
    async fn put_new(&self, name: &str, bytes: Bytes) -> Result<Put, Error> {
        self.fails(false)?;
        let put = self.folder.put_new(name, bytes).await?;
        self.fails(true).map(|()| put)
    }

    async fn put(&self, name: &str, bytes: Bytes) -> Result<(), Error> {
        self.fails(false)?;
        self.folder.put(name, bytes).await?;
        self.fails(true)
    }

    async fn get(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.folder.get(name).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.folder.list(prefix).await
    }

    async fn delete(&self, name: &str) -> Result<(), Error> {
        self.folder.delete(name).await
    }
}

fn key() -> AuditKey {
    AuditKey::new([9; 32])
}

impl Audited {
    async fn new() -> Self {
        Self::of(Arc::new(Given::new().await)).await
    }

    /// A ledger and a store of their own for the same log.
    async fn of(given: Arc<Given>) -> Self {
        let stores = TestStores::open(&given.runtime, 7).await;
        stores.databases.ensure_table(&audit_log_table()).await.unwrap();
        Self {
            given,
            stores,
            dir: tempfile::tempdir().unwrap(),
            clock: ManualClock::at(Timestamp::parse(BEGIN).unwrap()),
        }
    }

    fn at(&self, time: &str) {
        self.clock.set(Timestamp::parse(time).unwrap());
    }

    fn objects(&self) -> PathBuf {
        self.dir.path().join("audit")
    }

    fn outside(&self) -> PathBuf {
        self.dir.path().join("outside")
    }

    /// A worker that remembers nothing.
    fn worker(&self) -> AuditLog {
        self.worker_on(
            Arc::new(Folder::new(self.objects())),
            Arc::new(Folder::new(self.outside())),
        )
    }

    fn worker_on(&self, objects: Arc<dyn ObjectStore>, outside: Arc<dyn ObjectStore>) -> AuditLog {
        let runtime = Runtime::new(self.clock.clone());
        let tenant = |id: &str, region| (TenantId::new(id).unwrap(), region);
        let tenants = [
            tenant("acme", Region::Us),
            tenant("other", Region::Us),
            tenant("away", Region::Eu),
        ];
        let sources = Sources {
            log: self.given.log.clone(),
            tenants: TenantDirectory::fixed(tenants, runtime.clone()),
            operator: headwater_tests::sealing_key().operator(),
            contexts: vec![CONTEXT.to_owned(), NOTES.to_owned()],
            region: Region::Us,
            database: self.stores.databases.durable.clone(),
        };
        AuditLog::new(sources, objects, outside, key(), runtime)
    }

    /// Some events of three tenants, in their feeds.
    async fn happen(&self, times: i64) {
        for n in 0..times {
            for tenant in ["acme", "other", "away"] {
                self.given.deposit(&scope(tenant).await, "A1", n + 1).await;
            }
            self.given.write_note(&scope("acme").await, "N1").await;
        }
        feed(&self.given, &self.given.writer()).await;
        self.given.feed_notes().await;
    }

    async fn verified(&self) -> Report {
        verified(&self.objects(), &self.outside()).await
    }

    async fn lines(&self, wanted: &Wanted) -> Vec<Line> {
        let mut lines = Vec::new();
        let folder = Folder::new(self.objects());
        let found = search(&folder, "us", wanted, |line, _| {
            lines.push(line.clone());
            ControlFlow::Continue(())
        });
        found.await.unwrap();
        lines
    }
}

async fn verified(objects: &Path, outside: &Path) -> Report {
    let (objects, outside) = (Folder::new(objects), Folder::new(outside));
    verify(&objects, &outside, "us", key().public(), (None, None))
        .await
        .unwrap()
}
