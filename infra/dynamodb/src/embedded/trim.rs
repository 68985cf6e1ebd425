//! Removes stream records past their age, a little at a time, and remembers how far, so that a reader who comes back too late is told.

use rusqlite::{Connection, OptionalExtension, params};

/// Records looked at per step: a few milliseconds of work.
const STEP: i64 = 2_000;

/// Removes the oldest records made before `cutoff` (epoch seconds), except the last of each table: the engine numbers new records from it.
/// Returns whether there may be more.
pub(super) fn step(connection: &Connection, cutoff: i64) -> Result<bool, rusqlite::Error> {
    let oldest: Option<i64> = connection
        .prepare_cached("SELECT created_at FROM _stream_records ORDER BY id LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    // Nothing else is read in the usual case. A last record that is kept may stand first for ever, so its successors are looked at too.
    if oldest.is_none_or(|created| created >= cutoff) {
        return Ok(false);
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    match remove(connection, cutoff) {
        Ok(more) => connection.execute_batch("COMMIT").map(|()| more),
        Err(error) => {
            connection.execute_batch("ROLLBACK")?;
            Err(error)
        }
    }
}

fn remove(connection: &Connection, cutoff: i64) -> Result<bool, rusqlite::Error> {
    let mut tables = connection.prepare_cached("SELECT table_name FROM _tables WHERE stream_enabled = 1")?;
    let tables = tables
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut more = false;
    for table in tables {
        // The table's records in order of their number, through the added index.
        let last: Option<i64> = connection
            .prepare_cached("SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1")?
            .query_row(params![table], |row| row.get(0))?;
        let Some(last) = last else { continue };
        let upto: Option<i64> = connection
            .prepare_cached(
                "SELECT MAX(number) FROM (
                    SELECT CAST(sequence_number AS INTEGER) AS number, created_at FROM _stream_records
                    WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < ?2
                    ORDER BY CAST(sequence_number AS INTEGER) LIMIT ?3
                 ) WHERE created_at < ?4",
            )?
            .query_row(params![table, last, STEP, cutoff], |row| row.get(0))?;
        let Some(upto) = upto else { continue };
        let removed = connection
            .prepare_cached(
                "DELETE FROM _stream_records WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) <= ?2",
            )?
            .execute(params![table, upto])?;
        connection
            .prepare_cached("INSERT OR REPLACE INTO _headwater_trimmed (table_name, sequence) VALUES (?1, ?2)")?
            .execute(params![table, upto])?;
        more |= i64::try_from(removed).unwrap_or(i64::MAX) >= STEP;
    }
    Ok(more)
}

/// The number of the last record removed from a table's stream, 0 if none was.
pub(super) fn trimmed(connection: &Connection, table: &str) -> Result<i64, rusqlite::Error> {
    let mut statement = connection.prepare_cached("SELECT sequence FROM _headwater_trimmed WHERE table_name = ?1")?;
    Ok(statement
        .query_row(params![table], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}
