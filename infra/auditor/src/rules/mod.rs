//! The rules. Each is a pure function of the inventory, with a page that explains it.

mod reads;
mod writes;

use crate::{
    finding::{Finding, Severity},
    site::Site,
};

/// A rule.
pub struct Rule {
    /// Its id.
    pub id: &'static str,
    /// How bad its findings are, unless the configuration says otherwise.
    pub severity: Severity,
    /// What, why, cost, how to fix, when it is fine.
    pub page: &'static str,
    /// Finds.
    pub check: fn(&[Site]) -> Vec<Match>,
}

/// A site that a rule found, and what it says of it.
pub struct Match {
    /// The site's number.
    pub site: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub fix: &'static str,
}

macro_rules! rule {
    ($id:literal, $severity:ident, $check:path) => {
        Rule {
            id: $id,
            severity: Severity::$severity,
            page: include_str!(concat!("../../rules/", $id, ".md")),
            check: $check,
        }
    };
}

/// All rules, by id.
pub const RULES: &[Rule] = &[
    rule!("consistent-read-on-index", Error, reads::consistent_on_index),
    rule!("filter-after-read", Note, reads::filter),
    rule!("no-limit", Note, reads::no_limit),
    rule!("read-modify-write", Warning, writes::read_modify_write),
    rule!("scan", Warning, reads::scan),
    rule!("sdk-bypass", Warning, writes::bypass),
    rule!("serial-writes", Note, writes::serial),
    rule!("swallowed-condition-failure", Warning, writes::swallowed),
    rule!("transaction-for-one-item", Note, writes::single_transaction),
    rule!("unpaged-read", Warning, reads::unpaged),
    rule!("unprocessed-items", Warning, writes::unprocessed),
];

/// The rule of that id.
pub fn named(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// What all rules find, by file, line, column and rule.
pub fn check(sites: &[Site], config: &crate::config::Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        let severity = match config.rules.get(rule.id) {
            Some(level) => level.severity(),
            None => Some(rule.severity),
        };
        let Some(severity) = severity else { continue };
        for found in (rule.check)(sites) {
            let site = &sites[found.site];
            if site.in_test && !config.include_tests {
                continue;
            }
            findings.push(Finding {
                rule: rule.id.to_owned(),
                severity,
                file: site.file.clone(),
                line: site.line,
                column: site.column,
                length: site.operation.chars().count(),
                engine: site.engine.clone(),
                confidence: site.confidence,
                message: found.message,
                fix: found.fix.to_owned(),
                monthly_cost: None,
                cost_basis: None,
            });
        }
    }
    findings.sort_by(|a, b| (&a.file, a.line, a.column, &a.rule).cmp(&(&b.file, b.line, b.column, &b.rule)));
    findings
}

/// `the table orders`, where it is known.
fn table(site: &Site) -> String {
    match (&site.table, &site.table_expression) {
        (Some(name), _) => format!("table {name}"),
        (None, Some(expression)) => format!("table `{expression}`"),
        _ => "its table".to_owned(),
    }
}

fn each(sites: &[Site], found: impl Fn(&Site) -> Option<String>, fix: &'static str) -> Vec<Match> {
    sites
        .iter()
        .enumerate()
        .filter_map(|(site, of)| found(of).map(|message| Match { site, message, fix }))
        .collect()
}
