//! What is dropped when. Points go by whole days, once they are old and nobody has written to their day for a while: a store that is being
//! filled from the log keeps them until its rollups are whole. A point that comes for a day whose points are gone is too late.

use super::write::Writer;
use crate::Bin;
use headwater_kernel::Timestamp;
use std::time::Duration;

/// How long what is kept, beginning with the end of its day. Hours and days are kept for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The points themselves.
    pub points: Duration,
    /// Rollups of a minute; as long as points at least.
    pub minutes: Duration,
    /// A day that was written to so lately keeps its points however old it is.
    pub settled: Duration,
}

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

/// Drops what is past its retention, a day at a time.
pub(super) fn sweep(writer: &mut Writer, now: Timestamp) -> rusqlite::Result<()> {
    writer.sweep_at = now.plus(EVERY);
    let retention = writer.retention;
    let before = |keep: Duration| {
        let keep = i64::try_from((keep + Bin::DAY.duration()).as_nanos()).unwrap_or(i64::MAX);
        now.nanos().saturating_sub(keep)
    };
    let settled = i64::try_from(retention.settled.as_nanos()).unwrap_or(i64::MAX);
    for (level, table, keep) in [
        (1, "points", retention.points),
        (2, "minutes", retention.minutes.max(retention.points)),
    ] {
        let due: Vec<i64> = writer
            .connection
            .prepare_cached("SELECT day FROM drops WHERE level < ?1 AND day <= ?2 AND written_at <= ?3 ORDER BY day")?
            .query_map([level, before(keep), now.nanos().saturating_sub(settled)], |row| {
                row.get(0)
            })?
            .collect::<rusqlite::Result<_>>()?;
        for day in due {
            let transaction = writer.connection.transaction()?;
            // By line, as the key is.
            let delete = format!("DELETE FROM {table} WHERE line = ?1 AND time >= ?2 AND time < ?3");
            let lines: Vec<i64> = transaction
                .prepare_cached("SELECT line FROM days WHERE time = ?1")?
                .query_map([day], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for line in lines {
                let end = day.saturating_add(Bin::DAY.nanos());
                transaction.prepare_cached(&delete)?.execute([line, day, end])?;
            }
            transaction.execute("UPDATE drops SET level = ?1 WHERE day = ?2", [level, day])?;
            transaction.commit()?;
        }
    }
    Ok(())
}
