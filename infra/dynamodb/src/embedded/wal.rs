//! The files: private, synced, and checkpointed so that at every moment what was acknowledged is on the disk.
//!
//! SQLite runs in WAL mode with `synchronous=NORMAL`: a commit writes to the write-ahead log and does not sync. The engine syncs the log
//! itself, once per group. A checkpoint syncs the log, copies it into the database file, syncs that, and only then empties the log (SQLite
//! does all four under NORMAL); it happens only here, so the log never wraps around and its length says how much there is.

use crate::Error;
use rusqlite::Connection;
use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A database file with its write-ahead log.
pub(super) struct Wal {
    path: PathBuf,
    log: File,
    /// Length of the log at the last sync.
    synced: u64,
}

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
    match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync_folder(parent),
        None => sync_folder(Path::new(".")),
    }
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

fn sync_folder(path: &Path) -> Result<(), Error> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(file_error(path))
}

impl Wal {
    /// Takes over the syncing of a connection that is in WAL mode and has written.
    pub(super) fn take_over(path: &Path, connection: &Connection) -> Result<Self, Error> {
        let sqlite = |error: rusqlite::Error| Error::Engine {
            path: path.to_owned(),
            message: error.to_string(),
        };
        // Exclusive locking keeps the log's index in memory, saves the lock calls of every transaction, and keeps out other readers, who
        // could make a checkpoint leave the log half emptied.
        let pragmas = "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY;
                       PRAGMA cache_size = -32768; PRAGMA locking_mode = EXCLUSIVE;";
        connection.execute_batch(pragmas).map_err(sqlite)?;
        checkpoint(connection).map_err(sqlite)?;
        let mut log_path = OsString::from(path);
        log_path.push("-wal");
        let log_path = PathBuf::from(log_path);
        let log = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&log_path)
            .map_err(file_error(&log_path))?;
        log.sync_all().map_err(file_error(&log_path))?;
        let folder = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        sync_folder(folder)?;
        Ok(Self {
            path: path.to_owned(),
            log,
            synced: 0,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Length of the log now.
    pub(super) fn length(&self) -> u64 {
        match self.log.metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) => self.give_up("reading the length of", &error),
        }
    }

    /// Whether the log holds something that no sync has covered.
    pub(super) fn is_dirty(&self) -> bool {
        self.length() != self.synced
    }

    /// Makes all of the log safe and returns its length. A sync that fails ends the process: after it, nobody knows what is on the disk,
    /// and a second sync would report success for pages the kernel has dropped.
    pub(super) fn sync(&mut self) -> u64 {
        let length = self.length();
        if let Err(error) = self.log.sync_data() {
            self.give_up("syncing", &error);
        }
        self.synced = length;
        length
    }

    /// Copies the log into the database file and empties it.
    pub(super) fn checkpoint(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        checkpoint(connection)?;
        // Zero, unless the checkpoint could not finish.
        self.synced = self.sync();
        Ok(())
    }

    fn give_up(&self, doing: &str, error: &io::Error) -> ! {
        tracing::error!(path = %self.path.display(), %error, "{doing} the write-ahead log failed; ending the process");
        // The log subscriber may be gone or buffered; this line must come out.
        let message = format!(
            "headwater: {doing} the write-ahead log of {} failed: {error}; ending the process\n",
            self.path.display()
        );
        let _ = io::stderr().write_all(message.as_bytes());
        std::process::abort()
    }
}

fn checkpoint(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Whether a file is empty or missing: then an engine may make its tables in it.
pub(super) fn is_new(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |metadata| metadata.len() == 0)
}
