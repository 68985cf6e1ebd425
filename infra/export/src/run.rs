//! One export, from its first row to its publication.
//!
//! 1. `attempts/<run>` is put. From now on a sweep knows that there may be files.
//! 2. Rows are collected by table and partition and put as files.
//! 3. `runs/<number>.json` is put if no other has that number: now the rows count, all at once.
//! 4. `attempts/<run>` is deleted. Then files of attempts that can never be published any more are swept: those whose number is taken.

use crate::{
    Cell, Error, Manifest, Places, Table,
    parquet_file::{self, Row},
    runs,
};
use headwater_kernel::{Region, TenantId, Timestamp};
use headwater_objects::{ObjectStore, Put};
use headwater_runtime::Runtime;
use std::{collections::BTreeMap, sync::Arc};

/// The folder of attempts.
const ATTEMPTS: &str = "attempts";

/// What rows may take in memory before they are put as files: a row group, zstd, is a fraction of it.
const BUFFERED: usize = 64 << 20;

/// Rows of one file and one row group, at most.
const ROWS: usize = 131_072;

/// Names a file but for its number: table folder, tenant, day.
type Partition = (String, TenantId, String);

/// An export under way. Dropped, it never was.
pub struct Run {
    store: Arc<dyn ObjectStore>,
    manifest: Manifest,
    runtime: Runtime,
    /// Whether the attempt is noted.
    begun: bool,
    buffered: BTreeMap<Partition, (Table, Vec<Row>)>,
    bytes: usize,
}

/// What a run has published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Its name; `None` when there was nothing new, so that nothing was published.
    pub run: Option<String>,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// How many files.
    pub files: usize,
}

/// The day of a time, in UTC: `2026-11-24`.
fn day(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

impl Run {
    /// Begins one after the last that was published. Nothing is written yet.
    ///
    /// # Errors
    /// [`Error::OtherRegion`] when the destination has data of another one, [`Error::Destination`], [`Error::UnreadableRun`].
    pub async fn begin(store: Arc<dyn ObjectStore>, region: Region, runtime: Runtime) -> Result<Self, Error> {
        let last = Manifest::last(&store).await?;
        if let Some(there) = last.as_ref().map(|last| last.region).filter(|there| *there != region) {
            return Err(Error::OtherRegion {
                there: there.to_string(),
                here: region.to_string(),
            });
        }
        let manifest = Manifest::following(last.as_ref(), region, runtime.random());
        Ok(Self {
            store,
            manifest,
            runtime,
            begun: false,
            buffered: BTreeMap::new(),
            bytes: 0,
        })
    }

    /// Its name, for the column `export_run`.
    pub fn name(&self) -> &str {
        &self.manifest.export_run
    }

    /// How far feeds are read with it: as in the last run, until they are moved.
    pub fn places(&mut self) -> &mut Places {
        &mut self.manifest.places
    }

    /// Takes a row of a tenant, for the partition of the day of `at`; without, of today.
    ///
    /// # Errors
    /// [`Error::Destination`].
    pub async fn add(
        &mut self,
        table: &Table,
        tenant: &TenantId,
        at: Option<Timestamp>,
        row: Vec<Option<Cell>>,
    ) -> Result<(), Error> {
        let weight = row
            .iter()
            .map(|cell| cell.as_ref().map_or(8, Cell::weight))
            .sum::<usize>();
        let partition = (
            table.folder(),
            tenant.clone(),
            day(at.unwrap_or_else(|| self.runtime.now())),
        );
        let (_, rows) = self
            .buffered
            .entry(partition.clone())
            .or_insert_with(|| (table.clone(), Vec::new()));
        rows.push(row);
        self.bytes += weight;
        if self.bytes >= BUFFERED || rows.len() >= ROWS {
            self.flush().await?;
        }
        Ok(())
    }

    /// Puts what was collected.
    async fn flush(&mut self) -> Result<(), Error> {
        self.bytes = 0;
        for ((folder, tenant, day), (table, rows)) in std::mem::take(&mut self.buffered) {
            if !self.begun {
                let note = format!("{ATTEMPTS}/{}", self.manifest.export_run);
                self.store.put(&note, Vec::new().into()).await?;
                self.begun = true;
            }
            let number = self.manifest.files.len() + 1;
            let path = format!(
                "{folder}/tenant={tenant}/dt={day}/{}-{number:06}.parquet",
                self.manifest.export_run
            );
            let file = parquet_file::write(&table, &rows)?;
            self.store.put(&path, file.into()).await?;
            *self.manifest.rows.entry(table.name).or_default() += rows.len() as u64;
            self.manifest.files.push(path);
        }
        Ok(())
    }

    /// Publishes it: from now on its rows count, or, without any, nothing happens and its places are forgotten. Then what others have left
    /// is swept.
    ///
    /// # Errors
    /// [`Error::Raced`] when another was published meanwhile, [`Error::Destination`].
    pub async fn publish(mut self) -> Result<Written, Error> {
        self.flush().await?;
        if self.manifest.files.is_empty() {
            return Ok(Written::default());
        }
        self.manifest.written_at = self.runtime.now();
        let mut line = serde_json::to_vec(&self.manifest).map_err(|error| Error::UnreadableRun {
            name: self.manifest.export_run.clone(),
            why: error.to_string(),
        })?;
        line.push(b'\n');
        let published = self
            .store
            .put_new(&runs::path(self.manifest.number), line.into())
            .await?;
        let note = format!("{ATTEMPTS}/{}", self.manifest.export_run);
        if published == Put::Taken {
            // The winner's sweep may have come before the last of them.
            for path in &self.manifest.files {
                self.store.delete(path).await?;
            }
            self.store.delete(&note).await?;
            return Err(Error::Raced);
        }
        self.store.delete(&note).await?;
        sweep(&self.store, self.manifest.number).await?;
        Ok(Written {
            files: self.manifest.files.len(),
            rows: self.manifest.rows,
            run: Some(self.manifest.export_run),
        })
    }
}

/// Deletes the files of attempts whose number is published: by another run, else only their note was left.
async fn sweep(store: &Arc<dyn ObjectStore>, published: u64) -> Result<(), Error> {
    let mut dead = Vec::new();
    for note in store.list(ATTEMPTS).await? {
        let Some(run) = note.strip_prefix(ATTEMPTS).and_then(|run| run.strip_prefix('/')) else {
            continue;
        };
        let number = run.split('-').next().and_then(|number| number.parse::<u64>().ok());
        let Some(number) = number.filter(|number| *number <= published) else {
            continue;
        };
        let of_number = Manifest::at(store, &runs::path(number)).await?;
        let counts = of_number.is_some_and(|manifest| manifest.export_run == run);
        dead.push((note.clone(), (!counts).then(|| run.to_owned())));
    }
    if dead.iter().any(|(_, run)| run.is_some()) {
        for folder in ["events/", "views/"] {
            for path in store.list(folder).await? {
                let name = path.rsplit('/').next().unwrap_or_default();
                if dead
                    .iter()
                    .flat_map(|(_, run)| run)
                    .any(|run| name.starts_with(run.as_str()))
                {
                    store.delete(&path).await?;
                }
            }
        }
    }
    for (note, _) in dead {
        store.delete(&note).await?;
    }
    Ok(())
}
