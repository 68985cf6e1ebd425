//! How far a replay has come: an item per segment of the log, in the table `checkpoints`, so that any process can go on after any other.
//!
//! `PK = REPLAY#<projection>.<generation>`, `SK = segment#<context>#<nnnn>`; `place_pk`, `place_sk` (S, absent at the beginning), `commits`,
//! `rows`, `parked` (N), `units` (N), `done` (BOOL), `fence` (N). `SK = check` holds the last comparison as JSON in `check` (S).

use super::{CheckTotals, folding::Place};
use crate::ApplyError;
use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    types::AttributeValue,
};
use headwater_dynamodb::{AccessPattern, Database, is_retryable};
use std::collections::HashMap;

/// One segment of a context.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Segment {
    pub(crate) context: String,
    pub(crate) number: u32,
    /// Everything up to here is in the generation, durably.
    pub(crate) place: Option<Place>,
    pub(crate) commits: u64,
    pub(crate) rows: u64,
    pub(crate) parked: u64,
    pub(crate) units: f64,
    pub(crate) done: bool,
}

/// The items of all replays.
#[derive(Debug, Clone)]
pub(crate) struct ProgressStore {
    database: Database,
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn failed<E>(error: SdkError<E>) -> ApplyError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if is_retryable(&error) {
        ApplyError::Retry(error.into())
    } else {
        ApplyError::Refused(error.into())
    }
}

fn partition_key(consumer: &str) -> AttributeValue {
    text(format!("REPLAY#{consumer}"))
}

impl ProgressStore {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// All segments that were begun, and the last comparison.
    pub(crate) async fn load(&self, consumer: &str) -> Result<(Vec<Segment>, Option<CheckTotals>), ApplyError> {
        let (mut segments, mut check) = (Vec::new(), None);
        for item in self.items(consumer).await? {
            if let Some(text) = item.get("check").and_then(|value| value.as_s().ok()) {
                check = serde_json::from_str(text).ok();
            }
            segments.extend(read(&item));
        }
        Ok((segments, check))
    }

    async fn items(&self, consumer: &str) -> Result<Vec<Place>, ApplyError> {
        let mut items = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .database
                .client()
                .query()
                .table_name(self.database.table("checkpoints"))
                .key_condition_expression("PK = :pk")
                .expression_attribute_values(":pk", partition_key(consumer))
                .consistent_read(true)
                .set_exclusive_start_key(after)
                .customize()
                .interceptor(AccessPattern::system("replay.load"))
                .send()
                .await
                .map_err(failed)?;
            items.extend(page.items.unwrap_or_default());
            after = page.last_evaluated_key;
            if after.is_none() {
                return Ok(items);
            }
        }
    }

    /// Writes a segment down; `false` when a worker with a higher fence has.
    pub(crate) async fn save(&self, consumer: &str, segment: &Segment, fence: u64) -> Result<bool, ApplyError> {
        let place = |name: &str| segment.place.as_ref().and_then(|place| place.get(name).cloned());
        let mut put = self
            .database
            .client()
            .put_item()
            .table_name(self.database.table("checkpoints"))
            .item("PK", partition_key(consumer))
            .item("SK", text(sort_key(&segment.context, segment.number)))
            .item("commits", number(segment.commits))
            .item("rows", number(segment.rows))
            .item("parked", number(segment.parked))
            .item("units", number(segment.units))
            .item("done", AttributeValue::Bool(segment.done))
            .item("fence", number(fence));
        for (name, of) in [("place_pk", "PK"), ("place_sk", "SK")] {
            if let Some(value) = place(of) {
                put = put.item(name, value);
            }
        }
        let sent = put
            .condition_expression("attribute_not_exists(fence) OR fence <= :fence")
            .expression_attribute_values(":fence", number(fence))
            .customize()
            .interceptor(AccessPattern::system("replay.save"))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    /// Writes down what a comparison found.
    pub(crate) async fn save_check(&self, consumer: &str, check: &CheckTotals) -> Result<(), ApplyError> {
        let json = serde_json::to_string(check).map_err(|error| ApplyError::Permanent(error.into()))?;
        self.database
            .client()
            .put_item()
            .table_name(self.database.table("checkpoints"))
            .item("PK", partition_key(consumer))
            .item("SK", text("check"))
            .item("check", text(json))
            .customize()
            .interceptor(AccessPattern::system("replay.save"))
            .send()
            .await
            .map(drop)
            .map_err(failed)
    }

    /// Removes everything.
    pub(crate) async fn clear(&self, consumer: &str) -> Result<(), ApplyError> {
        for mut item in self.items(consumer).await? {
            let sort = item.remove("SK").unwrap_or_else(|| text("check"));
            self.database
                .client()
                .delete_item()
                .table_name(self.database.table("checkpoints"))
                .key("PK", partition_key(consumer))
                .key("SK", sort)
                .customize()
                .interceptor(AccessPattern::system("replay.clear"))
                .send()
                .await
                .map_err(failed)?;
        }
        Ok(())
    }
}

fn sort_key(context: &str, segment: u32) -> String {
    format!("segment#{context}#{segment:04}")
}

fn read(item: &HashMap<String, AttributeValue>) -> Option<Segment> {
    let digits = |name: &str| item.get(name)?.as_n().ok();
    let mut parts = item.get("SK")?.as_s().ok()?.strip_prefix("segment#")?.rsplitn(2, '#');
    let number = parts.next()?.parse().ok()?;
    let place = match (item.get("place_pk"), item.get("place_sk")) {
        (Some(pk), Some(sk)) => Some(Place::from([
            ("PK".to_owned(), pk.clone()),
            ("SK".to_owned(), sk.clone()),
        ])),
        _ => None,
    };
    Some(Segment {
        context: parts.next()?.to_owned(),
        number,
        place,
        commits: digits("commits")?.parse().ok()?,
        rows: digits("rows")?.parse().ok()?,
        parked: digits("parked")?.parse().ok()?,
        units: digits("units")?.parse().ok()?,
        done: matches!(item.get("done"), Some(AttributeValue::Bool(true))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_of_layout_1_are_read() {
        let item = HashMap::from([
            ("PK".to_owned(), partition_key("leads.2")),
            ("SK".to_owned(), text("segment#crm#0007")),
            ("place_pk".to_owned(), text("TENANT#acme#leads#L1")),
            ("place_sk".to_owned(), text("00000000000000000001")),
            ("commits".to_owned(), number(10)),
            ("rows".to_owned(), number(4)),
            ("parked".to_owned(), number(1)),
            ("units".to_owned(), number(4.5)),
            ("done".to_owned(), AttributeValue::Bool(false)),
            ("fence".to_owned(), number(1_732_000_000_000_u64)),
        ]);
        let segment = read(&item).unwrap();
        assert_eq!((segment.context.as_str(), segment.number), ("crm", 7));
        assert_eq!(segment.place.unwrap()["PK"], text("TENANT#acme#leads#L1"));
        assert_eq!(item["SK"], text(sort_key("crm", 7)));
    }
}
