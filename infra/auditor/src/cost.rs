//! What a finding costs in a month: from measured usage, or from assumptions that are said. On demand, in us-east-1.

use crate::{finding::Finding, site::Site};
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

/// Prices, with their date.
#[derive(Clone, Debug, Deserialize)]
pub struct Prices {
    /// Since when they are so.
    pub date: String,
    /// Where.
    pub region: String,
    /// A million read units on demand.
    pub read_units_million: f64,
    /// A million write units on demand.
    pub write_units_million: f64,
    /// A provisioned read unit for an hour.
    pub provisioned_read_unit_hour: f64,
    /// A provisioned write unit for an hour.
    pub provisioned_write_unit_hour: f64,
    /// A gigabyte stored for a month.
    pub storage_gb_month: f64,
}

/// What was measured: tables by name, calls by `file:line`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Usage {
    /// Tables.
    pub tables: BTreeMap<String, Table>,
    /// How often a call runs in a month, by `file:line`.
    pub calls: BTreeMap<String, f64>,
}

/// What was measured of a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// How many items it has.
    pub items: f64,
    /// How large one is on average, bytes.
    pub item_bytes: f64,
}

/// Assumed where nothing was measured: a table of a million items of 1 KB, and a call an hour.
const ITEMS: f64 = 1_000_000.0;
const ITEM_BYTES: f64 = 1_024.0;
const CALLS: f64 = 730.0;

/// Why usage or prices cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CostError {
    /// The file cannot be read.
    #[error("cannot read the usage file: {0}")]
    Io(#[from] std::io::Error),
    /// It is not as it should be.
    #[error("the usage file is not as it should be: {0}")]
    Invalid(#[from] toml::de::Error),
}

/// The prices that this version has.
///
/// # Errors
/// When the file that is built in is not as it should be.
pub fn prices() -> Result<Prices, CostError> {
    Ok(toml::from_str(include_str!("../prices.toml"))?)
}

/// Reads measured usage.
///
/// # Errors
/// When the file cannot be read, or is not as it should be.
pub fn usage(path: &Path) -> Result<Usage, CostError> {
    Ok(toml::from_str(&std::fs::read_to_string(path)?)?)
}

/// Gives findings of scans and batches of pages their cost, with the arithmetic.
pub fn price(findings: &mut [Finding], sites: &[Site], prices: &Prices, usage: &Usage) {
    for finding in findings {
        let Some(site) = sites
            .iter()
            .find(|site| site.file == finding.file && site.line == finding.line && site.column == finding.column)
        else {
            continue;
        };
        let measured = site.table.as_ref().and_then(|name| usage.tables.get(name));
        let (items, bytes) = measured.map_or((ITEMS, ITEM_BYTES), |table| (table.items, table.item_bytes));
        let calls = usage.calls.get(&format!("{}:{}", site.file, site.line)).copied();
        let of_table = if measured.is_some() { "measured" } else { "assumed" };
        let of_calls = if calls.is_some() { "measured" } else { "assumed" };
        let calls = calls.unwrap_or(CALLS);
        let each = if site.consistent { 1.0 } else { 0.5 };
        let (size, what) = match finding.rule.as_str() {
            "scan" if site.paging == Some(crate::site::Paging::None) => {
                ((items * bytes).min(1_048_576.0), "the first 1 MB")
            }
            "scan" => (items * bytes, "the table"),
            "no-limit" => ((items * bytes).min(1_048_576.0), "up to 1 MB"),
            _ => continue,
        };
        let units = (size / 4_096.0).ceil() * each;
        let cost = units * calls * prices.read_units_million / 1e6;
        finding.monthly_cost = Some((cost * 100.0).round() / 100.0);
        finding.cost_basis = Some(format!(
            "{calls:.0} calls ({of_calls}) × {units:.1} read units for {what} ({items:.0} items of {bytes:.0} bytes, {of_table}) × ${} a million",
            prices.read_units_million
        ));
    }
}
