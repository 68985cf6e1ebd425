//! Words that mean the same.

use crate::names;
use headwater_kernel::{Rejection, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most groups of a tenant.
pub const MAX_GROUPS: usize = 1_000;
/// Most terms of a group, on both sides.
pub const MAX_TERMS: usize = 20;
/// Most characters of a term.
const MAX_TERM: usize = 100;
/// Most bytes of all terms: with quotes and names they stay well below what a commit and a row may hold.
const MAX_BYTES: usize = 128 * 1024;

/// Terms that mean the same, each a word or several: `tv`, `flat screen`. Case, accents, hyphens and plurals make no difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct SynonymGroup {
    /// The terms. Who searches for one of them also finds what `finds` says, or without it what has another of them.
    #[schemars(length(min = 1, max = 20))]
    pub terms: Vec<String>,
    /// What is found too, but does not find `terms`: `notebook` finds `laptop`, and `laptop` no `notebook`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub finds: Vec<String>,
}

/// Checks all groups.
pub(super) fn check(groups: &[SynonymGroup]) -> Result<(), Rejection> {
    if groups.len() > MAX_GROUPS {
        let detail = format!("there are {} groups; at most {MAX_GROUPS} are allowed", groups.len());
        return Err(Rejection::field("too-many", "/groups", detail));
    }
    let mut bytes = 0;
    for (index, group) in groups.iter().enumerate() {
        group.check(&format!("/groups/{index}"))?;
        bytes += group.terms.iter().chain(&group.finds).map(String::len).sum::<usize>();
    }
    if bytes > MAX_BYTES {
        let detail = format!("the terms take {bytes} bytes; at most {MAX_BYTES} are allowed");
        return Err(Rejection::field("too-large", "/groups", detail));
    }
    Ok(())
}

impl SynonymGroup {
    fn check(&self, pointer: &str) -> Result<(), Rejection> {
        let all = self.terms.len() + self.finds.len();
        if all > MAX_TERMS {
            let detail = format!("the group has {all} terms; at most {MAX_TERMS} are allowed");
            return Err(Rejection::field("too-many", pointer, detail));
        }
        let least = if self.finds.is_empty() { 2 } else { 1 };
        if self.terms.len() < least {
            let detail = "a group has at least two terms, or one and what it finds";
            return Err(Rejection::field("too-few", format!("{pointer}/terms"), detail));
        }
        let mut seen = BTreeSet::new();
        for (side, terms) in [("terms", &self.terms), ("finds", &self.finds)] {
            for (index, term) in terms.iter().enumerate() {
                let pointer = format!("{pointer}/{side}/{index}");
                text::line(&pointer, term, MAX_TERM)?;
                if !term.chars().any(char::is_alphanumeric) {
                    let detail = "a term has at least one letter or digit";
                    return Err(Rejection::field("no-word", pointer, detail));
                }
                if !seen.insert(names::folded(term)) {
                    let detail = "an earlier term of the group is the same; keep one of them";
                    return Err(Rejection::field("duplicate-term", pointer, detail));
                }
            }
        }
        Ok(())
    }
}
