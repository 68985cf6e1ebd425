//! `headwater-audit`: finds how a Rust codebase uses DynamoDB, what that costs, and what to do instead. Any codebase; no network, and no compiler.

pub mod baseline;
pub mod config;
pub mod cost;
pub mod finding;
pub mod input;
pub mod model;
pub mod report;
pub mod repositories;
pub mod rules;
pub mod site;
pub mod source_engine;
pub mod suppression;
pub mod trace;

use std::path::Path;

/// Audits a folder: inventory, rules, costs, suppressions. `today` is `YYYY-MM-DD`.
pub fn audit(
    root: &Path,
    config: &config::Config,
    prices: &cost::Prices,
    usage: &cost::Usage,
    today: &str,
) -> report::Report {
    let mut inventory = source_engine::run(root);
    let repositories = repositories::mark(&mut inventory.sites, &config.repositories, &inventory.packages);
    let mut findings = rules::check(&inventory.sites, config);
    cost::price(&mut findings, &inventory.sites, prices, usage);
    let (suppressed, idle_suppressions) = suppression::apply(root, &mut findings, today);
    let mut report = report::Report {
        sites: inventory.sites,
        findings,
        summary: report::Summary {
            files: inventory.files,
            lines: inventory.lines,
            suppressed,
            prices: format!("{}, prices of {}", prices.region, prices.date),
            repositories,
            unread: inventory.unread,
            idle_suppressions,
            ..report::Summary::default()
        },
    };
    report.sum();
    report
}
