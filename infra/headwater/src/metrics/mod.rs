//! `/metrics`: the numbers of this process in Prometheus' text format. Labels are names of this system, never data; tenants appear only where
//! their number is bounded.

mod capacity;
mod projections;

use crate::admin::Admin;
use headwater_dynamodb::Databases;
use headwater_projectors::{DroppedPoints, Metrics};
use headwater_runtime::Runtime;
use projections::ParkedCounts;
use std::fmt::{Display, Write};

/// Writes what Prometheus reads. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Exporter {
    databases: Databases,
    admin: Admin,
    parked: ParkedCounts,
    stores: Metrics,
}

impl Exporter {
    pub(crate) fn new(databases: &Databases, admin: &Admin, stores: &Metrics, runtime: &Runtime) -> Self {
        Self {
            databases: databases.clone(),
            admin: admin.clone(),
            parked: ParkedCounts::new(runtime),
            stores: stores.clone(),
        }
    }

    /// All of it, as of now.
    pub(crate) async fn text(&self) -> String {
        // Both stores share one accounting, so one of them tells of both.
        let mut text = capacity::exposition(&self.databases.durable.accounting().snapshot());
        if let Some(lag) = self.admin.lag() {
            let parked = self.parked.now(&self.admin).await;
            text.push_str(&projections::exposition(&lag, &parked));
        }
        if let Some(dropped) = self.stores.dropped() {
            text.push_str(&exposition(dropped));
        }
        text
    }
}

/// Points that are in no metric store.
fn exposition(DroppedPoints { too_late, refused }: DroppedPoints) -> String {
    let mut text = String::new();
    let help = "Metric points that were dropped for good: too_late came after what is kept of their series, refused pass a limit of the store.";
    let lines = [("too_late", too_late), ("refused", refused)];
    family(
        &mut text,
        ("headwater_metric_points_dropped_total", "counter", help),
        lines.map(|(reason, points)| ([("reason", reason.to_owned())], points)),
    );
    text
}

/// One metric: its head, and a line for each of its labels' values.
fn family<L: AsRef<[(&'static str, String)]>, V: Display>(
    text: &mut String,
    (name, kind, help): (&str, &str, &str),
    lines: impl IntoIterator<Item = (L, V)>,
) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for (labels, value) in lines {
        let labels: Vec<String> = labels
            .as_ref()
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")))
            .collect();
        let _ = writeln!(text, "{name}{{{}}} {value}", labels.join(","));
    }
}
