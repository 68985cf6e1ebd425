//! Reading a tenant's own lines page by page: each page does a bounded amount of work, and says where the next one begins.

use crate::{
    Error, Hour, Line, Wanted,
    digest::{DIGESTS, Digest},
    object::{self, Entry},
};
use headwater_kernel::Timestamp;
use headwater_objects::ObjectStore;
use headwater_tenancy::TenantScope;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Objects, digests and listings of days that are read for a page, about. A page that has done so much ends, whether it is full or not.
const MOST_READ: usize = 100;

/// A line of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The day, whose folder is looked through: `2026-11-24`.
    day: String,
    /// The object's name; none at the beginning of a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    /// How many of its lines come before.
    #[serde(default)]
    line: usize,
}

/// Some lines, in the order in which they were written down.
#[derive(Debug)]
pub struct Page {
    /// At most as many as were asked for.
    pub lines: Vec<Line>,
    /// Where the next page begins; none after the last. A page may be short, and even empty, and have a next one.
    pub next: Option<Place>,
}

/// The lines of the tenant of `scope` that are `wanted`, whatever tenant that names: at most `limit` from `place` on, or from the first that may be
/// wanted. `now` is when the last ones may have been written.
///
/// # Errors
/// [`Error`]
pub async fn page(
    objects: &dyn ObjectStore,
    scope: &TenantScope,
    wanted: &Wanted,
    (from, now): (Timestamp, Timestamp),
    place: Option<Place>,
    limit: usize,
) -> Result<Page, Error> {
    let region = scope.region().as_str();
    let wanted = Wanted {
        tenant: Some(scope.tenant().as_str().to_owned()),
        from: Some(from),
        ..wanted.clone()
    };
    // Nothing is written down before it happened; an hour of difference between clocks is allowed for.
    let begin = Hour::of(from).previous();
    let mut place = place.unwrap_or_else(|| Place {
        day: begin.day(),
        object: None,
        line: 0,
    });
    let (begin, last_day) = (begin.folder(region), Hour::of(now).next().day());
    let mut read = 0;
    let mut lines = Vec::new();
    loop {
        if place.day > last_day {
            return Ok(Page { lines, next: None });
        }
        let mut digests = Digests::default();
        read += 1;
        for name in objects.list(&format!("region={region}/dt={}/", place.day)).await? {
            let same = place.object.as_deref() == Some(name.as_str());
            if name < begin || place.object.as_deref().is_some_and(|object| name.as_str() < object) {
                continue;
            }
            let skipped = if same { place.line } else { 0 };
            let at = |line| {
                let (day, object) = (place.day.clone(), Some(name.clone()));
                Some(Place { day, object, line })
            };
            if read >= MOST_READ {
                return Ok(Page {
                    lines,
                    next: at(skipped),
                });
            }
            read += digests.know(objects, &name).await?;
            if digests.entries.get(&name).is_some_and(|entry| !wanted.may_have(entry)) {
                continue;
            }
            read += 1;
            let Some(bytes) = objects.get(&name).await? else {
                continue;
            };
            for (n, text) in object::text(&name, &bytes)?.lines().enumerate().skip(skipped) {
                let line: Line = serde_json::from_str(text).map_err(|error| Error::altered(&name, error))?;
                if !wanted.has(&line) {
                    continue;
                }
                if lines.len() == limit {
                    return Ok(Page { lines, next: at(n) });
                }
                lines.push(line);
            }
        }
        place = Place {
            day: next_day(&place.day)?,
            object: None,
            line: 0,
        };
        if read >= MOST_READ && place.day <= last_day {
            let next = Some(place);
            return Ok(Page { lines, next });
        }
    }
}

fn next_day(day: &str) -> Result<String, Error> {
    let last: Hour = format!("{day}T23")
        .parse()
        .map_err(|why| Error::altered("the place of a page", why))?;
    Ok(last.next().day())
}

/// What the digests of hours say of their objects. One that cannot be read says nothing, which is for `verify` to find.
#[derive(Default)]
struct Digests {
    known: Option<String>,
    entries: HashMap<String, Entry>,
}

impl Digests {
    /// Reads the digest of an object's hour, unless that was done. Gives how many were read.
    async fn know(&mut self, objects: &dyn ObjectStore, name: &str) -> Result<usize, Error> {
        #[derive(Deserialize)]
        struct Unverified {
            digest: Digest,
        }
        let hour = name.rsplit_once('/').map_or(name, |(hour, _)| hour);
        if self.known.as_deref() == Some(hour) {
            return Ok(0);
        }
        self.known = Some(hour.to_owned());
        let bytes = objects.get(&format!("{DIGESTS}{hour}.json")).await?.unwrap_or_default();
        let read = serde_json::from_slice::<Unverified>(&bytes).ok();
        let of_hour = read.into_iter().flat_map(|read| read.digest.objects);
        self.entries = of_hour.map(|entry| (entry.name.clone(), entry)).collect();
        Ok(1)
    }
}
