//! Reading: the lines of a series, then their points or rollups, in one snapshot.

use crate::{
    Answer, Bin, Error, Query, SeriesInfo, Stat,
    bins::{Collector, Summary},
    cut::{Level, Part, parts},
};
use headwater_kernel::Timestamp;
use headwater_read_models::metrics::Dimensions;
use rusqlite::{Connection, Transaction, params};
use std::collections::{BTreeMap, BTreeSet};

/// Why a read has no answer.
pub(super) enum Failed {
    Query(Error),
    Sqlite(rusqlite::Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Query(error)
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// The series of a tenant.
pub(super) fn series(connection: &mut Connection, tenant: &str) -> Result<Vec<SeriesInfo>, Failed> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut lines = connection.prepare_cached("SELECT series, dimensions FROM lines WHERE tenant = ?1")?;
    let mut rows = lines.query([tenant])?;
    while let Some(row) = rows.next()? {
        let dimensions = dimensions(&row.get::<_, String>(1)?)?;
        all.entry(row.get(0)?).or_default().extend(dimensions.into_keys());
    }
    let info = |(name, dimensions)| SeriesInfo { name, dimensions };
    Ok(all.into_iter().map(info).collect())
}

fn dimensions(text: &str) -> Result<Dimensions, Failed> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt(error.into()).into())
}

/// The answer to a query.
pub(super) fn query(connection: &mut Connection, tenant: &str, query: &Query) -> Result<Answer, Failed> {
    let mut collector = Collector::new(query)?;
    let snapshot = connection.transaction()?;
    let lines = lines(&snapshot, tenant, &query.series)?;
    check_dimensions(query, &lines)?;
    let of_values = matches!(query.stat, Stat::P50 | Stat::P99);
    let parts = match of_values {
        true => vec![Part {
            level: Level::Points,
            from: query.from,
            to: query.to,
        }],
        false => parts(query.from, query.to, query.bin),
    };
    check_kept(&snapshot, &query.series, &parts)?;
    for (line, dimensions) in lines {
        let Some(group) = collector.group(&dimensions) else {
            continue;
        };
        for part in &parts {
            let mut statement = snapshot.prepare_cached(select(part.level))?;
            let mut rows = statement.query([line, part.from.nanos(), part.to.nanos()])?;
            while let Some(row) = rows.next()? {
                let time = Timestamp::from_nanos(row.get(0)?);
                match (part.level, of_values) {
                    (Level::Points, true) => collector.value(&group, time, row.get(1)?)?,
                    (Level::Points, false) => collector.summary(&group, time, Summary::of(row.get(1)?))?,
                    _ => {
                        let summary = Summary {
                            count: row.get::<_, i64>(1)?.cast_unsigned(),
                            sum: row.get::<_, Option<f64>>(2)?.unwrap_or(f64::NAN),
                            min: row.get(3)?,
                            max: row.get(4)?,
                        };
                        collector.summary(&group, time, summary)?;
                    }
                }
            }
        }
    }
    Ok(collector.finish()?)
}

fn select(level: Level) -> &'static str {
    match level {
        Level::Points => "SELECT time, value FROM points WHERE line = ?1 AND time >= ?2 AND time < ?3",
        Level::Minutes => "SELECT time, count, sum, min, max FROM minutes WHERE line = ?1 AND time >= ?2 AND time < ?3",
        Level::Hours => "SELECT time, count, sum, min, max FROM hours WHERE line = ?1 AND time >= ?2 AND time < ?3",
        Level::Days => "SELECT time, count, sum, min, max FROM days WHERE line = ?1 AND time >= ?2 AND time < ?3",
    }
}

fn lines(snapshot: &Transaction<'_>, tenant: &str, series: &str) -> Result<Vec<(i64, Dimensions)>, Failed> {
    // In order of the dimensions, so that sums come out the same in whatever order lines were made.
    let find = "SELECT line, dimensions FROM lines WHERE tenant = ?1 AND series = ?2 ORDER BY dimensions";
    let mut find = snapshot.prepare_cached(find)?;
    let mut rows = find.query([tenant, series])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push((row.get(0)?, dimensions(&row.get::<_, String>(1)?)?));
    }
    Ok(lines)
}

fn check_dimensions(query: &Query, lines: &[(i64, Dimensions)]) -> Result<(), Error> {
    let known: BTreeSet<&String> = lines.iter().flat_map(|(_, dimensions)| dimensions.keys()).collect();
    let mut asked = query.filters.keys().chain(&query.group_by);
    match asked.find(|name| !lines.is_empty() && !known.contains(name)) {
        None => Ok(()),
        Some(dimension) => Err(Error::UnknownDimension {
            dimension: dimension.clone(),
            known: known.into_iter().cloned().collect(),
        }),
    }
}

/// Refuses an interval of which something is needed that was dropped.
fn check_kept(snapshot: &Transaction<'_>, series: &str, parts: &[Part]) -> Result<(), Failed> {
    for part in parts {
        let needed = match part.level {
            Level::Points => 1,
            Level::Minutes => 2,
            Level::Hours | Level::Days => continue,
        };
        let mut last = snapshot.prepare_cached(
            "SELECT max(day) FROM drops WHERE series = ?1 AND day >= ?2 AND day < ?3 AND level >= ?4",
        )?;
        let from = Bin::DAY.start(part.from).nanos();
        let gone: Option<i64> = last.query_row(params![series, from, part.to.nanos(), needed], |row| row.get(0))?;
        if let Some(day) = gone {
            let since = Timestamp::from_nanos(day).plus(Bin::DAY.duration());
            return Err(Error::PointsGone { since }.into());
        }
    }
    Ok(())
}
