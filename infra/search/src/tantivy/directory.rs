//! The files of an index: private to the user, and synced by checkpoint instead of one by one.
//!
//! tantivy syncs some twenty files for each small commit, which at 4 ms a sync is 80 ms. Here a commit syncs nothing: a killed process
//! loses nothing of it, as what it wrote is the kernel's. A power cut does, so every few seconds a checkpoint syncs the files of the last
//! commit and then puts that commit's `meta.json` aside as `checkpoint.json`; until the next one its files are not deleted. Whether there was
//! a power cut is told by the kernel's boot id: when it changed, the index goes back to its checkpoint, documents and position together.

use super::recovery;
use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tantivy::{
    Directory,
    directory::{
        AntiCallToken, DirectoryLock, FileHandle, Lock, MmapDirectory, TerminatingWrite, WatchCallback, WatchHandle,
        WritePtr,
        error::{DeleteError, LockError, OpenReadError, OpenWriteError},
    },
};

pub(super) const META: &str = "meta.json";
pub(super) const CHECKPOINT: &str = "checkpoint.json";

/// A folder of an index. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct IndexDirectory {
    root: Arc<Path>,
    files: MmapDirectory,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The files of the checkpoint, all synced.
    kept: HashSet<PathBuf>,
    /// Files that tantivy is done with and the checkpoint is not.
    postponed: HashSet<PathBuf>,
}

impl IndexDirectory {
    /// Opens or makes the folder; after a power cut it is as of the last checkpoint.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        recovery::make_private(root)?;
        recovery::recover(root)?;
        let files = MmapDirectory::open(root).map_err(io::Error::other)?;
        let state = State {
            kept: recovery::files_of(root, CHECKPOINT)?,
            postponed: HashSet::new(),
        };
        Ok(Self {
            root: root.into(),
            files,
            state: Arc::new(Mutex::new(state)),
        })
    }

    /// Makes the last commit outlive a power cut. Merges may go on meanwhile.
    pub(super) fn checkpoint(&self) -> io::Result<()> {
        let (meta, wanted, new) = {
            // A file is deleted under this lock and after a newer `meta.json` was written, so all files of the one read here are there.
            let mut state = self.state();
            let meta = fs::read(self.root.join(META))?;
            let wanted = recovery::files_in(&meta, &self.root)?;
            let new: Vec<PathBuf> = wanted.difference(&state.kept).cloned().collect();
            state.kept.extend(new.iter().cloned());
            (meta, wanted, new)
        };
        for file in &new {
            File::open(self.root.join(file))?.sync_data()?;
        }
        recovery::sync_folder(&self.root)?;
        recovery::replace(&self.root.join(CHECKPOINT), &meta, true)?;
        recovery::sync_folder(&self.root)?;
        let mut state = self.state();
        state.kept = wanted;
        let done: Vec<PathBuf> = state.postponed.difference(&state.kept).cloned().collect();
        for file in done {
            state.postponed.remove(&file);
            // One that stays is swept at the next start.
            let _ = fs::remove_file(self.root.join(&file));
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Directory for IndexDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.files.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        let mut state = self.state();
        if state.kept.contains(path) {
            state.postponed.insert(path.to_owned());
            return Ok(());
        }
        self.files.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.files.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => OpenWriteError::FileAlreadyExists(path.to_owned()),
            _ => OpenWriteError::wrap_io_error(error, path.to_owned()),
        };
        let file = private(OpenOptions::new().write(true).create_new(true))
            .open(self.root.join(path))
            .map_err(failed)?;
        Ok(BufWriter::new(Box::new(Unsynced(file))))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.files.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        recovery::replace(&self.root.join(path), data, false)
    }

    fn sync_directory(&self) -> io::Result<()> {
        // tantivy asks for it at each file; the checkpoint does it once.
        Ok(())
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        // Made here first, so that it is private.
        private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(self.root.join(&lock.filepath))
            .map_err(LockError::wrap_io_error)?;
        self.files.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.files.watch(callback)
    }
}

/// A file whose end is not a sync.
struct Unsynced(File);

impl Write for Unsynced {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl TerminatingWrite for Unsynced {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        self.0.flush()
    }
}

/// Mode 0600 where there are modes.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// What a commit's `meta.json` names, by segment: the commit's deletes, if any.
pub(super) type Segments = BTreeMap<String, Option<u64>>;
