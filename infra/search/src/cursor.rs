//! Cursors: sealed for one tenant and one query. What is inside is the adapter's; nobody outside can make or change it.

use crate::{Error, Query};
use headwater_tenancy::{SealingKey, TenantScope};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

/// What cursors are sealed for.
const PURPOSE: &str = "search-cursor";
/// Bytes of the query's fingerprint in front.
const FINGERPRINT: usize = 16;

/// Seals where the next page of `query` starts.
///
/// # Errors
/// [`Error::Corrupt`] when `position` cannot be written as JSON.
pub fn seal(
    key: &SealingKey,
    scope: &TenantScope,
    kind: &str,
    query: &Query,
    position: &impl Serialize,
) -> Result<String, Error> {
    let mut data = fingerprint(kind, query).to_vec();
    serde_json::to_writer(&mut data, position).map_err(|error| Error::Corrupt(error.into()))?;
    Ok(key.seal(PURPOSE, scope.tenant(), &data))
}

/// Opens the cursor of `query`, if it has one.
///
/// # Errors
/// [`Error::InvalidCursor`] when it is another tenant's, another query's, changed or made up.
pub fn open<P: DeserializeOwned>(
    key: &SealingKey,
    scope: &TenantScope,
    kind: &str,
    query: &Query,
) -> Result<Option<P>, Error> {
    let Some(sealed) = &query.cursor else { return Ok(None) };
    let data = key
        .open(PURPOSE, scope.tenant(), sealed)
        .map_err(|_| Error::InvalidCursor)?;
    let (print, position) = data.split_at_checked(FINGERPRINT).ok_or(Error::InvalidCursor)?;
    if print != fingerprint(kind, query) {
        return Err(Error::InvalidCursor);
    }
    serde_json::from_slice(position)
        .map(Some)
        .map_err(|_| Error::InvalidCursor)
}

/// Of what decides which documents come in which order. The size of a page, facets and highlighting may change between pages.
fn fingerprint(kind: &str, query: &Query) -> [u8; FINGERPRINT] {
    let order = (kind, &query.text, &query.filters, &query.sort, &query.collapse);
    let hash = Sha256::digest(serde_json::to_vec(&order).unwrap_or_default());
    let mut print = [0; FINGERPRINT];
    print.copy_from_slice(&hash[..FINGERPRINT]);
    print
}
