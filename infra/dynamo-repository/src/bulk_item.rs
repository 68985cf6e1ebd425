//! An item of one generation as a whole: its key, what it holds, what writing it takes, and whether two hold the same.

use crate::{
    attributes::{Item, text, to_attribute},
    canonical::{Canonical, canonical},
};
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

/// The full key of an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// The table, without a prefix.
    pub table: &'static str,
    /// Its partition key.
    pub partition: String,
    /// Its sort key.
    pub sort: String,
}

impl ItemKey {
    pub(crate) fn item(&self) -> Item {
        Item::from([
            ("PK".to_owned(), text(&self.partition)),
            ("SK".to_owned(), text(&self.sort)),
        ])
    }
}

/// An item as it is, or should be, stored.
#[derive(Debug, Clone)]
pub struct BulkItem {
    pub(crate) key: ItemKey,
    pub(crate) version: u64,
    pub(crate) item: Item,
}

impl BulkItem {
    /// Where it is.
    pub fn key(&self) -> &ItemKey {
        &self.key
    }

    /// The version of its source that it shows; 0 when it has none.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The write units that putting it takes, about: a unit for each KB begun, in the table and in each index that it is in.
    pub fn write_units(&self) -> f64 {
        let indexes = self
            .item
            .keys()
            .filter(|name| name.starts_with("GSI") && name.ends_with("PK"))
            .count();
        let bytes: usize = self.item.iter().map(|(name, value)| name.len() + bytes(value)).sum();
        #[allow(clippy::cast_precision_loss, reason = "an item has at most 400 KB")]
        let units = (bytes.div_ceil(1_024).max(1) * (1 + indexes)) as f64;
        units
    }

    /// Whether both hold the same, whichever generations they are of; with `version`, also at the same version.
    pub fn has_content_of(&self, other: &Self, version: bool) -> bool {
        self.content(version) == other.content(version)
    }

    /// A checksum of its content, the generation left out, and with `version` of its version. That of a whole is the wrapping sum over
    /// its items, in any order.
    pub fn checksum(&self, version: bool) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.content(version).hash(&mut hasher);
        hasher.finish()
    }

    /// All attributes, the generation left out of the keys.
    fn content(&self, version: bool) -> BTreeMap<&str, Canonical> {
        let of = |(name, value)| {
            let name: &String = name;
            let value = match canonical(value) {
                Canonical::Text(key) if name.ends_with("PK") => {
                    let end = key.rfind("#~").unwrap_or(key.len());
                    Canonical::Text(key[..end].to_owned())
                }
                // The order of members in it says nothing.
                Canonical::Text(state) if name == "state" && self.is_head() => {
                    match serde_json::from_str::<serde_json::Value>(&state) {
                        Ok(state) => canonical(&to_attribute(state)),
                        Err(_) => Canonical::Foreign(state),
                    }
                }
                value => value,
            };
            (name.as_str(), value)
        };
        let wanted = |(name, _): &(&String, _)| version || name.as_str() != "version";
        self.item.iter().filter(wanted).map(of).collect()
    }

    /// Whether it is a head of its own.
    pub(crate) fn is_head(&self) -> bool {
        self.key.sort == "HEAD"
    }

    /// The state of a head of its own.
    pub fn head_state(&self) -> Option<serde_json::Value> {
        serde_json::from_str(self.item.get("state")?.as_s().ok()?).ok()
    }
}

/// What a value takes, about.
pub(crate) fn bytes(value: &aws_sdk_dynamodb::types::AttributeValue) -> usize {
    use aws_sdk_dynamodb::types::AttributeValue::{L, M, N, S};
    match value {
        S(text) => text.len(),
        N(digits) => digits.len() / 2 + 2,
        L(items) => 3 + items.iter().map(|item| 1 + bytes(item)).sum::<usize>(),
        M(members) => {
            3 + members
                .iter()
                .map(|(name, item)| 1 + name.len() + bytes(item))
                .sum::<usize>()
        }
        _ => 1,
    }
}

/// An item as it was read.
pub(crate) fn stored(table: &'static str, item: Item) -> BulkItem {
    let part = |name: &str| {
        let value = item.get(name).and_then(|value| value.as_s().ok());
        value.cloned().unwrap_or_default()
    };
    let version = item
        .get("version")
        .and_then(|value| value.as_n().ok()?.parse().ok())
        .unwrap_or(0);
    BulkItem {
        key: ItemKey {
            table,
            partition: part("PK"),
            sort: part("SK"),
        },
        version,
        item,
    }
}
