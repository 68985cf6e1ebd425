//! How a batch of the feed is laid out in `<context>-feed`. This is persisted for ever: `golden/` keeps one file per version ever written.
//!
//! | attribute | type | holds |
//! |---|---|---|
//! | `PK` | S | `TENANT#<tenant>#~feed`; no aggregate's key ends after its plural name |
//! | `SK` | S | the batch's number, 20 digits, from 1 without gaps |
//! | `v` | N | version of this layout: 1 |
//! | `n` | N | how many references |
//! | `refs` | S | JSON: `{"t": nanoseconds, "a": [aggregates], "r": [[index into a, id, first sequence, events, nanoseconds after t], …]}` |
//! | `at` | N | nanoseconds since 1970 when it was written |
//! | `repair` | N | 1 when a repair wrote it |
//! | `repair_from`, `repair_until` | N | once there was a repair: its first batch, and the newest commit time among its references |

use crate::{
    Error, codec,
    item::{self, Item, number, text},
    log::text_of,
};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_kernel::{Commit, Id, TenantId, Timestamp, key};
use serde::{Deserialize, Serialize};

/// The layout that this build writes.
const LAYOUT: u32 = 1;

/// Names a commit within a tenant and context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The plural name of the aggregate: `products`.
    pub aggregate: String,
    /// The aggregate's id.
    pub id: Id,
    /// Sequence of the commit's first event.
    pub first_sequence: u64,
    /// Sequence of its last event.
    pub last_sequence: u64,
    /// When it was committed.
    pub time: Timestamp,
}

impl Reference {
    /// The reference of a commit.
    pub fn of(commit: &Commit) -> Self {
        Self {
            aggregate: commit.aggregate.clone(),
            id: commit.id.clone(),
            first_sequence: commit.first_sequence,
            last_sequence: commit.version(),
            time: commit.time,
        }
    }

    /// Bytes that it takes in a batch, about.
    pub(super) fn weight(&self) -> usize {
        self.id.as_str().len() + 40
    }
}

/// One batch of a tenant's feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedBatch {
    /// Its number, from 1.
    pub number: u64,
    /// When it was written, by the writer's clock.
    pub written_at: Timestamp,
    /// The commits in the order in which they arrived; never empty.
    pub references: Vec<Reference>,
    /// Whether a repair wrote it, and not a shard's reader.
    pub by_repair: bool,
    /// Where the last repair's batches are.
    pub(super) repaired: Option<RepairSpan>,
}

/// What writers have to know of a repair: a commit up to `until` may be among the repair's batches, which begin at `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RepairSpan {
    pub(super) from: u64,
    pub(super) until: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    t: i64,
    a: Vec<String>,
    r: Vec<(usize, Id, u64, u64, i64)>,
}

/// The partition of a tenant's feed.
pub(super) fn partition_key(tenant: &TenantId) -> String {
    key::below_tenant(tenant, ["~feed"])
}

/// Lays a batch out.
pub(super) fn write(tenant: &TenantId, batch: &FeedBatch) -> Result<Item, Error> {
    let base = batch.references.first().map_or(0, |first| first.time.nanos());
    let mut stored = Stored {
        t: base,
        a: Vec::new(),
        r: Vec::with_capacity(batch.references.len()),
    };
    for reference in &batch.references {
        let known = stored.a.iter().position(|name| *name == reference.aggregate);
        let index = known.unwrap_or_else(|| {
            stored.a.push(reference.aggregate.clone());
            stored.a.len() - 1
        });
        stored.r.push((
            index,
            reference.id.clone(),
            reference.first_sequence,
            reference.last_sequence + 1 - reference.first_sequence,
            reference.time.nanos() - base,
        ));
    }
    let mut item = Item::from([
        ("PK".to_owned(), text(partition_key(tenant))),
        ("SK".to_owned(), text(item::sort_key(batch.number))),
        ("v".to_owned(), number(LAYOUT)),
        ("n".to_owned(), number(batch.references.len())),
        ("refs".to_owned(), text(codec::to_text(&stored)?)),
        ("at".to_owned(), number(batch.written_at.nanos())),
    ]);
    if batch.by_repair {
        item.insert("repair".to_owned(), number(1));
    }
    if let Some(span) = batch.repaired {
        item.insert("repair_from".to_owned(), number(span.from));
        item.insert("repair_until".to_owned(), number(span.until.nanos()));
    }
    Ok(item)
}

