//! Points as lines of the line protocol. A point's measurement, tags and time name it, so the same point is overwritten.

use super::names::{measurement, tag, value};
use crate::PointWrite;
use headwater_read_models::metrics::Point;
use std::collections::BTreeMap;

/// The tag of the process that wrote the event.
pub(super) const WRITER: &str = "writer";

/// The writer of times that callers give; only their points have versions.
pub(super) const CALLER: u64 = 0;

/// Times that InfluxDB has: it keeps the first two and the last of 64 bits for itself.
pub(super) const TIMES: std::ops::RangeInclusive<i64> = -9_223_372_036_854_775_806..=9_223_372_036_854_775_806;

/// What names a point: measurement, tags, time.
pub(super) type Key = (String, BTreeMap<String, String>, i64);

/// What a point says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    pub(super) version: u64,
    pub(super) value: f64,
}

/// Each point once, with its highest version, and how many lower ones there were.
pub(super) struct Batch {
    pub(super) points: BTreeMap<Key, Said>,
    pub(super) kept: u64,
    pub(super) superseded: u64,
    pub(super) too_late: u64,
}

impl Batch {
    /// Of these points.
    pub(super) fn new(writes: &[PointWrite]) -> Self {
        let mut batch = Self {
            points: BTreeMap::new(),
            kept: 0,
            superseded: 0,
            too_late: 0,
        };
        for write in writes {
            for point in &write.points {
                if !TIMES.contains(&point.time.nanos()) {
                    batch.too_late += 1;
                    continue;
                }
                let key = key(measurement(write.scope.tenant(), &point.series), point);
                batch.add(
                    key,
                    Said {
                        version: point.version,
                        value: point.value,
                    },
                );
            }
        }
        batch
    }

    fn add(&mut self, key: Key, said: Said) {
        match self.points.get_mut(&key) {
            Some(there) if there.version > said.version => self.superseded += 1,
            Some(there) if there.version == said.version => self.kept += 1,
            Some(there) => {
                // What it was counted for is a lower version now.
                self.superseded += 1;
                *there = said;
            }
            None => {
                self.kept += 1;
                self.points.insert(key, said);
            }
        }
    }

    /// Leaves a point out, because a higher version of it is there.
    pub(super) fn supersede(&mut self, key: &Key) {
        if self.points.remove(key).is_some() {
            self.kept -= 1;
            self.superseded += 1;
        }
    }
}

fn key(measurement: String, point: &Point) -> Key {
    let dimensions = point.dimensions.iter().map(|(name, of)| (tag(name), value(of)));
    let writer = (WRITER.to_owned(), point.writer.to_string());
    (measurement, dimensions.chain([writer]).collect(), point.time.nanos())
}

/// Whether a caller gave the time, so that the point can be corrected.
pub(super) fn is_callers(key: &Key) -> bool {
    key.1.get(WRITER).is_some_and(|writer| *writer == CALLER.to_string())
}

/// The line of a point. All its names and values are encoded, so nothing in it has to be escaped.
pub(super) fn line(key: &Key, said: Said) -> String {
    let (measurement, tags, time) = key;
    let mut line = measurement.clone();
    for (tag, value) in tags {
        line.extend([",", tag, "=", value]);
    }
    line.push_str(&format!(" value={:e}", said.value));
    if is_callers(key) {
        line.push_str(&format!(",version={}i", said.version));
    }
    line.push_str(&format!(" {time}\n"));
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_kernel::Timestamp;

    #[test]
    fn a_line_names_its_point_and_says_its_value() {
        let mut point = Point {
            series: "calls per s".to_owned(),
            dimensions: [("a=b".to_owned(), String::new()), ("plan".to_owned(), "p,q".to_owned())].into(),
            time: Timestamp::from_nanos(-5),
            writer: 7,
            version: 1,
            value: 1e300,
        };
        let of = |point: &Point| {
            let said = Said {
                version: point.version,
                value: point.value,
            };
            line(&key("acme:s".to_owned(), point), said)
        };
        assert_eq!(of(&point), "acme:s,d.a%3Db=%,d.plan=p%2Cq,writer=7 value=1e300 -5\n");
        (point.writer, point.version, point.value) = (CALLER, 9, -0.1);
        assert_eq!(
            of(&point),
            "acme:s,d.a%3Db=%,d.plan=p%2Cq,writer=0 value=-1e-1,version=9i -5\n"
        );
    }
}
