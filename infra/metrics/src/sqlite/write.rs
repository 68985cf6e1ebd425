//! Writing: points first, then the rollups of what changed, each made anew from the next finer one in order of time, so that they say the
//! same in whatever order the points came.

use super::retention::{OfSeries, Schedule};
use crate::{Bin, PointWrite, Written};
use headwater_kernel::Timestamp;
use headwater_read_models::metrics::Point;
use lru::LruCache;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    num::NonZero,
};

/// Lines whose numbers are remembered.
const REMEMBERED: NonZero<usize> = NonZero::new(100_000).expect("it is not zero");

/// The connection that writes, and what it remembers.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) retention: OfSeries,
    pub(super) schedule: Schedule,
    lines: LruCache<(String, String, String), i64>,
}

/// A point on its line.
struct Placed<'a> {
    line: i64,
    point: &'a Point,
}

/// Beginnings of bins that changed, by line.
type Changed = BTreeMap<i64, Vec<i64>>;

impl Writer {
    pub(super) fn new(connection: Connection, retention: OfSeries, schedule: Schedule) -> Self {
        Self {
            connection,
            retention,
            schedule,
            lines: LruCache::new(REMEMBERED),
        }
    }

    /// Writes points in one transaction.
    pub(super) fn write(&mut self, writes: &[PointWrite], now: Timestamp) -> rusqlite::Result<Written> {
        let transaction = self.connection.transaction()?;
        let written = write(&transaction, &mut self.lines, writes, now).and_then(|written| {
            transaction.commit()?;
            Ok(written)
        });
        if written.is_err() {
            // Lines that were made are gone with the rest.
            self.lines.clear();
        }
        written
    }
}

fn write(
    transaction: &Transaction<'_>,
    lines: &mut LruCache<(String, String, String), i64>,
    writes: &[PointWrite],
    now: Timestamp,
) -> rusqlite::Result<Written> {
    let mut placed = Vec::with_capacity(writes.iter().map(|write| write.points.len()).sum());
    for write in writes {
        for point in &write.points {
            let line = line(transaction, lines, write.scope.tenant().as_str(), point)?;
            placed.push(Placed { line, point });
        }
    }
    placed.sort_by_key(|one| (one.line, one.point.time, one.point.writer, one.point.version));
    let gone = touch(transaction, &placed, now)?;
    let (written, changed) = put(transaction, &placed, &gone)?;
    roll_up(transaction, changed)?;
    Ok(written)
}

/// The number of a point's line.
fn line(
    transaction: &Transaction<'_>,
    lines: &mut LruCache<(String, String, String), i64>,
    tenant: &str,
    point: &Point,
) -> rusqlite::Result<i64> {
    // A map of texts has its names in order, so this is one text for one set of dimensions.
    let dimensions = serde_json::to_string(&point.dimensions).unwrap_or_default();
    let key = (tenant.to_owned(), point.series.clone(), dimensions);
    if let Some(line) = lines.get(&key) {
        return Ok(*line);
    }
    let (tenant, series, dimensions) = &key;
    let mut find =
        transaction.prepare_cached("SELECT line FROM lines WHERE tenant = ?1 AND series = ?2 AND dimensions = ?3")?;
    let found = find
        .query_row([tenant, series, dimensions], |row| row.get(0))
        .optional()?;
    let line = match found {
        Some(line) => line,
        None => {
            let mut insert =
                transaction.prepare_cached("INSERT INTO lines (tenant, series, dimensions) VALUES (?1, ?2, ?3)")?;
            insert.insert([tenant, series, dimensions])?
        }
    };
    lines.put(key, line);
    Ok(line)
}

/// Days of series, and whether their points are gone.
type Days<'a> = HashMap<(&'a str, i64), bool>;

