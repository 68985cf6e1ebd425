//! What tells a variant from its product's others: options such as size and colour, with a value each.

use crate::names;
use headwater_kernel::{Rejection, text};
use std::collections::{BTreeMap, BTreeSet};

/// Most options of one variant. Search indexes every combination of a variant's options, which grow as two to this power.
pub const MAX_OPTIONS: usize = 5;

/// Most characters of an option's name.
const MAX_NAME: usize = 100;

/// Most characters of an option's value.
const MAX_VALUE: usize = 200;

/// Values by the names of the options: `{"colour": "red", "size": "XL"}`.
pub type Options = BTreeMap<String, String>;

/// The form in which two sets of options are the same: whatever the case of names and values, and how they are spaced.
pub(super) fn folded(options: &Options) -> BTreeMap<String, String> {
    let fold = |(name, value): (&String, &String)| (names::folded(name), names::folded(value));
    options.iter().map(fold).collect()
}

/// Checks that there are some and not too many, that names and values are visible and bounded, and that no two names differ in case or
/// spaces alone.
pub(super) fn check(options: &Options) -> Result<(), Rejection> {
    if options.is_empty() {
        let detail = "a variant has at least one option, such as a size or a colour";
        return Err(Rejection::field("no-options", "/options", detail));
    }
    if options.len() > MAX_OPTIONS {
        let detail = format!("there are {} options; at most {MAX_OPTIONS} are allowed", options.len());
        return Err(Rejection::field("too-many", "/options", detail));
    }
    let mut seen = BTreeSet::new();
    for (name, value) in options {
        // A pointer with the name as it came, but no longer than what a name may be.
        let shown: String = name.chars().take(MAX_NAME).collect();
        let pointer = format!("/options/{}", shown.replace('~', "~0").replace('/', "~1"));
        // `$` begins what the formats keep for themselves, such as the envelope of personal data.
        if name.starts_with('$') {
            let detail = "the name of an option cannot begin with $";
            return Err(Rejection::field("reserved-name", pointer, detail));
        }
        text::line(&pointer, name, MAX_NAME)?;
        text::line(&pointer, value, MAX_VALUE)?;
        if !seen.insert(names::folded(name)) {
            let detail = "another option has the same name but for case or spaces; keep one of them";
            return Err(Rejection::field("duplicate-option", pointer, detail));
        }
    }
    Ok(())
}
