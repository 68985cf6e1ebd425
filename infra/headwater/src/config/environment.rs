//! The environment: `dynamodb.region` is `HEADWATER_DYNAMODB_REGION`. No two keys have the same variable, so one underscore does for both
//! kinds of separation. Lists are separated by commas.

use std::collections::BTreeMap;

/// What begins all variables.
const PREFIX: &str = "HEADWATER_";
/// Variables of the command line, which are no keys.
pub(super) const COMMAND_LINE: &[&str] = &["HEADWATER_CONFIG", "HEADWATER_LOG", "HEADWATER_TOKEN"];

/// Variables that `dev` has too.
const OF_DEV: &[&str] = &["HEADWATER_DATA", "HEADWATER_GRPC", "HEADWATER_HTTP"];

/// Whether the environment configures a process of an installation.
pub(crate) fn is_in(names: impl IntoIterator<Item = String>) -> bool {
    let other = |name: &str| COMMAND_LINE.contains(&name) || OF_DEV.contains(&name);
    names.into_iter().any(|name| name.starts_with(PREFIX) && !other(&name))
}

/// The variables that are ours, by name. Empty ones count as not set, as an empty line of a compose file means.
pub(super) fn variables(all: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    all.into_iter()
        .filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty() && !COMMAND_LINE.contains(&name.as_str()))
        .collect()
}

/// The variable of a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}
