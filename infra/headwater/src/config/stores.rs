//! Which stores a process has, and what is refused because another process could not see it.

use super::{
    Adapter, Role,
    reader::{Reader, hint},
};
use headwater_dynamodb::AwsConfig;
use headwater_kernel::Region;
use std::{collections::BTreeSet, path::Path};

pub(super) fn names(roles: &BTreeSet<Role>) -> String {
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    names.join(", ")
}

/// One of a few words.
pub(super) fn choice(
    reader: &mut Reader,
    key: &str,
    words: &'static [&'static str],
    usual: &'static str,
) -> Option<&'static str> {
    let Some(word) = reader.text(key) else {
        return Some(usual);
    };
    let found = words.iter().find(|known| **known == word).copied();
    if found.is_none() {
        let hint = hint(&word, words.iter().copied(), str::to_owned);
        reader.refuse(key, format!("{key} cannot be {word:?}; {hint}"));
    }
    found
}

/// Refuses a store inside this process that does not both fill it and answer from it.
pub(super) fn one_process(reader: &mut Reader, roles: &BTreeSet<Role>, key: &str, what: impl FnOnce(&str) -> String) {
    if !(roles.contains(&Role::Project) && roles.contains(&Role::Query)) {
        reader.refuse(key, what(&names(roles)));
    }
}

/// `[dynamodb]`: where the tables are, and the region whose tenants live there.
pub(super) fn tables(
    reader: &mut Reader,
    roles: &BTreeSet<Role>,
    data: Option<&Path>,
) -> (Option<Adapter>, Option<Region>) {
    let adapter = choice(reader, "dynamodb.adapter", &["aws", "embedded"], "aws");
    let region = reader.text("dynamodb.region");
    let endpoint_url = reader.text("dynamodb.endpoint");
    let table_prefix = reader.text("dynamodb.table_prefix").unwrap_or_default();
    let create_tables = reader.flag("dynamodb.create_tables").unwrap_or(false);
    let home = reader.parsed::<Region>("dynamodb.data_region", "us or eu");
    if let Some(url) = &endpoint_url
        && !url.starts_with("http://")
        && !url.starts_with("https://")
    {
        reader.refuse(
            "dynamodb.endpoint",
            format!("dynamodb.endpoint must be a URL such as http://127.0.0.1:8000, and is {url:?}"),
        );
    }
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !table_prefix.bytes().all(letters) {
        reader.refuse(
            "dynamodb.table_prefix",
            format!("dynamodb.table_prefix may have letters, digits, - _ and . and is {table_prefix:?}"),
        );
    }
    if adapter == Some("embedded") {
        for (key, given) in [
            ("dynamodb.region", region.is_some()),
            ("dynamodb.endpoint", endpoint_url.is_some()),
        ] {
            if given {
                reader.refuse(key, format!("{key} says nothing to the embedded engine; leave it out"));
            }
        }
        if roles.len() < Role::ALL.len() {
            let what = format!(
                "the embedded engine belongs to one process, which needs all roles; this one has {}",
                names(roles)
            );
            reader.refuse("dynamodb.adapter", what);
        }
        if data.is_none() {
            reader.refuse("data", "data is missing: the embedded engine needs a data folder");
        }
        return (Some(Adapter::Embedded), Some(home.unwrap_or(Region::Us)));
    }
    let Some(region) = region else {
        if adapter.is_some() {
            reader.refuse(
                "dynamodb.region",
                "dynamodb.region is missing: the AWS region of the tables, such as us-east-1",
            );
        }
        return (None, home);
    };
    let derived = match region.split('-').next() {
        Some("us") => Some(Region::Us),
        Some("eu") => Some(Region::Eu),
        _ => None,
    };
    if home.or(derived).is_none() {
        let what =
            format!("dynamodb.data_region is missing: say whether the tables of {region} hold tenants of us or eu");
        reader.refuse("dynamodb.data_region", what);
    }
    let config = AwsConfig {
        region,
        endpoint_url,
        table_prefix,
    };
    (Some(Adapter::Aws { config, create_tables }), home.or(derived))
}
