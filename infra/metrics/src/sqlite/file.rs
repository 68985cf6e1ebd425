//! The file: its tables, how it is opened, and what its errors mean.

use crate::Error;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::{path::Path, time::Duration};

/// The version of the tables below.
const VERSION: i64 = 1;

/// A line is one series with one set of dimensions of one tenant. Times are nanoseconds. A sum is null where it is no number, not even one
/// without end. `drops.level` is what a day of a series no longer has: 1 its points, 2 its minutes too.
const TABLES: &str = "
    CREATE TABLE lines (
        line INTEGER PRIMARY KEY, tenant TEXT NOT NULL, series TEXT NOT NULL, dimensions TEXT NOT NULL,
        UNIQUE (tenant, series, dimensions)
    ) STRICT;
    CREATE INDEX lines_of_series ON lines (series);
    CREATE TABLE points (
        line INTEGER NOT NULL, time INTEGER NOT NULL, writer INTEGER NOT NULL, version INTEGER NOT NULL, value REAL NOT NULL,
        PRIMARY KEY (line, time, writer)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE minutes (
        line INTEGER NOT NULL, time INTEGER NOT NULL, count INTEGER NOT NULL, sum REAL, min REAL NOT NULL, max REAL NOT NULL,
        PRIMARY KEY (line, time)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE hours (
        line INTEGER NOT NULL, time INTEGER NOT NULL, count INTEGER NOT NULL, sum REAL, min REAL NOT NULL, max REAL NOT NULL,
        PRIMARY KEY (line, time)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE days (
        line INTEGER NOT NULL, time INTEGER NOT NULL, count INTEGER NOT NULL, sum REAL, min REAL NOT NULL, max REAL NOT NULL,
        PRIMARY KEY (line, time)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE drops (
        series TEXT NOT NULL, day INTEGER NOT NULL, written_at INTEGER NOT NULL, level INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (series, day)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE positions (one INTEGER PRIMARY KEY CHECK (one = 1), positions TEXT NOT NULL) STRICT;
";

/// Opens a file for writing, or makes it.
pub(super) fn open(file: &Path) -> Result<Connection, Error> {
    let sort = |error| sorted(file, error);
    let mut connection = Connection::open(file).map_err(sort)?;
    settle(&connection).map_err(sort)?;
    connection
        .pragma_update(None, "journal_mode", "wal")
        .and_then(|()| connection.pragma_update(None, "synchronous", "full"))
        .map_err(sort)?;
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(sort)?;
    match version {
        VERSION => {}
        0 => {
            let make = |connection: &mut Connection| {
                let transaction = connection.transaction()?;
                transaction.execute_batch(TABLES)?;
                transaction.pragma_update(None, "user_version", VERSION)?;
                transaction.commit()
            };
            make(&mut connection).map_err(sort)?;
        }
        newer => {
            return Err(damaged(
                file,
                format!("it has version {newer} of its tables, and this build knows {VERSION}"),
            ));
        }
    }
    Ok(connection)
}

/// Opens a file that is there, for reading.
pub(super) fn reader(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    settle(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    // Kibibytes.
    connection.pragma_update(None, "cache_size", -8_192)
}

/// A file that cannot be read.
pub(super) fn damaged(file: &Path, what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Corrupt(format!("{}: {}", file.display(), what.into()).into())
}

/// What an error of SQLite means.
pub(super) fn sorted(file: &Path, error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => damaged(file, error),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OperationInterrupted) => {
            Error::Unavailable(error.to_string())
        }
        Some(_) => Error::Storage(format!("{}: {error}", file.display()).into()),
        // What was asked or read does not fit its type.
        None => damaged(file, error),
    }
}
