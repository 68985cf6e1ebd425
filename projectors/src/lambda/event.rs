//! What AWS Lambda hands over: a batch of a DynamoDB stream's records, as its event source mapping writes them in JSON.
//! (AWS Lambda developer guide, *Process DynamoDB records with Lambda*, example event.)

use crate::opening::order;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
};

/// A batch of records. What is not of this shape fails to be read, and so fails the invocation.
#[derive(Debug, Clone, Deserialize)]
pub struct StreamEvent {
    #[serde(rename = "Records")]
    pub(super) records: Vec<Record>,
}

/// One change of an item.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Record {
    #[serde(rename = "eventName")]
    pub(super) name: Kind,
    #[serde(rename = "eventSourceARN")]
    pub(super) source: String,
    #[serde(rename = "dynamodb")]
    pub(super) change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Kind {
    Insert,
    Modify,
    Remove,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Change {
    pub(super) keys: Image,
    /// Missing in a stream of keys alone; the log has the rest.
    new_image: Option<Image>,
    pub(super) sequence_number: SequenceNumber,
}

type Image = BTreeMap<String, Attribute>;

/// Of the ten types of attributes those two that an event table has.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attribute {
    s: Option<String>,
    n: Option<String>,
}

/// The number of a record in its shard: decimal digits, never none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub(super) struct SequenceNumber(String);

impl<'de> Deserialize<'de> for SequenceNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(de::Error::custom("a sequence number is decimal digits"));
        }
        Ok(Self(digits))
    }
}

impl Ord for SequenceNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        order(&self.0).cmp(&order(&other.0)).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for SequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Record {
    /// The table's name: `arn:aws:dynamodb:<region>:<account>:table/<name>/stream/<label>`.
    pub(super) fn table(&self) -> Option<&str> {
        let (_, path) = self.source.split_once(":table/")?;
        let (table, rest) = path.split_once('/')?;
        rest.starts_with("stream/").then_some(table)
    }

    /// The item as the change left it, or what its key tells; `None` when it was removed, which has no effect here.
    pub(super) fn into_item(self) -> Option<(SequenceNumber, HashMap<String, AttributeValue>)> {
        let Change {
            keys,
            new_image,
            sequence_number,
        } = self.change;
        if self.name == Kind::Remove {
            return None;
        }
        let attributes = new_image.unwrap_or(keys).into_iter();
        let item = attributes.map(|(name, value)| (name, value.plain()));
        Some((sequence_number, item.collect()))
    }
}

impl Attribute {
    fn plain(self) -> AttributeValue {
        match self {
            Self { s: Some(text), .. } => AttributeValue::S(text),
            Self { n: Some(digits), .. } => AttributeValue::N(digits),
            _ => AttributeValue::Null(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(sequence: &str) -> serde_json::Value {
        json!({"Records": [{
            "eventName": "INSERT",
            "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/p-bank-events/stream/2026-11-23T06:00:00.000",
            "dynamodb": {"Keys": {"PK": {"S": "k"}}, "SequenceNumber": sequence},
        }]})
    }

    #[test]
    fn what_could_not_be_named_in_an_answer_is_not_read() {
        let read = |value| serde_json::from_value::<StreamEvent>(value);
        assert_eq!(read(event("12")).unwrap().records[0].table(), Some("p-bank-events"));
        for bad in [event(""), event("x1"), json!({}), json!({"Records": [{"kinesis": {}}]})] {
            assert!(read(bad).is_err());
        }
    }

    #[test]
    fn sequence_numbers_are_compared_as_numbers() {
        let number = |digits: &str| SequenceNumber(digits.into());
        assert!(number("99") < number("100") && number("7") > number("06"));
    }
}
