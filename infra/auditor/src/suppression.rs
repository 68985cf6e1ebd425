//! `// headwater-audit: allow(rule, ..) reason="…" until=2027-01-01` in the code: on the line of a finding, above its statement, or with `allow-file` for the file.

use crate::finding::Finding;
use std::{collections::BTreeMap, path::Path};

const MARK: &str = "headwater-audit: allow";

/// How far above a finding, in lines without a blank one between, a comment counts: a chain of calls is one statement.
const REACH: usize = 12;

/// A suppression that does nothing, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Idle {
    /// The file.
    pub file: String,
    /// The line.
    pub line: usize,
    /// Why.
    pub reason: String,
}

struct Comment {
    line: usize,
    rules: Vec<String>,
    whole_file: bool,
    used: bool,
}

/// Takes out what is suppressed. `today` is `YYYY-MM-DD`. Answers how many were taken out, and the suppressions that do nothing.
pub fn apply(root: &Path, findings: &mut Vec<Finding>, today: &str) -> (usize, Vec<Idle>) {
    let mut by_file: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for finding in findings.drain(..) {
        by_file.entry(finding.file.clone()).or_default().push(finding);
    }
    let mut idle = Vec::new();
    let mut suppressed = 0;
    for (file, of_file) in by_file {
        let text = std::fs::read_to_string(root.join(&file)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let mut comments = read(&file, &lines, today, &mut idle);
        for finding in of_file {
            let matching = comments.iter_mut().find(|comment| {
                comment.rules.contains(&finding.rule)
                    && (comment.whole_file || reaches(comment.line, finding.line, &lines))
            });
            match matching {
                Some(comment) => {
                    comment.used = true;
                    suppressed += 1;
                }
                None => findings.push(finding),
            }
        }
        idle.extend(comments.iter().filter(|comment| !comment.used).map(|comment| Idle {
            file: file.clone(),
            line: comment.line,
            reason: "suppresses nothing".into(),
        }));
    }
    idle.sort();
    (suppressed, idle)
}

fn read(file: &str, lines: &[&str], today: &str, idle: &mut Vec<Idle>) -> Vec<Comment> {
    let mut comments = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((before, after)) = line.split_once(MARK) else {
            continue;
        };
        if !before.contains("//") {
            continue;
        }
        let mut refuse = |reason: &str| {
            idle.push(Idle {
                file: file.to_owned(),
                line: at + 1,
                reason: reason.to_owned(),
            });
        };
        let whole_file = after.starts_with("-file");
        let Some((rules, rest)) = after.split_once('(').and_then(|(_, rest)| rest.split_once(')')) else {
            refuse("names no rule: write allow(rule)");
            continue;
        };
        let reason = rest
            .split_once("reason=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map(|(reason, _)| reason);
        if reason.is_none_or(|reason| reason.trim().is_empty()) {
            refuse("has no reason: add reason=\"…\"");
            continue;
        }
        if let Some((_, until)) = rest.split_once("until=") {
            let until = until.split_whitespace().next().unwrap_or_default();
            let dated = until.len() == 10
                && until.bytes().enumerate().all(|(at, byte)| {
                    if at == 4 || at == 7 {
                        byte == b'-'
                    } else {
                        byte.is_ascii_digit()
                    }
                });
            if !dated {
                refuse("its until is no date: write until=YYYY-MM-DD");
                continue;
            }
            if until < today {
                refuse("has expired");
                continue;
            }
        }
        comments.push(Comment {
            line: at + 1,
            rules: rules.split(',').map(|rule| rule.trim().to_owned()).collect(),
            whole_file,
            used: false,
        });
    }
    comments
}

/// Whether a comment in one line counts for a finding in another.
fn reaches(comment: usize, finding: usize, lines: &[&str]) -> bool {
    if comment == finding {
        return true;
    }
    if comment > finding || finding - comment > REACH {
        return false;
    }
    // Nothing that ends a statement in between.
    lines[comment..finding - 1].iter().all(|line| {
        let line = line.trim();
        !line.is_empty() && (line.starts_with("//") || !line.ends_with([';', '}', ',']))
    })
}
