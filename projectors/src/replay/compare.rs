//! One aggregate of one generation, compared with the log: what should be there at the version that is there.

use super::{
    folding::{Refolded, refold},
    refold::{Effect, Refold},
};
use crate::{ApplyError, document, race::failed};
use headwater_dynamo_repository::{Bulk, BulkItem, ItemKey};
use headwater_event_log::EventLog;
use headwater_kernel::Id;
use headwater_search::{DocumentBody, DocumentWrite, StoredDocument};
use headwater_tenancy::TenantScope;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeSet, HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::Arc,
};

/// In which way a generation differs from the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// A row or document is not there.
    Missing,
    /// A row is there that should have been deleted.
    Extra,
    /// It holds something else than the log says for its version.
    Content,
    /// It is at a version that the log does not have, or stays behind.
    Version,
}

/// What was found of one aggregate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) rows: u64,
    pub(crate) checksum: u64,
    pub(crate) stored_rows: u64,
    pub(crate) stored_checksum: u64,
    pub(crate) wrong: Vec<(DifferenceKind, Option<ItemKey>)>,
    pub(crate) stored_version: u64,
    pub(crate) log_version: u64,
}

impl Found {
    pub(crate) fn is_right(&self) -> bool {
        self.wrong.is_empty()
    }
}

/// Compares items that should be there with those that are. The last of them is the head; a row before it may be older than the head, when
/// it did not change since, so its version says nothing.
pub(crate) fn items(expected: &[BulkItem], shown: &BTreeSet<ItemKey>, stored: &HashMap<ItemKey, BulkItem>) -> Found {
    let mut found = Found::default();
    let mut keys = BTreeSet::new();
    for (n, item) in expected.iter().enumerate() {
        let is_head = n + 1 == expected.len();
        keys.insert(item.key());
        found.rows += 1;
        found.checksum = found.checksum.wrapping_add(item.checksum(is_head));
        let Some(there) = stored.get(item.key()) else {
            found.wrong.push((DifferenceKind::Missing, Some(item.key().clone())));
            continue;
        };
        found.stored_rows += 1;
        found.stored_checksum = found.stored_checksum.wrapping_add(there.checksum(is_head));
        if !item.has_content_of(there, is_head) {
            found.wrong.push((DifferenceKind::Content, Some(item.key().clone())));
        }
    }
    for key in shown.iter().filter(|key| !keys.contains(key)) {
        if let Some(there) = stored.get(key) {
            found.stored_rows += 1;
            found.stored_checksum = found.stored_checksum.wrapping_add(there.checksum(false));
            found.wrong.push((DifferenceKind::Extra, Some(key.clone())));
        }
    }
    found
}

/// Compares a document.
pub(crate) fn document(expected: &DocumentWrite, stored: Option<&StoredDocument>) -> Found {
    let (deleted, body) = match &expected.body {
        DocumentBody::Put(body) => (false, Some(body)),
        DocumentBody::Tombstone { state } => (true, state.as_ref()),
    };
    let checksum = |version: u64, deleted: bool, body: Option<&serde_json::Value>| {
        let mut hasher = DefaultHasher::new();
        let body = body.map(ToString::to_string);
        (expected.id.as_str(), version, deleted, body).hash(&mut hasher);
        hasher.finish()
    };
    let mut found = Found {
        rows: 1,
        checksum: checksum(expected.version, deleted, body),
        ..Found::default()
    };
    match stored {
        None => found.wrong.push((DifferenceKind::Missing, None)),
        Some(there) => {
            found.stored_rows = 1;
            found.stored_checksum = checksum(there.version, there.deleted, there.body.as_ref());
            if there.deleted != deleted || there.body.as_ref() != body {
                found.wrong.push((DifferenceKind::Content, None));
            }
        }
    }
    found
}

/// One aggregate, looked at by itself: at whichever version it is now.
pub(crate) async fn one(
    log: &EventLog,
    bulk: &Bulk,
    of: &Arc<dyn Refold>,
    scope: &TenantScope,
    id: &Id,
) -> Result<Found, ApplyError> {
    let mut found = match of.head_key(scope, id)? {
        Some(key) => {
            let stored = bulk.read(std::slice::from_ref(&key)).await.map_err(failed)?;
            let version = stored.get(&key).map_or(0, BulkItem::version);
            let refolded = refold(log, of, scope, id, version, true).await?;
            let expected = expected_items(&refolded)?;
            let mut keys: Vec<ItemKey> = expected.iter().map(|item| item.key().clone()).collect();
            keys.extend(refolded.folded.shown().iter().cloned());
            let stored = bulk.read(&keys).await.map_err(failed)?;
            let found = items(&expected, refolded.folded.shown(), &stored);
            judge(log, of, scope, id, found, version, &refolded).await?
        }
        None => {
            let Some(index) = of.index() else {
                return Ok(Found::default());
            };
            let stored = index.stored(scope, std::slice::from_ref(id)).await;
            let stored = stored.map_err(document::failed)?.into_iter().next().flatten();
            let version = stored.as_ref().map_or(0, |stored| stored.version);
            let refolded = refold(log, of, scope, id, version, true).await?;
            let found = match refolded.folded.effect()? {
                Effect::Document(expected) if refolded.folded.version() > 0 => document(&expected, stored.as_ref()),
                _ => Found::default(),
            };
            judge(log, of, scope, id, found, version, &refolded).await?
        }
    };
    found.wrong.dedup();
    Ok(found)
}

fn expected_items(refolded: &Refolded) -> Result<Vec<BulkItem>, ApplyError> {
    match refolded.folded.effect()? {
        Effect::Items(items) if refolded.folded.version() > 0 => Ok(items),
        _ => Ok(Vec::new()),
    }
}

/// Adds what the version itself tells.
async fn judge(
    log: &EventLog,
    of: &Arc<dyn Refold>,
    scope: &TenantScope,
    id: &Id,
    mut found: Found,
    version: u64,
    refolded: &Refolded,
) -> Result<Found, ApplyError> {
    // How far the history can be folded: what is parked stays behind, and rightly so.
    let whole = refold(log, of, scope, id, u64::MAX, false).await?;
    let reachable = whole.stopped.map_or(whole.up_to, |stopped| stopped.saturating_sub(1));
    (found.stored_version, found.log_version) = (version, whole.up_to);
    if version == 0 && reachable > 0 {
        found.wrong.push((DifferenceKind::Missing, None));
    } else if version != refolded.folded.version() || version < reachable {
        found.wrong.push((DifferenceKind::Version, None));
    }
    Ok(found)
}
