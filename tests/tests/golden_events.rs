//! Every event type of every context, as it was first stored. The files are never changed: what is in a log stays readable for ever.
#![allow(clippy::unwrap_used, reason = "a test")]

use headwater_event_log::decode_event;
use headwater_kernel::{Aggregate, AggregateRegistry, AggregateType, StoredEvent};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

const STORED: &str = include_str!("../golden/events-v1.ndjson");

#[derive(Deserialize)]
struct Line {
    aggregate: String,
    event: StoredEvent,
    /// The data that it is read as now, where a version was raised since.
    now: Option<Value>,
}

/// The type and data that a stored event has in the version that is written now.
fn upcast(aggregate: &AggregateType, stored: &StoredEvent) -> StoredEvent {
    let mut current = stored.clone();
    while current.schema_version != (aggregate.schema_version)(&current.event_type) {
        let data = serde_json::from_str(current.data.get()).unwrap();
        let next = (aggregate.upcast)(&current.event_type, current.schema_version, data).unwrap();
        current = StoredEvent {
            event_type: next.event_type,
            schema_version: next.version,
            data: serde_json::value::to_raw_value(&next.data).unwrap(),
        };
    }
    current
}

/// Decodes the lines of each aggregate that a context registers.
#[derive(Default)]
struct Check {
    seen: BTreeSet<String>,
    missing: BTreeSet<String>,
}

impl AggregateRegistry for Check {
    fn aggregate<A: Aggregate>(&mut self) {
        for (event_type, ..) in AggregateType::of::<A>().events() {
            self.missing.insert(format!("{}/{event_type}", A::NAME));
        }
        for line in STORED.lines().map(|line| serde_json::from_str::<Line>(line).unwrap()) {
            if line.aggregate != A::NAME {
                continue;
            }
            let event = decode_event::<A>(&upcast(&AggregateType::of::<A>(), &line.event)).unwrap();
            // What is written now is what was written then, unless a version was raised in between.
            let again = serde_json::to_value(&event).unwrap();
            let stored = line
                .now
                .unwrap_or_else(|| serde_json::from_str(line.event.data.get()).unwrap());
            assert_eq!(
                (&again["type"], &again["data"]),
                (&Value::from(line.event.event_type.as_str()), &stored)
            );
            self.seen.insert(format!("{}/{}", A::NAME, line.event.event_type));
        }
    }
}

#[test]
fn every_event_type_is_kept_and_decodes() {
    let mut check = Check::default();
    headwater_catalog::register(&mut check);
    headwater_crm::register(&mut check);
    headwater_orders::register(&mut check);
    headwater_billing::register(&mut check);
    headwater_analytics::register(&mut check);
    assert_eq!(
        check.seen, check.missing,
        "each event type has a line, and each line an event type"
    );
}
