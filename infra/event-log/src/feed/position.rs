//! How far each shard has been read into the feed.
//!
//! The rows lie in `<context>-feed` beside the batches, because both change in one transaction: `PK = FEED#<context>`, `SK =
//! SHARD#<shard>`, `v` (N, 1), `stream` (S, the ARN), `sequence` (S, absent at a shard's beginning), `fence` (N), `at` (N), `finished`
//! (BOOL, true once the shard was read to its end; its children follow on). The row
//! `SK = STREAM` has in `stream` the ARN of the stream for which the feed is known to hold everything older, or in `distrusted` the mark of
//! whoever knows that it does not.

use crate::{
    Error, EventLog, Position,
    item::{Item, number, text},
    log::{failed, text_of},
};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_dynamodb::AccessPattern;
use headwater_kernel::Timestamp;

/// What position rows are counted under.
pub(super) const PATTERN: &str = "event-log.feed-position";
/// What begins a shard's sort key.
const SHARD: &str = "SHARD#";
/// The sort key of the stream that the feed was repaired for.
pub(super) const STREAM: &str = "STREAM";

/// A shard's position in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPosition {
    /// Everything up to and including it is in the feed.
    pub position: Position,
    /// The fence of whoever wrote it.
    pub fence: u64,
    /// When, by the writer's clock.
    pub written_at: Timestamp,
    /// The shard has ended, and the feed has all of it or is known not to be whole.
    pub finished: bool,
}

pub(super) fn partition_key(context: &str) -> String {
    format!("FEED#{context}")
}

pub(super) fn sort_key(shard: &str) -> String {
    format!("{SHARD}{shard}")
}

/// Lays a position out.
pub(super) fn write(context: &str, position: &Position, fence: u64, at: Timestamp, finished: bool) -> Item {
    let mut item = Item::from([
        ("PK".to_owned(), text(partition_key(context))),
        ("SK".to_owned(), text(sort_key(&position.shard))),
        ("v".to_owned(), number(1)),
        ("stream".to_owned(), text(&position.stream)),
        ("fence".to_owned(), number(fence)),
        ("at".to_owned(), number(at.nanos())),
    ]);
    if let Some(sequence) = &position.sequence {
        item.insert("sequence".to_owned(), text(sequence));
    }
    if finished {
        item.insert("finished".to_owned(), AttributeValue::Bool(true));
    }
    item
}

pub(super) fn read(item: &Item) -> Result<FeedPosition, Error> {
    let found = || {
        let digits = |name: &str| item.get(name).and_then(|value: &AttributeValue| value.as_n().ok());
        (digits("v")? == "1").then_some(())?;
        Some(FeedPosition {
            position: Position {
                stream: text_of(item, "stream")?.to_owned(),
                shard: text_of(item, "SK")?.strip_prefix(SHARD)?.to_owned(),
                sequence: text_of(item, "sequence").map(str::to_owned),
            },
            fence: digits("fence")?.parse().ok()?,
            written_at: Timestamp::from_nanos(digits("at")?.parse().ok()?),
            // Absent where a build before this wrote: its children are repaired from the log then.
            finished: matches!(item.get("finished"), Some(AttributeValue::Bool(true))),
        })
    };
    found().ok_or_else(|| {
        let name = text_of(item, "SK").unwrap_or_default();
        Error::unreadable(format!("the feed position {name}"), "run the build that wrote it")
    })
}

impl EventLog {
    pub(super) async fn feed_row(&self, context: &str, sort_key: String) -> Result<Option<Item>, Error> {
        let answer = self
            .0
            .database
            .client()
            .get_item()
            .table_name(self.feed_table(context))
            .key("PK", text(partition_key(context)))
            .key("SK", text(sort_key))
            .consistent_read(true)
            .customize()
            .interceptor(AccessPattern::system(PATTERN))
            .send()
            .await
            .map_err(failed)?;
        Ok(answer.item)
    }

    /// The positions of all shards that were ever read into a context's feed and not forgotten.
    pub(super) async fn feed_positions(&self, context: &str) -> Result<Vec<FeedPosition>, Error> {
        let mut positions = Vec::new();
        let mut after = None;
        loop {
            let answer = self
                .0
                .database
                .client()
                .query()
                .table_name(self.feed_table(context))
                .key_condition_expression("PK = :pk AND begins_with(SK, :shard)")
                .expression_attribute_values(":pk", text(partition_key(context)))
                .expression_attribute_values(":shard", text(SHARD))
                .set_exclusive_start_key(after)
                .consistent_read(true)
                .limit(1_000)
                .customize()
                .interceptor(AccessPattern::system(PATTERN))
                .send()
                .await
                .map_err(failed)?;
            for item in answer.items() {
                positions.push(read(item)?);
            }
            after = answer.last_evaluated_key;
            if after.is_none() {
                return Ok(positions);
            }
        }
    }

    /// Removes a position that has not moved since it was read.
    pub(super) async fn forget_feed_position(&self, context: &str, known: &FeedPosition) -> Result<(), Error> {
        let sent = self
            .0
            .database
            .client()
            .delete_item()
            .table_name(self.feed_table(context))
            .key("PK", text(partition_key(context)))
            .key("SK", text(sort_key(&known.position.shard)))
            .condition_expression("#at = :at")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":at", number(known.written_at.nanos()))
            .customize()
            .interceptor(AccessPattern::system(PATTERN))
            .send()
            .await;
        sent.map(drop).or_else(|error| match error.as_service_error() {
            Some(e) if e.is_conditional_check_failed_exception() => Ok(()),
            _ => Err(failed(error)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_as_it_was_written() {
        let long = "49590338271490256608559692538361571095921575989136588898".to_owned();
        for (sequence, finished) in [(None, false), (Some(long.clone()), false), (Some(long), true)] {
            let position = Position {
                stream: "arn:s".into(),
                shard: "shardId-1".into(),
                sequence,
            };
            let at = Timestamp::from_nanos(5);
            let item = write("crm", &position, 9, at, finished);
            let expected = FeedPosition {
                position,
                fence: 9,
                written_at: at,
                finished,
            };
            assert_eq!(read(&item).unwrap(), expected);
        }
    }
}
