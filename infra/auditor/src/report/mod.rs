//! What an audit found, and the forms that it is shown in.

pub mod annotations;
pub mod json;
pub mod markdown;
pub mod sarif;
pub mod terminal;

use crate::{
    finding::{Finding, Severity},
    input::walk::Unread,
    site::Site,
    suppression::Idle,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All that an audit found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Every call.
    pub sites: Vec<Site>,
    /// What rules found.
    pub findings: Vec<Finding>,
    /// The sums.
    pub summary: Summary,
}

/// The sums of an audit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Files that were audited.
    pub files: usize,
    /// Their lines.
    pub lines: usize,
    /// Calls.
    pub sites: usize,
    /// Calls in code for tests only.
    pub sites_in_tests: usize,
    /// Findings.
    pub findings: usize,
    /// Findings by severity.
    pub by_severity: BTreeMap<String, usize>,
    /// Findings by rule.
    pub by_rule: BTreeMap<String, usize>,
    /// Findings that a comment in the code suppresses.
    pub suppressed: usize,
    /// Findings that the baseline knows.
    pub known: usize,
    /// What all findings with a cost come to in a month, US dollars.
    pub monthly_cost: f64,
    /// What the costs rest on.
    pub prices: String,
    /// What was taken for repositories, and why.
    pub repositories: Vec<String>,
    /// Files that were not audited.
    pub unread: Vec<Unread>,
    /// Suppressions that do nothing.
    pub idle_suppressions: Vec<Idle>,
}

impl Report {
    /// The sums over the findings as they are now.
    pub fn sum(&mut self) {
        let summary = &mut self.summary;
        summary.sites = self.sites.len();
        summary.sites_in_tests = self.sites.iter().filter(|site| site.in_test).count();
        summary.findings = self.findings.len();
        summary.by_rule.clear();
        summary.by_severity.clear();
        summary.monthly_cost = 0.0;
        // A call may have several findings; what it costs counts once.
        let mut dearest: BTreeMap<(&str, usize, usize), f64> = BTreeMap::new();
        for finding in &self.findings {
            *summary.by_rule.entry(finding.rule.clone()).or_default() += 1;
            *summary
                .by_severity
                .entry(named(finding.severity).to_owned())
                .or_default() += 1;
            if let Some(cost) = finding.monthly_cost {
                let known = dearest
                    .entry((&finding.file, finding.line, finding.column))
                    .or_default();
                *known = known.max(cost);
            }
        }
        summary.monthly_cost = (dearest.values().sum::<f64>() * 100.0).round() / 100.0;
    }

    /// Whether any finding is at least that bad.
    pub fn fails(&self, at: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity >= at)
    }
}

/// The name of a severity.
pub fn named(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
