//! Known findings, so that only new ones fail. A finding is known by its rule, file and the text of its line, so that it may move.

use crate::finding::Finding;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// Why a baseline cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It cannot be read or written.
    #[error("cannot read or write the baseline: {0}")]
    Io(#[from] std::io::Error),
    /// It is not as it should be.
    #[error("the baseline is not as it should be: {0}; make it anew with --write-baseline")]
    Invalid(#[from] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct Entry {
    rule: String,
    file: String,
    text: String,
    count: usize,
}

type Key = (String, String, String);

fn keyed(root: &Path, findings: &[Finding]) -> Vec<Key> {
    let mut texts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    findings
        .iter()
        .map(|finding| {
            let lines = texts.entry(&finding.file).or_insert_with(|| {
                let text = std::fs::read_to_string(root.join(&finding.file)).unwrap_or_default();
                text.lines().map(|line| line.trim().to_owned()).collect()
            });
            let text = lines.get(finding.line - 1).cloned().unwrap_or_default();
            (finding.rule.clone(), finding.file.clone(), text)
        })
        .collect()
}

/// Writes the findings down as known.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, root: &Path, findings: &[Finding]) -> Result<(), BaselineError> {
    let mut counts: BTreeMap<Key, usize> = BTreeMap::new();
    for key in keyed(root, findings) {
        *counts.entry(key).or_default() += 1;
    }
    let entries: Vec<Entry> = counts
        .into_iter()
        .map(|((rule, file, text), count)| Entry {
            rule,
            file,
            text,
            count,
        })
        .collect();
    let mut text = serde_json::to_string_pretty(&entries)?;
    text.push('\n');
    Ok(std::fs::write(path, text)?)
}

/// Takes out what is known; answers how many.
///
/// # Errors
/// When the file cannot be read, or is no baseline.
pub fn apply(path: &Path, root: &Path, findings: &mut Vec<Finding>) -> Result<usize, BaselineError> {
    let entries: Vec<Entry> = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let mut left: BTreeMap<Key, usize> = entries
        .into_iter()
        .map(|entry| ((entry.rule, entry.file, entry.text), entry.count))
        .collect();
    let before = findings.len();
    let keys = keyed(root, findings);
    let mut keys = keys.into_iter();
    findings.retain(|_| {
        let Some(key) = keys.next() else { return true };
        match left.get_mut(&key) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        }
    });
    Ok(before - findings.len())
}
