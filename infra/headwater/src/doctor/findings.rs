//! What was found: one line each.

use serde::Serialize;
use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// As it should be.
    Ok,
    /// It works, and should be otherwise.
    Warn,
    /// It does not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// What was looked at.
    pub(crate) check: String,
    /// What was found, and what to do.
    pub(crate) found: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "fail",
        };
        write!(f, "{level:4}  {}: {}", self.check, self.found)
    }
}

/// All of them, in the order in which they were looked at.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Findings {
    #[serde(rename = "checks")]
    all: Vec<Finding>,
}

impl Findings {
    pub(crate) fn ok(&mut self, check: impl Into<String>, found: impl Into<String>) {
        self.add(Level::Ok, check, found);
    }

    pub(crate) fn warn(&mut self, check: impl Into<String>, found: impl Into<String>) {
        self.add(Level::Warn, check, found);
    }

    pub(crate) fn fail(&mut self, check: impl Into<String>, found: impl Into<String>) {
        self.add(Level::Fail, check, found);
    }

    fn add(&mut self, level: Level, check: impl Into<String>, found: impl Into<String>) {
        let (check, found) = (check.into(), found.into());
        self.all.push(Finding { level, check, found });
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.all.iter()
    }

    pub(crate) fn count(&self, level: Level) -> usize {
        self.all.iter().filter(|finding| finding.level == level).count()
    }
}
