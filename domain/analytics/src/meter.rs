//! Meters: series of points that callers record, such as the calls that a customer made.

#[cfg(test)]
mod tests;

use headwater_kernel::{Aggregate, Facts, Rejection, Timestamp, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Most points of one command.
pub const MAX_POINTS: usize = 1_000;

/// Most dimensions of a point.
pub const MAX_DIMENSIONS: usize = 8;

/// Most characters of a dimension's name.
pub const MAX_DIMENSION_NAME: usize = 64;

/// How far in the past a point may lie: as long as points themselves are kept, see `domain/read-models`.
pub const OLDEST: Duration = Duration::from_hours(90 * 24);

/// How far ahead of this process's clock a point may lie.
pub const AHEAD: Duration = Duration::from_mins(15);

/// What the names of series begin with that Headwater derives from events.
const DERIVED: &[&str] = &[
    "analytics.",
    "billing.",
    "catalog.",
    "crm.",
    "integration.",
    "orders.",
    "platform.",
];

/// A meter: its id is the name of its series. Whatever was recorded stays; the same dimensions and time recorded again are a correction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {}

/// What can be asked of a meter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Records points, all of them or none. A point with the dimensions and time of an earlier one corrects it.
    Record {
        /// The points, none twice.
        #[schemars(length(min = 1, max = 1000))]
        points: Vec<Point>,
    },
}

/// What can happen to a meter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// Points were recorded.
    PointsRecorded {
        /// The points.
        points: Vec<Point>,
    },
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// When it was measured: at most 90 days ago, and not in the future.
    pub time: Timestamp,
    /// What was measured.
    pub value: f64,
    /// By what, such as `{"plan": "pro"}`. Not personal: name no person.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 8))]
    pub dimensions: BTreeMap<String, String>,
}

impl Aggregate for Meter {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "meters";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, facts: &Facts) -> Result<Vec<Event>, Rejection> {
        let Command::Record { points } = command;
        let name = facts.id.as_str();
        if let Some(derived) = DERIVED.iter().find(|prefix| name.starts_with(**prefix)) {
            let detail = format!("series that begin with {derived:?} are made from events; choose another name");
            return Err(Rejection::rule("reserved-name", detail));
        }
        if points.is_empty() {
            let detail = "there is no point to record; give at least one";
            return Err(Rejection::field("no-points", "/points", detail));
        }
        if points.len() > MAX_POINTS {
            let detail = format!("a command records at most {MAX_POINTS} points, not {}", points.len());
            return Err(Rejection::field("too-many", "/points", detail));
        }
        let mut seen = BTreeSet::new();
        for (n, point) in points.iter().enumerate() {
            check(n, point, facts.now)?;
            if !seen.insert((point.time, &point.dimensions)) {
                let detail = "a point before it has the same time and dimensions; send one of them";
                return Err(Rejection::field("duplicate-point", format!("/points/{n}"), detail));
            }
        }
        Ok(vec![Event::PointsRecorded { points }])
    }

    fn apply(&mut self, _: &Event) {}
}

fn check(n: usize, point: &Point, now: Timestamp) -> Result<(), Rejection> {
    let at = |member: &str| format!("/points/{n}/{member}");
    if !point.value.is_finite() {
        return Err(Rejection::field(
            "not-finite",
            at("value"),
            "a value is a finite number",
        ));
    }
    if point.time > now.plus(AHEAD) {
        let detail = format!("the point lies in the future; it is {now} now");
        return Err(Rejection::field("in-the-future", at("time"), detail));
    }
    if now.since(point.time) > OLDEST {
        let detail = "the point is older than 90 days, and points are not kept longer";
        return Err(Rejection::field("too-old", at("time"), detail));
    }
    if point.dimensions.len() > MAX_DIMENSIONS {
        let detail = format!(
            "a point has at most {MAX_DIMENSIONS} dimensions, not {}",
            point.dimensions.len()
        );
        return Err(Rejection::field("too-many", at("dimensions"), detail));
    }
    for (name, value) in &point.dimensions {
        let is_name = |name: &str| {
            name.len() <= MAX_DIMENSION_NAME
                && name.starts_with(|c: char| c.is_ascii_lowercase())
                && name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
        };
        if !is_name(name) {
            let detail = format!(
                "the name of a dimension is a small letter and up to {} more, digits, _ and -",
                MAX_DIMENSION_NAME - 1
            );
            return Err(Rejection::field("dimension-name", at("dimensions"), detail));
        }
        text::line(&at(&format!("dimensions/{name}")), value, text::MAX_NAME)?;
    }
    Ok(())
}
