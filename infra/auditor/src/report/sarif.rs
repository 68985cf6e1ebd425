//! SARIF 2.1.0.

use super::{Report, named};
use crate::{rules::RULES, site::Confidence};
use serde_json::{Value, json};

/// The report as SARIF.
pub fn write(report: &Report) -> String {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": {"text": first_sentence(rule.page)},
                "help": {"text": rule.page, "markdown": rule.page},
                "defaultConfiguration": {"level": named(rule.severity)},
            })
        })
        .collect();
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            let rank = match finding.confidence {
                Confidence::High => 90.0,
                Confidence::Medium => 60.0,
                Confidence::Low => 30.0,
            };
            json!({
                "ruleId": finding.rule,
                "ruleIndex": RULES.iter().position(|rule| rule.id == finding.rule),
                "level": named(finding.severity),
                "rank": rank,
                "message": {"text": format!("{}. {}", finding.message, finding.fix)},
                "locations": [{"physicalLocation": {
                    "artifactLocation": {"uri": escaped(&finding.file), "uriBaseId": "SRCROOT"},
                    "region": {
                        "startLine": finding.line,
                        "startColumn": finding.column,
                        "endColumn": finding.column + finding.length,
                    },
                }}],
                "properties": {"engine": finding.engine, "monthly_cost": finding.monthly_cost},
            })
        })
        .collect();
    let whole = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "headwater-audit", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&whole).unwrap_or_default();
    text.push('\n');
    text
}

fn first_sentence(page: &str) -> &str {
    page.lines()
        .find_map(|line| line.strip_prefix("**What.** "))
        .unwrap_or(page)
}

/// A path as a URI reference.
fn escaped(path: &str) -> String {
    let mut made = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            made.push(byte as char);
        } else {
            made.push_str(&format!("%{byte:02X}"));
        }
    }
    made
}
