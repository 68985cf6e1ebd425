//! `/metrics`: the numbers of this process in Prometheus' text format. Labels are names of this system, never data; tenants appear only where
//! their number is bounded.

mod capacity;
mod projections;

use crate::admin::Admin;
use headwater_dynamodb::Databases;
use headwater_runtime::Runtime;
use projections::ParkedCounts;
use std::fmt::{Display, Write};

/// Writes what Prometheus reads. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Exporter {
    databases: Databases,
    admin: Admin,
    parked: ParkedCounts,
}

impl Exporter {
    pub(crate) fn new(databases: &Databases, admin: &Admin, runtime: &Runtime) -> Self {
        Self {
            databases: databases.clone(),
            admin: admin.clone(),
            parked: ParkedCounts::new(runtime),
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
        text
    }
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