/// Notes that the days of these points are written to, and tells which of them have no points any more.
fn touch<'a>(transaction: &Transaction<'_>, placed: &[Placed<'a>], now: Timestamp) -> rusqlite::Result<Days<'a>> {
    let mut days = Days::new();
    let mut touch = transaction.prepare_cached(
        "INSERT INTO drops (series, day, written_at) VALUES (?1, ?2, ?3) \
         ON CONFLICT (series, day) DO UPDATE SET written_at = max(written_at, excluded.written_at) RETURNING level",
    )?;
    for one in placed {
        let (series, day) = (one.point.series.as_str(), Bin::DAY.start(one.point.time).nanos());
        if let Entry::Vacant(vacant) = days.entry((series, day)) {
            let level: i64 = touch.query_row(params![series, day, now.nanos()], |row| row.get(0))?;
            vacant.insert(level > 0);
        }
    }
    Ok(days)
}

fn put(transaction: &Transaction<'_>, placed: &[Placed<'_>], gone: &Days<'_>) -> rusqlite::Result<(Written, Changed)> {
    let (mut written, mut changed) = (Written::default(), Changed::new());
    let mut put = transaction.prepare_cached(
        "INSERT INTO points (line, time, writer, version, value) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (line, time, writer) DO UPDATE SET version = excluded.version, value = excluded.value \
         WHERE excluded.version > version",
    )?;
    let mut there =
        transaction.prepare_cached("SELECT version FROM points WHERE line = ?1 AND time = ?2 AND writer = ?3")?;
    for Placed { line, point } in placed {
        if gone.get(&(point.series.as_str(), Bin::DAY.start(point.time).nanos())) == Some(&true) {
            written.too_late += 1;
            continue;
        }
        let (time, writer, version) = (
            point.time.nanos(),
            point.writer.cast_signed(),
            point.version.cast_signed(),
        );
        if put.execute(params![line, time, writer, version, point.value])? > 0 {
            written.kept += 1;
            let minutes = changed.entry(*line).or_default();
            let minute = Bin::MINUTE.start(point.time).nanos();
            if minutes.last() != Some(&minute) {
                minutes.push(minute);
            }
        } else {
            let stored: i64 = there.query_row(params![line, time, writer], |row| row.get(0))?;
            match stored > version {
                true => written.superseded += 1,
                false => written.kept += 1,
            }
        }
    }
    Ok((written, changed))
}

fn roll_up(transaction: &Transaction<'_>, mut changed: Changed) -> rusqlite::Result<()> {
    let whole = "count(*), sum(value), min(value), max(value) FROM points";
    let again = |table: &str| format!("sum(count), sum(sum), min(min), max(max) FROM {table}");
    for (into, what, bin, next) in [
        ("minutes", whole.to_owned(), Bin::MINUTE, Some(Bin::HOUR)),
        ("hours", again("minutes"), Bin::HOUR, Some(Bin::DAY)),
        ("days", again("hours"), Bin::DAY, None),
    ] {
        let length = bin.nanos();
        // The remainder of a time before 1970 is negative.
        let roll = format!(
            "INSERT OR REPLACE INTO {into} (line, time, count, sum, min, max) \
             SELECT ?1, time - (time % {length} + {length}) % {length} AS bin, {what} \
             WHERE line = ?1 AND time >= ?2 AND time < ?3 GROUP BY bin"
        );
        let mut roll = transaction.prepare_cached(&roll)?;
        for (line, starts) in &mut changed {
            for (from, to) in ranges(starts, length) {
                roll.execute([*line, from, to])?;
            }
            if let Some(next) = next {
                for start in starts.iter_mut() {
                    *start = next.start(Timestamp::from_nanos(*start)).nanos();
                }
                starts.dedup();
            }
        }
    }
    Ok(())
}

/// Bins that follow one another as one range each.
fn ranges(starts: &[i64], length: i64) -> Vec<(i64, i64)> {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for start in starts {
        let end = start.saturating_add(length);
        match ranges.last_mut() {
            Some((_, to)) if *to == *start => *to = end,
            _ => ranges.push((*start, end)),
        }
    }
    ranges
}
