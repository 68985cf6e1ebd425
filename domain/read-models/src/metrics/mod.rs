//! What a metric point is, and the series that Headwater derives from events. A fold measures the events of one aggregate; [`register`] is
//! the list. A point follows from its event alone, so one that is delivered again is the same point.

mod counted;
mod invoices;
mod meters;
mod opportunities;
mod orders;
mod products;
mod series;
#[cfg(test)]
mod tests;

pub use series::{SERIES, Series, derived};

use crate::{EventContext, Fold, ProjectionRegistry};
use counted::Others;
use headwater_kernel::{Aggregate, Timestamp};
use std::collections::BTreeMap;

/// The projection's name.
pub const PROJECTION: &str = "metrics";

/// The table where a tenant's own generation of it stands.
pub const TABLE: &str = headwater_analytics::CONTEXT;

/// What a point is measured by, such as `{"currency": "EUR"}`.
pub type Dimensions = BTreeMap<String, String>;

/// One measurement of a tenant. Series, dimensions, time and writer name it: written again it stays one point, and the higher version counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The series: `orders.placed`, or the id of a meter.
    pub series: String,
    /// What it is measured by.
    pub dimensions: Dimensions,
    /// When. Of what is derived from an event, the event's time, which is unique together with the writer.
    pub time: Timestamp,
    /// The process that wrote the event; 0 where the time is the caller's, so that the same time is the same point.
    pub writer: u64,
    /// Of two writings of one point the higher counts: the sequence of the meter's event where the time is the caller's, else 1.
    pub version: u64,
    /// The value; finite.
    pub value: f64,
}

/// A fold that measures what happens.
pub trait MetricFold: Fold {
    /// Whether a point depends on what happened before its event. If so, histories are folded from their beginning when their state is not
    /// known; if not, the state is empty.
    const NEEDS_HISTORY: bool;

    /// What was measured since the points were last taken.
    fn measured(&mut self) -> &mut Measured;
}

/// Points that a fold has made and nobody has taken. Not part of its state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured(Vec<Point>);

impl Measured {
    /// The points, in order of their events.
    pub fn take(&mut self) -> Vec<Point> {
        std::mem::take(&mut self.0)
    }

    /// A point that follows from the event alone, or from the state and the event.
    pub fn push(&mut self, point: Point) {
        self.0.push(point);
    }

    /// Counts the command that an event came from; every fold does it for each event.
    fn command<A: Aggregate>(&mut self, at: &EventContext<'_>) {
        if at.begins_commit {
            let dimensions = [("context", A::CONTEXT), ("aggregate", A::NAME)];
            self.add(at, &series::COMMANDS, &dimensions, 1.0);
        }
    }

    /// A point of a derived series. An event has at most one of the same series and dimensions.
    fn add(&mut self, at: &EventContext<'_>, series: &Series, dimensions: &[(&str, &str)], value: f64) {
        debug_assert!(dimensions.iter().all(|(name, _)| series.dimensions.contains(name)));
        self.push(Point {
            series: series.name.to_owned(),
            dimensions: dimensions
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            time: at.time,
            writer: at.writer,
            version: 1,
            value,
        });
    }

    /// An amount of money. Nothing is no point.
    fn add_cents(&mut self, at: &EventContext<'_>, series: &Series, dimensions: &[(&str, &str)], cents: i128) {
        if cents != 0 {
            // Exact up to 2^53 cents, which is 90 thousand billion of a currency's unit.
            self.add(at, series, dimensions, cents as f64);
        }
    }
}

/// All folds of the projection: for each aggregate of each context one, which counts its commands if it measures nothing else.
pub(crate) fn register(registry: &mut impl ProjectionRegistry) {
    registry.metric::<orders::OrderMeasures>(PROJECTION);
    registry.metric::<invoices::InvoiceMeasures>(PROJECTION);
    registry.metric::<opportunities::OpportunityMeasures>(PROJECTION);
    registry.metric::<products::ProductMeasures>(PROJECTION);
    registry.metric::<meters::MeterMeasures>(PROJECTION);
    let mut others = Others(registry);
    headwater_catalog::register(&mut others);
    headwater_crm::register(&mut others);
    headwater_orders::register(&mut others);
    headwater_billing::register(&mut others);
    headwater_analytics::register(&mut others);
}

/// Those that have a fold of their own.
fn has_its_own<A: Aggregate>() -> bool {
    fn source<F: Fold>() -> (&'static str, &'static str) {
        (F::Source::CONTEXT, F::Source::NAME)
    }
    [
        source::<orders::OrderMeasures>(),
        source::<invoices::InvoiceMeasures>(),
        source::<opportunities::OpportunityMeasures>(),
        source::<products::ProductMeasures>(),
        source::<meters::MeterMeasures>(),
    ]
    .contains(&(A::CONTEXT, A::NAME))
}
