//! What every adapter does: each test of [`suite!`] against what a model in memory says, which knows nothing but the points.

pub(crate) mod model;
mod random;
mod refusals;
mod tenants;
mod times;

pub(crate) use random::*;
pub(crate) use refusals::*;
pub(crate) use tenants::*;
pub(crate) use times::*;

use headwater_kernel::Timestamp;
use headwater_metrics::{Fill, Item, MetricStore, PointWrite, Query, Stat, Written};
use headwater_read_models::metrics::Point;
use std::{collections::BTreeMap, sync::Arc};

/// A store under test.
pub(crate) struct Store {
    pub(crate) store: Arc<dyn MetricStore>,
    /// Opens it once more, as after a crash.
    pub(crate) reopen: Box<dyn Fn() -> Arc<dyn MetricStore> + Send + Sync>,
    pub(crate) _dir: tempfile::TempDir,
}

/// All tests of the contract, each on a store of its own.
macro_rules! suite {
    ($store:ident) => {
        $crate::contract::suite!($store:
            answers_are_those_of_the_points_in_whatever_order_they_came,
            a_correction_counts_everywhere_and_an_older_one_nowhere,
            percentiles_are_values_that_were_measured,
            bins_are_half_open_in_utc,
            what_an_interval_cuts_counts_as_far_as_it_lies_within,
            times_before_1970_have_bins_too,
            late_points_reach_the_rollups,
            gaps_are_filled_as_asked,
            groups_are_by_what_points_have,
            two_events_of_two_writers_at_one_time_are_two_points,
            tenants_are_apart_whatever_is_in_names,
            too_much_is_refused_before_it_is_read,
            numbers_that_are_none_are_refused_and_nothing_is_written,
            a_sum_beyond_what_a_number_holds_has_no_value,
            what_was_answered_is_there_after_opening_again,
        );
    };
    ($store:ident: $($name:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                $crate::contract::$name($store().await).await;
            }
        )+
    };
}
pub(crate) use suite;

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A point of `writer` 7.
pub(crate) fn point(series: &str, time: &str, dimensions: &[(&str, &str)], value: f64) -> Point {
    Point {
        series: series.to_owned(),
        dimensions: dimensions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        time: at(time),
        writer: 7,
        version: 1,
        value,
    }
}

pub(crate) fn query(series: &str, from: &str, to: &str, bin: &str, stat: Stat) -> Query {
    Query {
        series: series.to_owned(),
        from: at(from),
        to: at(to),
        bin: bin.parse().unwrap(),
        stat,
        filters: BTreeMap::new(),
        group_by: Vec::new(),
        fill: Fill::None,
    }
}

impl Store {
    pub(crate) async fn write(&self, tenant: &str, points: Vec<Point>) -> Written {
        let scope = headwater_tenancy::testing::scope(tenant).await;
        self.store.write(vec![PointWrite { scope, points }]).await.unwrap()
    }

    pub(crate) async fn items(&self, tenant: &str, query: &Query) -> Vec<Item> {
        let scope = headwater_tenancy::testing::scope(tenant).await;
        self.store.query(&scope, query).await.unwrap().items
    }

    /// Bins as `time=value`, the group before the time where there is one.
    pub(crate) async fn shown(&self, tenant: &str, query: &Query) -> Vec<String> {
        self.items(tenant, query).await.iter().map(shown).collect()
    }
}

fn shown(item: &Item) -> String {
    let group: Vec<_> = item
        .group
        .iter()
        .map(|(name, value)| format!("{name}:{value} "))
        .collect();
    let value = item.value.map_or("-".to_owned(), |value| value.to_string());
    format!("{}{}={value}", group.concat(), item.time)
}
