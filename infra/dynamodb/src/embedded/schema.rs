//! The engine's tables inside the file, as this program knows them, and what it adds to them.
//!
//! Three things are added: an index without which every write reads the whole stream table, an index without which every page of a
//! segmented scan sorts its whole table, and a table that remembers how far each stream was trimmed.

use crate::Error;
use dynoxide::storage::Storage;
use rusqlite::{Connection, ErrorCode as Sqlite, OptionalExtension};
use std::path::Path;

/// The schema version of `dynoxide-rs` 3.2.0.
const KNOWN_VERSION: &str = "11";
/// The columns of its stream table.
const KNOWN_STREAM_COLUMNS: &str =
    "id,table_name,event_name,keys_json,new_image,old_image,sequence_number,shard_id,created_at,user_identity,event_id";

const ADDED: &str = "
    CREATE INDEX IF NOT EXISTS _headwater_stream_order
        ON _stream_records (table_name, CAST(sequence_number AS INTEGER), shard_id);
    CREATE TABLE IF NOT EXISTS _headwater_trimmed (table_name TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;";

/// Opens a file of a known engine, or a new one.
pub(super) fn open(path: &Path) -> Result<Storage, Error> {
    let name = path.to_str().ok_or_else(|| Error::Engine {
        path: path.to_owned(),
        message: "the path is not UTF-8".to_owned(),
    })?;
    if !super::wal::is_new(path) {
        // Before the engine does, who would bring an older file up to date unasked.
        let look = Connection::open(path).map_err(|error| not_opened(path, &error))?;
        verify(path, &look)?;
    }
    super::wal::make_private_file(path)?;
    let storage = Storage::new(name).map_err(|error| not_opened(path, &error))?;
    verify(path, storage.conn())?;
    storage
        .conn()
        .execute_batch(ADDED)
        .map_err(|error| not_opened(path, &error))?;
    storage.conn().set_prepared_statement_cache_capacity(256);
    Ok(storage)
}

/// Less than this and SQLite, whose smallest steps are its log's index of 32 KiB and some pages, is out of room.
const NO_ROOM: u64 = 1 << 20;

/// Why the engine did not open its file. On a full disk SQLite often says no more than that its input or output failed.
pub(super) fn not_opened(path: &Path, error: &impl std::fmt::Display) -> Error {
    let (path, message) = (path.to_owned(), error.to_string());
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let disk = rustix::fs::statvfs(folder.unwrap_or(Path::new(".")));
    let free = disk.map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    if message.contains("disk is full") || (message.contains("disk I/O error") && free < NO_ROOM) {
        Error::Full {
            path,
            free: free >> 10,
            message,
        }
    } else {
        Error::Engine { path, message }
    }
}

fn verify(path: &Path, connection: &Connection) -> Result<(), Error> {
    let version = connection.query_row("SELECT value FROM _config WHERE key = 'schema_version'", [], |row| {
        row.get::<_, String>(0)
    });
    let columns = connection.query_row(
        "SELECT group_concat(name) FROM pragma_table_info('_stream_records')",
        [],
        |row| row.get::<_, Option<String>>(0),
    );
    let unreadable = |error: &rusqlite::Error| {
        matches!(
            error.sqlite_error_code(),
            Some(Sqlite::DiskFull | Sqlite::SystemIoFailure)
        )
    };
    let found = match (version.optional(), columns) {
        (Ok(version), Ok(columns)) => format!("{} with {}", version.unwrap_or_default(), columns.unwrap_or_default()),
        // That says nothing about what is written there.
        (Err(error), _) | (_, Err(error)) if unreadable(&error) => return Err(not_opened(path, &error)),
        (Err(error), _) | (_, Err(error)) => format!("unreadable ({error})"),
    };
    let expected = format!("{KNOWN_VERSION} with {KNOWN_STREAM_COLUMNS}");
    if found == expected {
        Ok(())
    } else {
        Err(Error::UnknownEngine {
            path: path.to_owned(),
            found,
            expected,
        })
    }
}

/// Adds to each table with a stream, which are those that are ever scanned, the index that its segmented scans order by. Called after a
/// table was made.
pub(super) fn index_scans(connection: &Connection) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare_cached("SELECT table_name FROM _tables WHERE stream_enabled = 1")?;
    let tables = statement
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    for table in tables {
        let quoted = table.replace('"', "\"\"");
        connection.execute_batch(&format!(
            "CREATE INDEX IF NOT EXISTS \"_headwater_scan_{quoted}\" ON \"{quoted}\" (hash_prefix, pk, sk)"
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_no_unknown_engine() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let full = not_opened(&path, &"database or disk is full").to_string();
        assert!(
            full.contains(path.to_str().unwrap()) && full.contains("make room"),
            "{full}"
        );
        let other = not_opened(&path, &"file is not a database");
        assert!(matches!(other, Error::Engine { .. }), "{other}");
    }
}
