//! Reading lines.

use crate::{
    Error, Hour, Line,
    digest::{DIGESTS, Digest},
    object::{self, Entry},
};
use headwater_kernel::Timestamp;
use headwater_objects::ObjectStore;
use serde::Deserialize;
use std::{collections::HashMap, ops::ControlFlow};

/// Which lines are wanted; what is `None` is any.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// Of this actor: `user:ada`.
    pub actor: Option<String>,
    /// Of this type: `PriceChanged`.
    pub event_type: Option<String>,
    /// Committed at this time or later.
    pub from: Option<Timestamp>,
    /// Committed before this time.
    pub to: Option<Timestamp>,
}

impl Wanted {
    pub(crate) fn has(&self, line: &Line) -> bool {
        let is = |wanted: &Option<String>, given: &str| wanted.as_deref().is_none_or(|wanted| wanted == given);
        is(&self.tenant, &line.tenant)
            && is(&self.actor, &line.actor)
            && is(&self.event_type, &line.event_type)
            && self.from.is_none_or(|from| from <= line.time)
            && self.to.is_none_or(|to| line.time < to)
    }

    pub(crate) fn may_have(&self, entry: &Entry) -> bool {
        self.from.is_none_or(|from| from <= entry.last_time) && self.to.is_none_or(|to| entry.first_time < to)
    }
}

/// Calls with every wanted line and its text, object by object, until it says to stop. A line stands after those of the same aggregate that came
/// before it; others are in the order in which they were written down.
///
/// # Errors
/// [`Error`]; an object that cannot be read ends it.
pub async fn search(
    objects: &dyn ObjectStore,
    region: &str,
    wanted: &Wanted,
    mut call: impl FnMut(&Line, &str) -> ControlFlow<()>,
) -> Result<(), Error> {
    // Nothing is written down before it happened; an hour of difference between clocks is allowed for.
    let begin = wanted.from.map(|from| Hour::of(from).previous().folder(region));
    let begin = begin.unwrap_or_default();
    let entries = entries(objects, region, &begin).await?;
    for name in objects.list(&format!("region={region}/")).await? {
        if name < begin || entries.get(&name).is_some_and(|entry| !wanted.may_have(entry)) {
            continue;
        }
        let Some(bytes) = objects.get(&name).await? else {
            continue;
        };
        for text in object::text(&name, &bytes)?.lines() {
            let line: Line = serde_json::from_str(text).map_err(|error| Error::altered(&name, error))?;
            if wanted.has(&line) && call(&line, text).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// What the digests say of the objects from a folder on. One that cannot be read says nothing, which is for `verify` to find.
async fn entries(objects: &dyn ObjectStore, region: &str, begin: &str) -> Result<HashMap<String, Entry>, Error> {
    #[derive(Deserialize)]
    struct Unverified {
        digest: Digest,
    }
    let mut entries = HashMap::new();
    for name in objects.list(&format!("{DIGESTS}region={region}/")).await? {
        let folder = name.trim_start_matches(DIGESTS).trim_end_matches(".json");
        if folder < begin.trim_end_matches('/') {
            continue;
        }
        let bytes = objects.get(&name).await?.unwrap_or_default();
        if let Ok(read) = serde_json::from_slice::<Unverified>(&bytes) {
            entries.extend(read.digest.objects.into_iter().map(|entry| (entry.name.clone(), entry)));
        }
    }
    Ok(entries)
}
