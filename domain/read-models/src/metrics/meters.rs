//! What callers have measured: each point as it was recorded, in the series that the meter's id names.

use super::{Measured, MetricFold, Point};
use crate::{EventContext, Fold};
use headwater_analytics::meter::{Event, Meter};
use headwater_kernel::Id;
use serde::{Deserialize, Serialize};

/// Nothing is remembered of a meter.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct MeterMeasures {
    #[serde(skip)]
    measured: Measured,
}

impl Fold for MeterMeasures {
    type Source = Meter;

    fn empty(_: &Id) -> Self {
        Self {
            measured: Measured::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        self.measured.command::<Meter>(at);
        let Event::PointsRecorded { points } = event;
        for point in points {
            self.measured.push(Point {
                series: at.id.as_str().to_owned(),
                dimensions: point.dimensions.clone(),
                time: point.time,
                writer: 0,
                version: at.sequence,
                value: point.value,
            });
        }
    }
}

impl MetricFold for MeterMeasures {
    const NEEDS_HISTORY: bool = false;

    fn measured(&mut self) -> &mut Measured {
        &mut self.measured
    }
}
