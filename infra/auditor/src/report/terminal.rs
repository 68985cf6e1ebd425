//! For people: findings by file with the line underlined, then the sums.

use super::{Report, named};
use crate::finding::{Finding, Severity};
use std::path::Path;

/// The report for a terminal; with `color` in colors.
pub fn write(report: &Report, root: &Path, color: bool) -> String {
    let mut text = String::new();
    let mut file = "";
    let mut lines: Vec<String> = Vec::new();
    for finding in &report.findings {
        if finding.file != file {
            file = &finding.file;
            lines = std::fs::read_to_string(root.join(file))
                .unwrap_or_default()
                .lines()
                .map(str::to_owned)
                .collect();
            text.push_str(&format!("{file}\n"));
        }
        one(&mut text, finding, lines.get(finding.line - 1), color);
    }
    let summary = &report.summary;
    if !summary.by_rule.is_empty() {
        text.push_str("rule                          findings\n");
        for (rule, count) in &summary.by_rule {
            text.push_str(&format!("{rule:<30}{count:>8}\n"));
        }
        text.push('\n');
    }
    for line in &summary.repositories {
        text.push_str(&format!("repository: {line}\n"));
    }
    for unread in &summary.unread {
        text.push_str(&format!("not audited: {} ({})\n", unread.file, unread.reason));
    }
    for idle in &summary.idle_suppressions {
        text.push_str(&format!("suppression in {}:{} {}\n", idle.file, idle.line, idle.reason));
    }
    text.push_str(&format!(
        "{} findings, {} suppressed, {} known; {} calls ({} in tests) in {} files, {} lines\n",
        summary.findings,
        summary.suppressed,
        summary.known,
        summary.sites,
        summary.sites_in_tests,
        summary.files,
        summary.lines
    ));
    if summary.monthly_cost > 0.0 {
        text.push_str(&format!("${:.2} a month ({})\n", summary.monthly_cost, summary.prices));
    }
    text
}

fn one(text: &mut String, finding: &Finding, line: Option<&String>, color: bool) {
    let (on, off) = match (color, finding.severity) {
        (false, _) => ("", ""),
        (true, Severity::Error) => ("\u{1b}[31m", "\u{1b}[0m"),
        (true, Severity::Warning) => ("\u{1b}[33m", "\u{1b}[0m"),
        (true, Severity::Note) => ("\u{1b}[36m", "\u{1b}[0m"),
    };
    text.push_str(&format!(
        "  {}:{} {on}{}{off} {} ({}, {} confidence)\n    {}\n",
        finding.line,
        finding.column,
        named(finding.severity),
        finding.rule,
        finding.engine,
        format!("{:?}", finding.confidence).to_lowercase(),
        finding.message,
    ));
    if let Some(line) = line {
        // The part around the call, so that a long line does not fill the screen.
        let letters: Vec<char> = line.chars().collect();
        let start = letters.iter().position(|letter| !letter.is_whitespace()).unwrap_or(0);
        let start = start.max(finding.column.saturating_sub(80));
        let shown: String = letters
            .iter()
            .skip(start)
            .take(120)
            .map(|letter| if letter.is_control() { ' ' } else { *letter })
            .collect();
        let before = (finding.column - 1).saturating_sub(start);
        text.push_str(&format!(
            "      | {shown}\n      | {}{on}{}{off}\n",
            " ".repeat(before),
            "^".repeat(finding.length)
        ));
    }
    text.push_str(&format!("    fix: {}\n", finding.fix));
    if let (Some(cost), Some(basis)) = (finding.monthly_cost, &finding.cost_basis) {
        text.push_str(&format!("    cost: ${cost:.2} a month = {basis}\n"));
    }
    text.push('\n');
}
