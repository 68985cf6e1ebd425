//! Cursors: the key after which a page goes on, authenticated and bound to tenant, projection, generation and query.

use crate::{Error, attributes::Item, attributes::text};
use headwater_dynamo_schema::Range;
use headwater_tenancy::{SealingKey, TenantScope};
use std::collections::BTreeMap;

/// `partition` is the key with projection and generation in it: in another generation the place would be another.
fn purpose(partition: &str, range: &Range) -> String {
    format!("cursor\u{1}{partition}\u{1}{}", range.fingerprint())
}

pub(crate) fn seal(key: &SealingKey, scope: &TenantScope, partition: &str, range: &Range, last: &Item) -> String {
    let names = ["PK", "SK"]
        .map(str::to_owned)
        .into_iter()
        .chain(range.index().into_iter().flat_map(index_attributes));
    let place: BTreeMap<String, &str> = names
        .filter_map(|name| {
            let value = last.get(&name)?.as_s().ok()?;
            Some((name, value.as_str()))
        })
        .collect();
    key.seal(
        &purpose(partition, range),
        scope.tenant(),
        &serde_json::to_vec(&place).unwrap_or_default(),
    )
}

pub(crate) fn open(
    key: &SealingKey,
    scope: &TenantScope,
    partition: &str,
    range: &Range,
    cursor: &str,
) -> Result<Item, Error> {
    let data = key
        .open(&purpose(partition, range), scope.tenant(), cursor)
        .map_err(|_| Error::InvalidCursor)?;
    let place: BTreeMap<String, String> = serde_json::from_slice(&data).map_err(|_| Error::InvalidCursor)?;
    Ok(place.into_iter().map(|(name, value)| (name, text(value))).collect())
}

pub(crate) fn index_attributes(index: u8) -> [String; 2] {
    [format!("GSI{index}PK"), format!("GSI{index}SK")]
}
