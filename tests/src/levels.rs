//! A projection that measures: what is in an account after each event, which depends on all events before it.

use crate::account::{Account, Event};
use headwater_kernel::Id;
use headwater_read_models::{
    EventContext, Fold, ProjectionRegistry,
    metrics::{Measured, MetricFold, PROJECTION, Point},
};
use serde::{Deserialize, Serialize};

/// The series.
pub const LEVEL: &str = "bank.level";

/// What is in one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Level {
    account: Id,
    cents: i64,
    #[serde(skip)]
    measured: Measured,
}

impl Fold for Level {
    type Source = Account;

    fn empty(id: &Id) -> Self {
        Self {
            account: id.clone(),
            cents: 0,
            measured: Measured::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event {
            Event::Deposited { cents } => self.cents += cents,
            Event::Withdrawn { cents } => self.cents -= cents,
            Event::Numbered { .. } => return,
        }
        self.measured.push(Point {
            series: LEVEL.to_owned(),
            dimensions: [("account".to_owned(), self.account.as_str().to_owned())].into(),
            time: at.time,
            writer: at.writer,
            version: 1,
            value: self.cents as f64,
        });
    }
}

impl MetricFold for Level {
    const NEEDS_HISTORY: bool = true;

    fn measured(&mut self) -> &mut Measured {
        &mut self.measured
    }
}

/// The series of [`Movement`].
pub const MOVEMENT: &str = "bank.movement";

/// What each event moves, which depends on nothing before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Movement {
    #[serde(skip)]
    measured: Measured,
}

impl Fold for Movement {
    type Source = Account;

    fn empty(_: &Id) -> Self {
        Self {
            measured: Measured::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        let value = match event {
            Event::Deposited { cents } | Event::Withdrawn { cents } => *cents,
            Event::Numbered { .. } => return,
        };
        self.measured.push(Point {
            series: MOVEMENT.to_owned(),
            dimensions: std::collections::BTreeMap::new(),
            time: at.time,
            writer: at.writer,
            version: 1,
            value: value as f64,
        });
    }
}

impl MetricFold for Movement {
    const NEEDS_HISTORY: bool = false;

    fn measured(&mut self) -> &mut Measured {
        &mut self.measured
    }
}

/// Registers [`Movement`] in place of [`Level`].
pub fn register_movements(registry: &mut impl ProjectionRegistry) {
    registry.metric::<Movement>(PROJECTION);
}

/// Registers it.
pub fn register(registry: &mut impl ProjectionRegistry) {
    registry.metric::<Level>(PROJECTION);
}
