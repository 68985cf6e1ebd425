//! Markdown, for the quarterly report.

use super::{Report, named};

/// The report as Markdown.
pub fn write(report: &Report) -> String {
    let summary = &report.summary;
    let mut text = format!(
        "# DynamoDB audit\n\n{} calls ({} in tests) in {} files, {} lines. {} findings",
        summary.sites, summary.sites_in_tests, summary.files, summary.lines, summary.findings
    );
    if summary.monthly_cost > 0.0 {
        text.push_str(&format!(", ${:.2} a month ({})", summary.monthly_cost, summary.prices));
    }
    text.push_str(".\n");
    if !summary.by_rule.is_empty() {
        text.push_str("\n| rule | findings |\n|---|---|\n");
        for (rule, count) in &summary.by_rule {
            text.push_str(&format!("| {rule} | {count} |\n"));
        }
        text.push_str("\n| where | rule | level | what | a month |\n|---|---|---|---|---|\n");
        for finding in &report.findings {
            let cost = finding.monthly_cost.map_or(String::new(), |cost| format!("${cost:.2}"));
            text.push_str(&format!(
                "| {}:{} | {} | {} | {} | {cost} |\n",
                cell(&finding.file),
                finding.line,
                finding.rule,
                named(finding.severity),
                cell(&finding.message),
            ));
        }
    }
    text.push_str("\n## Calls\n\n| where | operation | table | paging | repository |\n|---|---|---|---|---|\n");
    for site in report.sites.iter().filter(|site| !site.in_test) {
        let table = match (&site.table, &site.table_expression) {
            (Some(name), _) => cell(name),
            (None, Some(expression)) => format!("`{}`", cell(expression)),
            _ => String::new(),
        };
        let paging = site.paging.map_or_else(String::new, |paging| {
            serde_json::to_value(paging)
                .ok()
                .and_then(|value| value.as_str().map(str::to_owned))
                .unwrap_or_default()
        });
        let repository = if site.in_repository { "yes" } else { "no" };
        text.push_str(&format!(
            "| {}:{} | {} | {table} | {paging} | {repository} |\n",
            cell(&site.file),
            site.line,
            site.operation
        ));
    }
    for unread in &summary.unread {
        text.push_str(&format!("\nNot audited: {} ({})\n", unread.file, unread.reason));
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
