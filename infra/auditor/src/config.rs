//! `headwater-audit.toml`.

use crate::finding::Severity;
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

/// The name of the file in the audited folder.
pub const FILE: &str = "headwater-audit.toml";

/// What `init` writes.
pub const INITIAL: &str = "\
# What headwater-audit checks here. `headwater-audit explain RULE` tells what a rule means.

# Paths whose code may call DynamoDB; `*` stands for anything within a name, `**` for any folders.
# Without this they are found from the code, and the report says which.
# repositories = [\"src/repositories/**\"]

# Audit code that is for tests only too.
include_tests = false

# The level of a rule: \"error\", \"warning\", \"note\" or \"off\".
[rules]
# no-limit = \"off\"
";

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(String, std::io::Error),
    /// It is not as it should be.
    #[error("{0} is not as it should be: {1}")]
    Invalid(String, toml::de::Error),
    /// There is no such rule.
    #[error("{0} names the rule {1}, which does not exist; `headwater-audit explain` lists them")]
    UnknownRule(String, String),
}

/// The configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Paths whose code may call DynamoDB; none means that they are found.
    pub repositories: Vec<String>,
    /// Whether code for tests is audited.
    pub include_tests: bool,
    /// Levels of rules.
    pub rules: BTreeMap<String, Level>,
}

/// The level of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Not checked.
    Off,
    /// As a note.
    Note,
    /// As a warning.
    Warning,
    /// As an error.
    Error,
}

impl Level {
    /// The severity, of what is not off.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Off => None,
            Self::Note => Some(Severity::Note),
            Self::Warning => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
        }
    }
}

/// Reads the file; one that is not there is the default where `required` is not set.
pub fn read(path: &Path, required: bool) -> Result<Config, ConfigError> {
    let shown = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => return Ok(Config::default()),
        Err(error) => return Err(ConfigError::Unreadable(shown, error)),
    };
    let config: Config = toml::from_str(&text).map_err(|error| ConfigError::Invalid(shown.clone(), error))?;
    match config.rules.keys().find(|id| crate::rules::named(id).is_none()) {
        Some(unknown) => Err(ConfigError::UnknownRule(shown, unknown.clone())),
        None => Ok(config),
    }
}

/// Whether a path matches a pattern with `*` and `**`.
pub fn matches(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    parts_match(&pattern, &path)
}

fn parts_match(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        // A folder stands for all in it.
        (None, _) => true,
        (Some((&"**", rest)), _) => (0..=path.len()).any(|skip| parts_match(rest, &path[skip..])),
        (Some((part, rest)), Some((name, others))) => {
            name_matches(part.as_bytes(), name.as_bytes()) && parts_match(rest, others)
        }
        (Some(_), None) => false,
    }
}

fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|skip| name_matches(rest, &name[skip..])),
        Some((letter, rest)) => name.first() == Some(letter) && name_matches(rest, &name[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        assert!(matches("src/repositories", "src/repositories/orders.rs"));
        assert!(matches("src/*_store.rs", "src/order_store.rs"));
        assert!(matches("**/dynamo/**", "a/b/dynamo/c.rs"));
        assert!(!matches("src/*.rs", "src/a/b.rs"));
        assert!(!matches("src/repositories", "src/repository.rs"));
    }
}
