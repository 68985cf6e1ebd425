//! Points as lines of the line protocol. A point's measurement, tags and time name it, so the same point is overwritten.

use super::names::{measurement, tag, value};
use crate::{
    PointWrite,
    batch::{Batch, Said},
};
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

/// Points that this store has times for.
pub(super) fn batch(writes: &[PointWrite]) -> Batch<Key> {
    let mut batch = Batch::new();
    for write in writes {
        for point in &write.points {
            if !TIMES.contains(&point.time.nanos()) {
                batch.too_late += 1;
                continue;
            }
            let key = key(measurement(write.scope.tenant(), &point.series), point);
            let said = Said {
                version: point.version,
                value: point.value,
            };
            batch.add(key, said);
        }
    }
    batch
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
