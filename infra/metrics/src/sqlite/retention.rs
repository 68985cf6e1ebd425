//! What is dropped when. Points go by whole days of a series, once they are old and nobody has written to that day for a while: a store that
//! is being filled from the log keeps them until its rollups are whole. A point that comes for a day whose points are gone is too late.

use super::write::Writer;
use crate::Bin;
use headwater_kernel::Timestamp;
use rusqlite::{Connection, params};
use std::time::Duration;

/// How long what is kept of a series, beginning with the end of its day. Hours and days are kept for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The points themselves.
    pub points: Duration,
    /// Rollups of a minute; as long as points at least.
    pub minutes: Duration,
    /// A day that was written to so lately keeps its points however old it is.
    pub settled: Duration,
}

/// The retention of a series by its name; of every tenant the same.
pub(super) type OfSeries = Box<dyn Fn(&str) -> Retention + Send + Sync>;

impl Default for Retention {
    fn default() -> Self {
        Self {
            points: Duration::from_hours(90 * 24),
            minutes: Duration::from_hours(400 * 24),
            settled: Duration::from_hours(7 * 24),
        }
    }
}

/// How often a store is swept.
const EVERY: Duration = Duration::from_hours(1);

/// How far the time of day may stray from the time since the start before it counts as set.
const STRAY: Duration = Duration::from_secs(300);

/// When a store is swept by itself: once the clock has gone on evenly for as long as a sweep waits for the next. A clock that was set a year
/// ahead by mistake would drop everything, and with it what comes for those days when it is right again.
pub(super) struct Schedule {
    /// The clock, and the time since the start, when it was first seen or last set.
    even_since: (Timestamp, Duration),
    swept: Option<Duration>,
}

impl Schedule {
    /// For a clock that is at `now`, `up` since the start.
    pub(super) fn new(now: Timestamp, up: Duration) -> Self {
        Self {
            even_since: (now, up),
            swept: None,
        }
    }

    /// Whether a sweep is due; the next is only after a while.
    pub(super) fn is_due(&mut self, now: Timestamp, up: Duration) -> bool {
        let (then, since) = self.even_since;
        let expected = then.plus(up.saturating_sub(since));
        if now.since(expected).max(expected.since(now)) > STRAY {
            self.even_since = (now, up);
            return false;
        }
        let is_due = |since: Duration| up.saturating_sub(since) >= EVERY;
        let due = is_due(since) && self.swept.is_none_or(is_due);
        if due {
            self.swept = Some(up);
        }
        due
    }
}

/// Drops what is past its retention, a day of a series at a time.
pub(super) fn sweep(writer: &mut Writer, now: Timestamp) -> rusqlite::Result<()> {
    let before = |keep: Duration| {
        let keep = i64::try_from(keep.as_nanos()).unwrap_or(i64::MAX);
        now.nanos().saturating_sub(keep)
    };
    let mut series = String::new();
    while let Some(next) = next_series(&writer.connection, &series)? {
        series = next;
        let retention = (writer.retention)(&series);
        let settled = before(retention.settled);
        for (level, table, keep) in [
            (1, "points", retention.points),
            (2, "minutes", retention.minutes.max(retention.points)),
        ] {
            let ended = before(keep.saturating_add(Bin::DAY.duration()));
            for day in due(&writer.connection, &series, level, ended, settled)? {
                drop_day(&mut writer.connection, &series, table, day, level)?;
            }
        }
    }
    Ok(())
}

/// The series after this one that has points of any tenant; found by the key, however many days each has.
fn next_series(connection: &Connection, after: &str) -> rusqlite::Result<Option<String>> {
    let mut next = connection.prepare_cached("SELECT min(series) FROM drops WHERE series > ?1")?;
    next.query_row([after], |row| row.get(0))
}

fn due(connection: &Connection, series: &str, level: i64, ended: i64, settled: i64) -> rusqlite::Result<Vec<i64>> {
    let mut due = connection
        .prepare_cached("SELECT day FROM drops WHERE series = ?1 AND day <= ?2 AND level < ?3 AND written_at <= ?4")?;
    due.query_map(params![series, ended, level, settled], |row| row.get(0))?
        .collect()
}

fn drop_day(connection: &mut Connection, series: &str, table: &str, day: i64, level: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    // By line, as the key is.
    let delete = format!(
        "DELETE FROM {table} WHERE line IN (SELECT line FROM lines WHERE series = ?1) AND time >= ?2 AND time < ?3"
    );
    let end = day.saturating_add(Bin::DAY.nanos());
    transaction
        .prepare_cached(&delete)?
        .execute(params![series, day, end])?;
    transaction.execute(
        "UPDATE drops SET level = ?1 WHERE series = ?2 AND day = ?3",
        params![level, series, day],
    )?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_due_once_an_hour_while_the_clock_goes_on_evenly() {
        let start = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let mut schedule = Schedule::new(start, minutes(7));
        let mut due_at = |clock: u64, up: u64| schedule.is_due(start.plus(minutes(clock)), minutes(7 + up));
        assert!(!due_at(0, 0) && !due_at(59, 59));
        assert!(due_at(60, 60));
        assert!(!due_at(61, 61) && !due_at(119, 119));
        // A little off is not set.
        assert!(due_at(124, 120));
        // Ahead, and back again.
        assert!(!due_at(100_000, 200) && !due_at(100_059, 259));
        assert!(!due_at(260, 260) && !due_at(319, 319));
        assert!(due_at(320, 320));
    }
}