/// Reads a batch.
pub(super) fn read(item: &Item) -> Result<FeedBatch, Error> {
    let name = || {
        let of = |attribute| text_of(item, attribute).unwrap_or_default();
        format!("the feed batch {} {}", of("PK"), of("SK"))
    };
    let missing = |attribute: &str| Error::unreadable(name(), format!("it has no usable {attribute}"));
    let digits = |attribute: &str| item.get(attribute).and_then(|value: &AttributeValue| value.as_n().ok());
    let layout: u32 = digits("v").and_then(|v| v.parse().ok()).ok_or_else(|| missing("v"))?;
    if layout != LAYOUT {
        let why = format!("its layout is version {layout}; run the build that wrote it");
        return Err(Error::unreadable(name(), why));
    }
    let nanos = |attribute: &str| digits(attribute)?.parse().ok().map(Timestamp::from_nanos);
    let refs = text_of(item, "refs").ok_or_else(|| missing("refs"))?;
    let stored: Stored = codec::from_text(refs).map_err(|error| Error::unreadable(name(), error))?;
    let reference = |(index, id, first, events, after): (usize, Id, u64, u64, i64)| {
        Some(Reference {
            aggregate: stored.a.get(index)?.clone(),
            id,
            first_sequence: first,
            last_sequence: (first + events).checked_sub(1)?,
            time: Timestamp::from_nanos(stored.t.checked_add(after)?),
        })
    };
    let references: Option<Vec<_>> = stored.r.into_iter().map(reference).collect();
    let from = digits("repair_from").and_then(|from| from.parse().ok());
    Ok(FeedBatch {
        number: text_of(item, "SK")
            .and_then(|sk| sk.parse().ok())
            .ok_or_else(|| missing("SK"))?,
        written_at: nanos("at").ok_or_else(|| missing("at"))?,
        references: references.ok_or_else(|| missing("refs"))?,
        by_repair: item.contains_key("repair"),
        repaired: from
            .zip(nanos("repair_until"))
            .map(|(from, until)| RepairSpan { from, until }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_of_layout_1_are_read_and_written_as_ever() {
        let stored = crate::golden::golden(include_str!("../../golden/feed-v1.json"));
        let batch = read(&stored).unwrap();
        let reference = |aggregate: &str, id: &str, first_sequence, last_sequence, nanos| Reference {
            aggregate: aggregate.into(),
            id: Id::new(id).unwrap(),
            first_sequence,
            last_sequence,
            time: Timestamp::from_nanos(nanos),
        };
        let expected = FeedBatch {
            number: 42,
            written_at: Timestamp::from_nanos(1_795_000_001_000_000_000),
            references: vec![
                reference("leads", "L#1", 7, 8, 1_795_000_000_000_000_000),
                reference("accounts", "A1", 1, 1, 1_795_000_000_000_250_000),
                reference("leads", "L#1", 9, 9, 1_794_999_999_999_999_000),
            ],
            by_repair: true,
            repaired: Some(RepairSpan {
                from: 40,
                until: Timestamp::from_nanos(1_795_000_000_000_250_000),
            }),
        };
        assert_eq!(batch, expected);
        assert_eq!(write(&TenantId::new("acme").unwrap(), &batch).unwrap(), stored);
    }

    #[test]
    fn a_batch_of_a_newer_layout_is_refused_by_name() {
        let mut stored = crate::golden::golden(include_str!("../../golden/feed-v1.json"));
        stored.insert("v".into(), number(2));
        let error = read(&stored).unwrap_err().to_string();
        assert!(
            error.contains("TENANT#acme#~feed") && error.contains("version 2"),
            "{error}"
        );
    }

    #[test]
    fn no_aggregate_has_the_feeds_key() {
        let tenant = TenantId::new("acme").unwrap();
        assert_eq!(partition_key(&tenant), "TENANT#acme#~feed");
        for id in ["x", "#", "~feed"] {
            let of_aggregate = item::partition_key(&tenant, "~feed", &Id::new(id).unwrap());
            assert_ne!(of_aggregate, partition_key(&tenant));
        }
    }
}
