//! What was published: a file for each run, numbered without gaps, whose existence makes the rows of the run count.

use crate::Error;
use headwater_kernel::{Region, Timestamp};
use headwater_objects::ObjectStore;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// The folder of published runs; nothing else is in it, since engines read it as a table.
pub(crate) const RUNS: &str = "runs";

/// The layout that this build writes.
const LAYOUT: u32 = 1;

/// How far each feed was read: by tenant, by what is read from it (`events:crm`, `account-tree.1:crm`), the place of the next event in the
/// feed (batch, commit in it, event of that). What is not named was not read at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Places(pub BTreeMap<String, BTreeMap<String, (u64, u32, u32)>>);

/// A published run: one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this layout: 1.
    pub v: u32,
    /// The run's name, as its rows have it in `export_run`. Names sort by the order of runs.
    pub export_run: String,
    /// From 1, without gaps.
    pub number: u64,
    /// Where all data of the destination lives.
    pub region: Region,
    /// When it was published, by the publisher's clock.
    pub written_at: Timestamp,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// Its files.
    pub files: Vec<String>,
    /// How far the feeds are read with this run.
    pub places: Places,
}

pub(crate) fn path(number: u64) -> String {
    format!("{RUNS}/{number:020}.json")
}

impl Manifest {
    /// The last one that was published; `None` before the first.
    ///
    /// # Errors
    /// [`Error::Destination`], [`Error::UnreadableRun`].
    pub async fn last(store: &Arc<dyn ObjectStore>) -> Result<Option<Self>, Error> {
        let runs = store.list(RUNS).await?;
        let is_run = |path: &&String| path.ends_with(".json") && !path.contains("/.");
        let Some(path) = runs.iter().rfind(is_run) else {
            return Ok(None);
        };
        Self::at(store, path).await
    }

    pub(crate) async fn at(store: &Arc<dyn ObjectStore>, path: &str) -> Result<Option<Self>, Error> {
        let Some(bytes) = store.get(path).await? else {
            return Ok(None);
        };
        let unreadable = |why: String| Error::UnreadableRun {
            name: path.to_owned(),
            why,
        };
        let read: Self = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if read.v != LAYOUT {
            return Err(unreadable(format!("its layout is version {}", read.v)));
        }
        Ok(Some(read))
    }

    /// One that follows the last one.
    pub(crate) fn following(last: Option<&Self>, region: Region, random: [u8; 4]) -> Self {
        let number = last.map_or(1, |last| last.number + 1);
        Self {
            v: LAYOUT,
            export_run: format!("{number:020}-{:08x}", u32::from_be_bytes(random)),
            number,
            region,
            written_at: Timestamp::default(),
            rows: BTreeMap::new(),
            files: Vec::new(),
            places: last.map(|last| last.places.clone()).unwrap_or_default(),
        }
    }
}
