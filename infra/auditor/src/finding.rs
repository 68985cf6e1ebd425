//! What a rule found.

use crate::site::Confidence;
use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Costs money or hides data.
    Warning,
    /// Fails or is wrong at run time.
    Error,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// The file, relative to the root, with `/`.
    pub file: String,
    /// The line of the operation's method name, from 1.
    pub line: usize,
    /// Its column, from 1, in characters.
    pub column: usize,
    /// How many characters it has.
    pub length: usize,
    /// Which engine saw it.
    pub engine: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub fix: String,
    /// What it costs in a month, US dollars; where it can be told.
    pub monthly_cost: Option<f64>,
    /// The arithmetic of the cost, with what was assumed.
    pub cost_basis: Option<String>,
}
