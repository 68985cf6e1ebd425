//! Annotations of GitHub Actions: one line for each finding.

use super::{Report, named};
use crate::finding::Severity;

/// The report as workflow commands.
pub fn write(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let level = match finding.severity {
            Severity::Note => "notice",
            other => named(other),
        };
        text.push_str(&format!(
            "::{level} file={},line={},col={},endColumn={},title={}::{}\n",
            property(&finding.file),
            finding.line,
            finding.column,
            finding.column + finding.length,
            property(&format!("headwater-audit {}", finding.rule)),
            data(&format!("{}. {}", finding.message, finding.fix)),
        ));
    }
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
