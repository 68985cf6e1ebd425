//! Columns for people.

use super::say;

/// Prints lines below their heads, each column as wide as its widest cell. The last column is as long as it is.
pub(super) fn print<const N: usize>(heads: [&str; N], lines: Vec<[String; N]>) {
    let heads = heads.map(str::to_owned);
    let width = |column: usize| {
        let cells = std::iter::once(&heads)
            .chain(&lines)
            .map(|line| line[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    for line in std::iter::once(&heads).chain(&lines) {
        let padded = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        say(padded.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// A member of a JSON object as a cell.
pub(super) fn cell(object: &serde_json::Value, name: &str) -> String {
    match &object[name] {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}
