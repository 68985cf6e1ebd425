//! Every layout ever persisted is kept in `golden/` and has to be read for ever. A new layout adds a file; none is ever changed.

use crate::{claims, item, item::Item, snapshot};
use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use headwater_kernel::{Aggregate, Claim, Facts, Personal, Rejection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::net::IpAddr;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Counter {
    count: u64,
}

#[derive(Serialize, Deserialize, JsonSchema)]
enum Command {}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
enum Event {
    Counted {},
}

impl Aggregate for Counter {
    const CONTEXT: &'static str = "golden";
    const NAME: &'static str = "counters";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, _: &Facts) -> Result<Vec<Event>, Rejection> {
        match command {}
    }

    fn apply(&mut self, _: &Event) {
        self.count += 1;
    }
}

/// Reads a file as an item; binaries are written in hex there.
pub(crate) fn golden(text: &str) -> Item {
    let all: std::collections::BTreeMap<String, Value> = serde_json::from_str(text).unwrap();
    all.into_iter()
        .map(|(name, value)| {
            let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
            let text = value.as_str().unwrap().to_owned();
            let attribute = match kind.as_str() {
                "S" => AttributeValue::S(text),
                "N" => AttributeValue::N(text),
                _ => {
                    let bytes = (0..text.len())
                        .step_by(2)
                        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap());
                    AttributeValue::B(Blob::new(bytes.collect::<Vec<_>>()))
                }
            };
            (name, attribute)
        })
        .collect()
}

#[test]
fn commits_of_layout_1_are_read_and_written_as_ever() {
    let stored = golden(include_str!("../golden/commit-v1.json"));
    let read = item::read("crm", &stored).unwrap();
    assert_eq!(read.commit.tenant.as_str(), "acme");
    assert_eq!(
        (read.commit.aggregate.as_str(), read.commit.id.as_str()),
        ("leads", "L#1")
    );
    assert_eq!((read.commit.first_sequence, read.commit.version()), (7, 8));
    assert_eq!(read.commit.events[0].event_type, "LeadCaptured");
    assert_eq!(
        (read.commit.command_id.as_str(), read.commit.actor.as_str()),
        ("c-7", "user:ada")
    );
    assert_eq!(read.commit.correlation_id.as_deref(), Some("r-1"));
    assert!(read.commit.client.is_none());
    let ids: Vec<_> = read.commit.recorded().map(|event| event.id.to_string()).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(item::write(&read.commit, &read.tag).unwrap(), stored);
}

#[test]
fn commits_with_the_address_of_the_client_are_read_and_written_as_ever() {
    let stored = golden(include_str!("../golden/commit-v1-client.json"));
    let read = item::read("crm", &stored).unwrap();
    let client: Personal<IpAddr> = serde_json::from_str(read.commit.client.as_deref().unwrap().get()).unwrap();
    assert_eq!(client.known(), Some(&IpAddr::from([203, 0, 113, 7])));
    assert_eq!(item::write(&read.commit, &read.tag).unwrap(), stored);
}

#[test]
fn snapshots_of_layout_1_are_read() {
    let loaded = snapshot::read::<Counter>(&golden(include_str!("../golden/snapshot-v1.json"))).unwrap();
    assert_eq!((loaded.state, loaded.version), (Counter { count: 3 }, 3));
    let mut other = golden(include_str!("../golden/snapshot-v1.json"));
    other.insert("v".into(), AttributeValue::N("2".into()));
    assert!(
        snapshot::read::<Counter>(&other).is_none(),
        "a layout of another build is ignored, not misread"
    );
}

#[tokio::test]
async fn claims_of_layout_1_are_read_and_written_as_ever() {
    let stored = golden(include_str!("../golden/claim-v1.json"));
    let (owner, at) = claims::read(&stored).unwrap();
    assert_eq!((owner.as_str(), at.nanos()), ("P#1", 1_795_000_000_000_000_000));
    let claim = Claim {
        name: "gtin",
        value: "4006381#333931".into(),
        pointer: "/gtin",
    };
    let scope = headwater_tenancy::testing::scope("acme").await;
    assert_eq!(claims::write(&scope, "products", &claim, &owner, at), stored);
    let mut ownerless = stored;
    ownerless.remove("owner");
    assert!(claims::read(&ownerless).is_none());
}

#[test]
fn a_commit_that_cannot_be_read_says_which_and_why() {
    let mut stored = golden(include_str!("../golden/commit-v1.json"));
    stored.insert("v".into(), AttributeValue::N("2".into()));
    let error = item::read("crm", &stored).unwrap_err().to_string();
    assert!(
        error.contains("TENANT#acme#leads#L%231") && error.contains("layout is version 2"),
        "{error}"
    );
}
