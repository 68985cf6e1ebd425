//! Opening, listing and removing indexes of a folder.

use super::{
    TantivyIndex,
    directory::{IndexDirectory, private},
    pool::Pool,
    recovery,
    schema::Layout,
    snapshot::Snapshots,
    terms::unreadable,
    writer::{self, Pending, Undone, Writer},
};
use crate::{Error, IndexName};
use headwater_read_models::search::Mapping;
use headwater_runtime::Runtime;
use headwater_tenancy::SealingKey;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::Path,
    sync::{Arc, mpsc},
    thread,
};
use tantivy::{Index, IndexSettings, ReloadPolicy};

/// Requests that may wait for the writer.
const QUEUE: usize = 256;
/// Holds what the index was made for.
const LAYOUT: &str = "layout";

impl TantivyIndex {
    /// Opens the index of this name below `folder`, or makes it. One made for another mapping or by another analysis starts anew, as does one
    /// that cannot be read: it has no positions then, which tells the projector to fill it from the log.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while it is open elsewhere; [`Error::Storage`] when the folder cannot be used.
    pub fn open(
        folder: &Path,
        name: &IndexName,
        mapping: &'static Mapping,
        key: SealingKey,
        runtime: Runtime,
    ) -> Result<Self, Error> {
        let layout = Arc::new(Layout::new(mapping));
        let root = folder.join(name.to_string());
        recovery::make_private(folder).map_err(failed)?;
        let lock = lock(folder, name)?;
        if fs::read_to_string(root.join(LAYOUT)).ok().as_deref() != Some(&layout.fingerprint()) {
            make(&root, &layout)?;
        }
        let (directory, index) = match open(&root, &layout) {
            Err(Error::Corrupt(error)) => {
                tracing::error!(%error, index = %name, "the search index cannot be read and starts anew");
                make(&root, &layout)?;
                open(&root, &layout)?
            }
            opened => opened?,
        };
        let writer = writer::open(&index).map_err(writer::storage)?;
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(unreadable)?;
        let snapshots = Arc::new(Snapshots::new(reader));
        let (pending, undone) = (Pending::default(), Undone::default());
        let payload = index.load_metas().map_err(unreadable)?.payload;
        let writer = Writer {
            layout: layout.clone(),
            directory,
            source: index.clone(),
            index: Some(writer),
            snapshots: snapshots.clone(),
            pending: pending.clone(),
            positions: payload.and_then(|payload| serde_json::from_str(&payload).ok()),
            uncommitted: 0,
            answered: false,
            undone: undone.clone(),
            unseen: false,
        };
        let (requests, received) = mpsc::sync_channel(QUEUE);
        let clock = runtime.clone();
        let thread = thread::Builder::new()
            .name("search-writer".into())
            .spawn(move || writer.serve(&received, &clock))
            .map_err(failed)?;
        let pool = Pool::start()?;
        let (requests, thread) = (Some(requests), Some(thread));
        Ok(Self {
            layout,
            key,
            runtime,
            index,
            snapshots,
            pending,
            undone,
            pool,
            requests,
            writer: thread,
            _lock: lock,
        })
    }

    /// The names of the indexes below `folder`.
    ///
    /// # Errors
    /// [`Error::Storage`] when it cannot be read.
    pub fn list(folder: &Path) -> Result<Vec<IndexName>, Error> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?.file_name();
            names.extend(entry.to_str().and_then(|name| name.parse::<IndexName>().ok()));
        }
        names.sort_by_key(IndexName::to_string);
        Ok(names)
    }

    /// Removes an index that is not open. One that is not there is removed.
    ///
    /// # Errors
    /// [`Error::Storage`] when it cannot be removed.
    pub fn remove(folder: &Path, name: &IndexName) -> Result<(), Error> {
        remove(&folder.join(name.to_string()))
    }
}

fn open(root: &Path, layout: &Layout) -> Result<(IndexDirectory, Index), Error> {
    let directory = IndexDirectory::open(root).map_err(failed)?;
    let settings = IndexSettings {
        docstore_compress_dedicated_thread: false,
        ..IndexSettings::default()
    };
    let index = match Index::exists(&directory).map_err(unreadable)? {
        true => Index::open(directory.clone()).map_err(unreadable)?,
        false => Index::create(directory.clone(), layout.schema.clone(), settings).map_err(writer::storage)?,
    };
    Ok((directory, index))
}

/// Keeps other processes out, before anything of the folder is looked at. Freed when the file is closed, however the process ends.
fn lock(folder: &Path, name: &IndexName) -> Result<File, Error> {
    let path = folder.join(format!(".{name}.lock"));
    let file = private(OpenOptions::new().write(true).create(true).truncate(false))
        .open(path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Unavailable(format!("{name} is open already"))),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// An empty folder for this layout.
fn make(root: &Path, layout: &Layout) -> Result<(), Error> {
    remove(root)?;
    recovery::make_private(root).map_err(failed)?;
    recovery::replace(&root.join(LAYOUT), layout.fingerprint().as_bytes(), true).map_err(failed)
}

fn remove(root: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(root) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

fn failed(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Error::Corrupt(error.into()),
        _ => Error::Storage(error.into()),
    }
}
