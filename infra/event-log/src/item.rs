//! How a commit is laid out as an item. This is persisted for ever: `golden/` keeps one file per version ever written.
//!
//! | attribute | type | holds |
//! |---|---|---|
//! | `PK` | S | `TENANT#<tenant>#<aggregates>#<id>`, the id percent-encoded |
//! | `SK` | S | sequence of the first event, 20 digits |
//! | `v` | N | version of this layout: 1 |
//! | `events` | S | JSON: `[{"type", "v", "data"}, …]` |
//! | `n` | N | how many events |
//! | `command_id` | S | the command's id |
//! | `tag` | S | keyed tag of the command's payload, 32 hex digits |
//! | `actor` | S | who asked |
//! | `correlation_id`, `causation_id` | S | when given |
//! | `client` | S | JSON: the address that the command came from, in an envelope of personal data; when it came over a network |
//! | `time` | N | nanoseconds since 1970 of the first event; event *k* has `time + k` |
//! | `writer` | N | the process that wrote it |

use crate::{Error, codec};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_kernel::{Actor, Commit, Id, StoredEvent, TenantId, Timestamp, key};
use serde_json::value::RawValue;
use std::collections::HashMap;

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The layout that this build writes.
const LAYOUT: u32 = 1;

/// A commit together with the tag of its command's payload.
#[derive(Debug, Clone)]
pub(crate) struct Tagged {
    pub(crate) commit: Commit,
    pub(crate) tag: String,
}

/// The partition key of an aggregate's commits.
pub(crate) fn partition_key(tenant: &TenantId, aggregate: &str, id: &Id) -> String {
    key::below_tenant(tenant, [aggregate, id.as_str()])
}

/// The sort key of the commit whose first event has this sequence.
pub(crate) fn sort_key(sequence: u64) -> String {
    format!("{sequence:020}")
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Lays a commit out.
pub(crate) fn write(commit: &Commit, tag: &str) -> Result<Item, Error> {
    let mut item = Item::with_capacity(14);
    let mut put = |name: &str, value| item.insert(name.to_owned(), value);
    put("PK", text(partition_key(&commit.tenant, &commit.aggregate, &commit.id)));
    put("SK", text(sort_key(commit.first_sequence)));
    put("v", number(LAYOUT));
    put("events", text(codec::to_text(&commit.events)?));
    put("n", number(commit.events.len()));
    put("command_id", text(&commit.command_id));
    put("tag", text(tag));
    put("actor", text(commit.actor.as_str()));
    if let Some(correlation) = &commit.correlation_id {
        put("correlation_id", text(correlation));
    }
    if let Some(causation) = &commit.causation_id {
        put("causation_id", text(causation));
    }
    if let Some(client) = &commit.client {
        put("client", text(client.get()));
    }
    put("time", number(commit.time.nanos()));
    put("writer", number(commit.writer));
    Ok(item)
}

/// Reads a commit of `context` as it is stored; its events may be of older versions.
pub(crate) fn read(context: &str, item: &Item) -> Result<Tagged, Error> {
    let name = || {
        let of = |attribute: &str| {
            item.get(attribute)
                .and_then(|value| value.as_s().ok())
                .cloned()
                .unwrap_or_default()
        };
        format!("the commit {} {} of {context}-events", of("PK"), of("SK"))
    };
    let missing = |attribute: &str| Error::unreadable(name(), format!("it has no usable {attribute}"));
    let string = |attribute: &str| {
        item.get(attribute)
            .and_then(|value| value.as_s().ok())
            .map(String::as_str)
            .ok_or_else(|| missing(attribute))
    };
    let optional = |attribute: &str| item.get(attribute).and_then(|value| value.as_s().ok()).cloned();
    let digits = |attribute: &str| {
        item.get(attribute)
            .and_then(|value| value.as_n().ok())
            .map(String::as_str)
            .ok_or_else(|| missing(attribute))
    };
    let layout: u32 = digits("v")?.parse().map_err(|_| missing("v"))?;
    if layout != LAYOUT {
        return Err(Error::unreadable(
            name(),
            format!("its layout is version {layout}; run the build that wrote it"),
        ));
    }
    let partition_key = string("PK")?;
    let tenant = key::tenant_of(partition_key).ok_or_else(|| missing("PK"))?;
    let mut parts = partition_key.split('#').skip(2);
    let aggregate = parts.next().and_then(key::decode).ok_or_else(|| missing("PK"))?;
    let id = parts.next().and_then(key::decode).ok_or_else(|| missing("PK"))?;
    let client = optional("client").map(RawValue::from_string).transpose();
    let events: Vec<StoredEvent> =
        codec::from_text(string("events")?).map_err(|error| Error::unreadable(name(), error))?;
    if events.is_empty() {
        return Err(missing("events"));
    }
    Ok(Tagged {
        commit: Commit {
            tenant,
            context: context.to_owned(),
            aggregate,
            id: Id::new(id).map_err(|_| missing("PK"))?,
            first_sequence: string("SK")?.parse().map_err(|_| missing("SK"))?,
            events,
            command_id: string("command_id")?.to_owned(),
            actor: Actor::new(string("actor")?),
            correlation_id: optional("correlation_id"),
            causation_id: optional("causation_id"),
            client: client.map_err(|error| Error::unreadable(name(), error))?,
            time: Timestamp::from_nanos(digits("time")?.parse().map_err(|_| missing("time"))?),
            writer: digits("writer")?.parse().map_err(|_| missing("writer"))?,
        },
        tag: string("tag")?.to_owned(),
    })
}

/// The bytes that an item counts for, by DynamoDB's rules for strings and numbers (at most).
pub(crate) fn size(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| {
            name.len()
                + match value {
                    AttributeValue::S(text) => text.len(),
                    AttributeValue::N(digits) => digits.len() / 2 + 2,
                    AttributeValue::B(blob) => blob.as_ref().len(),
                    _ => 0,
                }
        })
        .sum()
}
