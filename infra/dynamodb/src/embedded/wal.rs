//! The files: private, synced, and checkpointed so that at every moment what was acknowledged is on the disk.
//!
//! SQLite runs in WAL mode with `synchronous=NORMAL`: a commit writes to the write-ahead log and does not sync. The engine syncs the log
//! itself, once per group. A checkpoint syncs the log, copies it into the database file, syncs that, and only then empties the log (SQLite
//! does all of it under NORMAL). It happens only here, between groups. The emptied log keeps its blocks and is written over, which makes its
//! syncs cheaper than those of a file that grows.

use crate::Error;
use rusqlite::Connection;
use std::{
    cell::Cell,
    ffi::{OsString, c_int},
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

thread_local! {
    /// The log of the engine that runs on this thread, as SQLite told of it at the last commit.
    static LOG: Cell<Log> = const { Cell::new(Log { frames: 0, dirty: false }) };
}

#[derive(Debug, Clone, Copy)]
struct Log {
    /// Frames of the log in use.
    frames: u64,
    /// Whether any of them is newer than the last sync.
    dirty: bool,
}

/// Called by SQLite after each commit, with the frames in use. It takes a plain function, hence the thread's own variable.
fn committed(_log: &rusqlite::hooks::Wal, frames: c_int) -> rusqlite::Result<()> {
    LOG.set(Log {
        frames: u64::try_from(frames).unwrap_or(0),
        dirty: true,
    });
    Ok(())
}

/// A database file with its write-ahead log.
pub(super) struct Wal {
    path: PathBuf,
    log: File,
    /// Bytes of a frame in the log: a page and its header.
    frame: u64,
}

/// Bytes before the first frame.
const LOG_HEADER: u64 = 32;
/// Bytes before each page in the log.
const FRAME_HEADER: u64 = 24;

fn file_error(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File {
        path: path.clone(),
        source,
    }
}

/// Makes `dir` for the owner only, if it is missing.
pub(super) fn make_private_folder(dir: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(file_error(dir))?;
    // Its own entry must survive too.
    sync_folder(folder_of(dir))
}

/// Makes an empty database file for the owner only, if it is missing; SQLite gives its log the same mode.
pub(super) fn make_private_file(path: &Path) -> Result<(), Error> {
    let made = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path);
    made.map(drop).map_err(file_error(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn sync_folder(path: &Path) -> Result<(), Error> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(file_error(path))
}

impl Wal {
    /// Takes over the syncing of a connection that is in WAL mode.
    pub(super) fn take_over(path: &Path, connection: &Connection) -> Result<Self, Error> {
        let sqlite = |error: rusqlite::Error| super::schema::not_opened(path, &error);
        // Exclusive locking keeps the log's index in memory, saves the lock calls of every transaction, and keeps out other readers, who
        // could hold up a checkpoint.
        let pragmas = "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY;
                       PRAGMA cache_size = -32768; PRAGMA locking_mode = EXCLUSIVE;";
        connection.execute_batch(pragmas).map_err(sqlite)?;
        connection.wal_hook(Some(committed));
        let page: u64 = connection
            .query_row("PRAGMA page_size", [], |row| row.get(0))
            .map_err(sqlite)?;
        let mut log_path = OsString::from(path);
        log_path.push("-wal");
        let log_path = PathBuf::from(log_path);
        let log = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&log_path)
            .map_err(file_error(&log_path))?;
        sync_folder(folder_of(path))?;
        Ok(Self {
            path: path.to_owned(),
            log,
            frame: page + FRAME_HEADER,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the log in use. The file may be longer: an emptied log is written again from the start.
    pub(super) fn length(&self) -> u64 {
        match LOG.get().frames {
            0 => 0,
            frames => LOG_HEADER + frames * self.frame,
        }
    }

    /// Whether the log holds something that no sync has covered.
    pub(super) fn is_dirty(&self) -> bool {
        LOG.get().dirty
    }

    /// Makes all of the log safe and returns its length. A sync that fails ends the process: after it, nobody knows what is on the disk,
    /// and a second sync would report success for pages the kernel has dropped.
    pub(super) fn sync(&mut self) -> u64 {
        if let Err(error) = self.log.sync_data() {
            self.give_up(&error);
        }
        LOG.set(Log {
            dirty: false,
            ..LOG.get()
        });
        self.length()
    }

    /// Copies the log into the database file, synced, and lets the next commit start it over.
    pub(super) fn checkpoint(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| row.get(0))?;
        if busy == 0 {
            LOG.set(Log {
                frames: 0,
                dirty: false,
            });
        }
        Ok(())
    }

    fn give_up(&self, error: &io::Error) -> ! {
        tracing::error!(path = %self.path.display(), %error, "syncing the write-ahead log failed; ending the process");
        // The log subscriber may be gone or buffered; this line must come out.
        let path = self.path.display();
        let message = format!("headwater: syncing the write-ahead log of {path} failed: {error}; ending the process\n");
        let _ = io::stderr().write_all(message.as_bytes());
        std::process::abort()
    }
}

/// Whether a file is empty or missing: then an engine may make its tables in it.
pub(super) fn is_new(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |metadata| metadata.len() == 0)
}
