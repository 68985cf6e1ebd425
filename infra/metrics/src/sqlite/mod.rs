//! The embedded adapter: one SQLite file for each generation, open in one process. A write is one transaction with its rollups, synced
//! before it is answered. Readers see whole writes and do not wait for them.

mod file;
mod read;
mod retention;
mod write;

pub use retention::Retention;

use crate::{Answer, Error, MetricStore, PointWrite, Query, SeriesInfo, Written, store::check_finite};
use async_trait::async_trait;
use file::{damaged, sorted};
use headwater_runtime::Runtime;
use headwater_tenancy::TenantScope;
use retention::Schedule;
use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Semaphore;
use write::Writer;

/// Reads at a time; more wait.
const READERS: usize = 8;

/// A metric store in a file.
#[derive(Clone)]
pub struct SqliteStore(Arc<Inner>);

struct Inner {
    file: PathBuf,
    runtime: Runtime,
    /// One writes, and those who wait hold no thread.
    writer: Arc<tokio::sync::Mutex<Writer>>,
    readers: Mutex<Vec<Connection>>,
    reading: Arc<Semaphore>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SqliteStore({})", self.0.file.display())
    }
}

impl SqliteStore {
    /// Opens a file, or makes it, with the usual retention.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a file that is damaged or of a later build; [`Error::Storage`].
    pub fn open(file: &Path, runtime: Runtime) -> Result<Self, Error> {
        Self::open_with(file, |_| Retention::default(), runtime)
    }

    /// The same with a retention for each series, by its name.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_with(
        file: &Path,
        retention: impl Fn(&str) -> Retention + Send + Sync + 'static,
        runtime: Runtime,
    ) -> Result<Self, Error> {
        let connection = file::open(file)?;
        let schedule = Schedule::new(runtime.now(), runtime.monotonic());
        let writer = Writer::new(connection, Box::new(retention), schedule);
        Ok(Self(Arc::new(Inner {
            file: file.to_owned(),
            runtime,
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
            readers: Mutex::default(),
            reading: Arc::new(Semaphore::new(READERS)),
        })))
    }

    /// Removes a file that nobody has open; one that is not there is removed.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn remove(file: &Path) -> Result<(), Error> {
        for suffix in ["", "-wal", "-shm"] {
            let mut path = file.as_os_str().to_owned();
            path.push(suffix);
            match std::fs::remove_file(Path::new(&path)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::Storage(error.into())),
                _ => {}
            }
        }
        Ok(())
    }

    /// Drops what is past its retention. Writes do it once an hour, while the clock goes on evenly; this does it by the clock as it is.
    ///
    /// # Errors
    /// As classified.
    pub async fn sweep(&self) -> Result<(), Error> {
        let now = self.0.runtime.now();
        self.writing(move |writer| retention::sweep(writer, now)).await
    }

    async fn writing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = Arc::clone(&self.0);
        let mut writer = Arc::clone(&inner.writer).lock_owned().await;
        let work = move || work(&mut writer).map_err(|error| sorted(&inner.file, error));
        blocking(work).await
    }

    async fn reading<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, read::Failed> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.0.reading).acquire_owned().await;
        let permit = permit.map_err(|error| Error::Unavailable(error.to_string()))?;
        let inner = Arc::clone(&self.0);
        let work = move || {
            let _permit = permit;
            let idle = locked(&inner.readers).pop();
            let mut connection = match idle {
                Some(connection) => connection,
                None => file::reader(&inner.file).map_err(|error| sorted(&inner.file, error))?,
            };
            let result = work(&mut connection);
            locked(&inner.readers).push(connection);
            result.map_err(|failed| match failed {
                read::Failed::Query(error) => error,
                read::Failed::Sqlite(error) => sorted(&inner.file, error),
            })
        };
        blocking(work).await
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` on a thread that may block. It goes on to its end, also when nobody waits any more.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Unavailable(error.to_string()))?
}

#[async_trait]
impl MetricStore for SqliteStore {
    async fn write(&self, writes: Vec<PointWrite>) -> Result<Written, Error> {
        check_finite(&writes)?;
        if writes.iter().all(|write| write.points.is_empty()) {
            return Ok(Written::default());
        }
        let (now, up) = (self.0.runtime.now(), self.0.runtime.monotonic());
        let (written, is_due) = self
            .writing(move |writer| Ok((writer.write(&writes, now)?, writer.schedule.is_due(now, up))))
            .await?;
        if is_due {
            // The points are kept, whatever becomes of this.
            if let Err(error) = self.sweep().await {
                tracing::warn!(error = %error, "metric points past their retention stay for now");
            }
        }
        Ok(written)
    }

    async fn query(&self, scope: &TenantScope, query: &Query) -> Result<Answer, Error> {
        let (tenant, query) = (scope.tenant().clone(), query.clone());
        self.reading(move |connection| read::query(connection, tenant.as_str(), &query))
            .await
    }

    async fn series(&self, scope: &TenantScope) -> Result<Vec<SeriesInfo>, Error> {
        let tenant = scope.tenant().clone();
        self.reading(move |connection| read::series(connection, tenant.as_str()))
            .await
    }

    fn keeps_positions(&self) -> bool {
        true
    }

    async fn commit(&self, positions: Value) -> Result<(), Error> {
        self.writing(move |writer| {
            let put = "INSERT OR REPLACE INTO positions (one, positions) VALUES (1, ?1)";
            writer.connection.execute(put, [positions.to_string()]).map(drop)
        })
        .await
    }

    async fn positions(&self) -> Result<Option<Value>, Error> {
        let stored: Option<String> = self
            .reading(|connection| {
                let get = connection.query_row("SELECT positions FROM positions", [], |row| row.get(0));
                Ok(get.optional()?)
            })
            .await?;
        let read = |stored: String| serde_json::from_str(&stored).map_err(|error| damaged(&self.0.file, error));
        stored.map(read).transpose()
    }
}
