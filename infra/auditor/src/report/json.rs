//! JSON; its schema is `schema.json` beside the README.

use super::Report;

/// The schema of the report.
pub const SCHEMA: &str = include_str!("../../schema.json");

/// The report as JSON.
pub fn write(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}
