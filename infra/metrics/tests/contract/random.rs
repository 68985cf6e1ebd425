//! Random points in random order, some again and some corrected, against the model.

use super::{Store, at, model::Model, point, query};
use headwater_kernel::Timestamp;
use headwater_metrics::{Bin, Fill, Query, Stat};
use headwater_read_models::metrics::Point;
use std::collections::BTreeMap;

/// A generator that is the same everywhere (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize].clone()
    }

    /// A time within three days, often the beginning of something.
    fn time(&mut self) -> Timestamp {
        let start = at("2026-03-01T00:00:00Z").nanos();
        let length = self.one_of(&[
            1,
            1_000_000_000,
            Bin::MINUTE.nanos(),
            Bin::HOUR.nanos(),
            Bin::DAY.nanos(),
        ]);
        let within = self.below(3 * Bin::DAY.nanos().unsigned_abs()).cast_signed();
        Timestamp::from_nanos(start + within / length * length)
    }

    fn point(&mut self) -> Point {
        let mut dimensions = BTreeMap::new();
        for (name, values) in [("plan", ["free", "pro", "max"]), ("zone", ["eu", "us", "ap"])] {
            if self.below(4) > 0 {
                dimensions.insert(name.to_owned(), self.one_of(&values).to_owned());
            }
        }
        let writer = self.below(2);
        Point {
            series: self.one_of(&["calls", "bytes"]).to_owned(),
            dimensions,
            time: self.time(),
            writer,
            // What follows from an event has one version.
            version: if writer == 0 { 1 + self.below(3) } else { 1 },
            // Sums of these are exact, in whatever order.
            value: self.below(2_000) as f64 / 8.0 - 100.0,
        }
    }

    fn query(&mut self) -> Query {
        let (one, other) = (self.time(), self.time());
        let mut filters = BTreeMap::new();
        if self.below(3) == 0 {
            let values: Vec<&str> = (0..1 + self.below(2))
                .map(|_| self.one_of(&["free", "pro", "none"]))
                .collect();
            filters.insert("plan".to_owned(), values.into_iter().map(str::to_owned).collect());
        }
        Query {
            series: self.one_of(&["calls", "bytes"]).to_owned(),
            from: one.min(other),
            to: one.max(other).plus(std::time::Duration::from_nanos(1)),
            bin: self.one_of(&["1m", "15m", "90m", "1h", "6h", "1d"]).parse().unwrap(),
            stat: self.one_of(&[
                Stat::Avg,
                Stat::Min,
                Stat::Max,
                Stat::Sum,
                Stat::Count,
                Stat::P50,
                Stat::P99,
            ]),
            filters,
            group_by: self.one_of(&[
                vec![],
                vec![],
                vec!["plan".to_owned()],
                vec!["zone".to_owned(), "plan".to_owned()],
            ]),
            fill: self.one_of(&[Fill::None, Fill::None, Fill::Null, Fill::Zero, Fill::Previous]),
        }
    }
}

pub(crate) async fn answers_are_those_of_the_points_in_whatever_order_they_came(store: Store) {
    let mut random = Random(42);
    let mut model = Model::default();
    let mut written: Vec<Point> = Vec::new();
    let mut asked = 0;
    for _ in 0..60 {
        let mut batch: Vec<Point> = Vec::new();
        for _ in 0..1 + random.below(80) {
            let point = match random.below(5) {
                // What came before comes again, as it was.
                0 if !written.is_empty() => random.one_of(&written),
                // Or corrected, where the time was a caller's.
                1 if written.iter().any(|point| point.writer == 0) => {
                    let callers: Vec<Point> = written.iter().filter(|point| point.writer == 0).cloned().collect();
                    let before = random.one_of(&callers);
                    let version = before.version + 1 + random.below(3);
                    let value = version as f64;
                    Point {
                        version,
                        value,
                        ..before
                    }
                }
                _ => random.point(),
            };
            // Two writings of one version say the same.
            let same = |other: &&Point| {
                (
                    &other.series,
                    &other.dimensions,
                    other.time,
                    other.writer,
                    other.version,
                ) == (
                    &point.series,
                    &point.dimensions,
                    point.time,
                    point.writer,
                    point.version,
                )
            };
            let value = written
                .iter()
                .chain(&batch)
                .find(same)
                .map_or(point.value, |same| same.value);
            batch.push(Point { value, ..point });
        }
        batch.iter().for_each(|point| model.write(point));
        written.extend(batch.iter().cloned());
        store.write("acme", batch).await;
        for _ in 0..10 {
            let query = random.query();
            let scope = headwater_tenancy::testing::scope("acme").await;
            match store.store.query(&scope, &query).await {
                Ok(answer) => {
                    asked += 1;
                    assert_eq!(answer.items, model.query(&query), "{query:?}");
                }
                // As many bins as that are another test's.
                Err(
                    headwater_metrics::Error::TooManyBins { .. } | headwater_metrics::Error::UnknownDimension { .. },
                ) => {}
                Err(error) => panic!("{query:?}: {error}"),
            }
        }
    }
    assert!(asked > 400, "{asked}");
    // All of it once more, the last first, point by point at the end.
    written.reverse();
    for batch in written.chunks(7) {
        store.write("acme", batch.to_vec()).await;
    }
    for _ in 0..50 {
        let query = Query {
            fill: Fill::None,
            ..random.query()
        };
        assert_eq!(store.items("acme", &query).await, model.query(&query), "{query:?}");
    }
}

pub(crate) async fn a_correction_counts_everywhere_and_an_older_one_nowhere(store: Store) {
    let recorded = |version, value| Point {
        writer: 0,
        version,
        ..point("calls", "2026-03-01T10:00:30Z", &[("plan", "pro")], value)
    };
    let beside = point("calls", "2026-03-01T10:00:40Z", &[("plan", "pro")], 1.0);
    assert_eq!(store.write("acme", vec![recorded(4, 10.0), beside]).await.kept, 2);
    let written = store.write("acme", vec![recorded(9, 3.0), recorded(2, 99.0)]).await;
    // Adapters that cannot tell may say of both that they are kept.
    assert_eq!(written.kept + written.superseded, 2);
    for version in [4, 9] {
        store
            .write("acme", vec![recorded(version, if version == 4 { 10.0 } else { 3.0 })])
            .await;
    }
    for bin in ["1m", "1h", "1d"] {
        for (stat, value) in [(Stat::Sum, 4.0), (Stat::Max, 3.0), (Stat::Count, 2.0), (Stat::P99, 3.0)] {
            let query = query("calls", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", bin, stat);
            let values: Vec<_> = store
                .items("acme", &query)
                .await
                .iter()
                .map(|item| item.value)
                .collect();
            assert_eq!(values, [Some(value)], "{bin} {stat:?}");
        }
    }
}

pub(crate) async fn percentiles_are_values_that_were_measured(store: Store) {
    let points: Vec<Point> = (1..=200)
        .map(|n| Point {
            time: Timestamp::from_nanos(at("2026-03-01T10:00:00Z").nanos() + n),
            value: n as f64,
            ..point("latency", "2026-03-01T10:00:00Z", &[], 0.0)
        })
        .collect();
    store.write("acme", points).await;
    for (stat, value) in [(Stat::P50, 100.0), (Stat::P99, 198.0)] {
        let query = query("latency", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "1d", stat);
        assert_eq!(
            store.shown("acme", &query).await,
            [format!("2026-03-01T00:00:00Z={value}")]
        );
    }
}
