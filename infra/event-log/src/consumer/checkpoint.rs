//! How far a consumer has read a shard. An item of the table `checkpoints`, in the same file as the views on the embedded engine: a power
//! cut takes both back together.
//!
//! `PK = CHECKPOINT#<context>#<consumer>`, `SK = <shard>`; `stream` (S), `sequence` (S, absent at the shard's beginning), `at` (N,
//! nanoseconds since 1970), `finished` (BOOL), `fence` (N, of the lease under which it was written), `written` (N, nanoseconds of the
//! holder's monotonic clock: what it wrote earlier and what arrives late does not come over it), `store` (S, of a search index in a cluster:
//! which making of it has the effect).

use crate::{Error, Position, item, log::failed, log::text_of};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_dynamodb::{AccessPattern, Database};
use headwater_kernel::Timestamp;
use headwater_runtime::Runtime;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// How far a shard was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Everything up to here has had its effect.
    pub position: Position,
    /// When that was written. Past the stream's retention it is worth nothing, whatever the stream answers.
    pub at: Timestamp,
    /// The shard has ended and all of it has had its effect.
    #[serde(default)]
    pub finished: bool,
    /// Which store has the effect, where that is not what has the checkpoint: a store that was made anew has nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
}

/// What became of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is written.
    Yes,
    /// Another worker has taken the shard over, or this one has written a later one; nothing was written.
    Fenced,
}

/// The checkpoints in one database.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    database: Database,
    runtime: Runtime,
}

fn partition_key(context: &str, consumer: &str) -> AttributeValue {
    item::text(format!("CHECKPOINT#{context}#{consumer}"))
}

impl Checkpoints {
    /// In the table `checkpoints` of `database`.
    pub fn new(database: Database, runtime: Runtime) -> Self {
        Self { database, runtime }
    }

    /// Those of a consumer in a context, by shard.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn load(&self, context: &str, consumer: &str) -> Result<BTreeMap<String, Checkpoint>, Error> {
        let mut all = BTreeMap::new();
        let mut after = None;
        loop {
            let page = self
                .database
                .client()
                .query()
                .table_name(self.database.table("checkpoints"))
                .key_condition_expression("PK = :pk")
                .expression_attribute_values(":pk", partition_key(context, consumer))
                .consistent_read(true)
                .limit(1_000)
                .set_exclusive_start_key(after)
                .customize()
                .interceptor(AccessPattern::system("checkpoints.load"))
                .send()
                .await
                .map_err(failed)?;
            // One that cannot be read is one that is lost, and the log fills in.
            all.extend(page.items().iter().filter_map(read));
            after = page.last_evaluated_key;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Writes one down, unless a worker with a higher fence has.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn save(
        &self,
        context: &str,
        consumer: &str,
        checkpoint: &Checkpoint,
        fence: u64,
    ) -> Result<Saved, Error> {
        let Checkpoint {
            position,
            at,
            finished,
            store,
        } = checkpoint;
        // One fence is of one process.
        let written = item::number(u64::try_from(self.runtime.monotonic().as_nanos()).unwrap_or(u64::MAX));
        let sent = self
            .database
            .client()
            .put_item()
            .table_name(self.database.table("checkpoints"))
            .item("PK", partition_key(context, consumer))
            .item("SK", item::text(&position.shard))
            .item("stream", item::text(&position.stream))
            .item("at", item::number(at.nanos()))
            .item("fence", item::number(fence))
            .item("written", written.clone())
            .item("finished", AttributeValue::Bool(*finished));
        let sent = match &position.sequence {
            Some(sequence) => sent.item("sequence", item::text(sequence)),
            None => sent,
        };
        let sent = match store {
            Some(store) => sent.item("store", item::text(store)),
            None => sent,
        };
        let sent = sent
            .condition_expression(
                "attribute_not_exists(fence) OR fence < :fence \
                 OR (fence = :fence AND (attribute_not_exists(written) OR written <= :written))",
            )
            .expression_attribute_values(":fence", item::number(fence))
            .expression_attribute_values(":written", written)
            .customize()
            .interceptor(AccessPattern::system("checkpoints.save"))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Saved::Yes),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(Saved::Fenced)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Removes one: its shard is gone from the stream, or its consumer from the system.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn forget(&self, context: &str, consumer: &str, shard: &str) -> Result<(), Error> {
        self.database
            .client()
            .delete_item()
            .table_name(self.database.table("checkpoints"))
            .key("PK", partition_key(context, consumer))
            .key("SK", item::text(shard))
            .customize()
            .interceptor(AccessPattern::system("checkpoints.forget"))
            .send()
            .await
            .map(drop)
            .map_err(failed)
    }
}

fn read(item: &HashMap<String, AttributeValue>) -> Option<(String, Checkpoint)> {
    let shard = text_of(item, "SK")?.to_owned();
    let checkpoint = Checkpoint {
        position: Position {
            stream: text_of(item, "stream")?.to_owned(),
            shard: shard.clone(),
            sequence: text_of(item, "sequence").map(str::to_owned),
        },
        at: Timestamp::from_nanos(item.get("at")?.as_n().ok()?.parse().ok()?),
        finished: matches!(item.get("finished"), Some(AttributeValue::Bool(true))),
        store: text_of(item, "store").map(str::to_owned),
    };
    Some((shard, checkpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_of_layout_1_are_read() {
        let item = HashMap::from([
            ("PK".to_owned(), item::text("CHECKPOINT#crm#leads.1")),
            ("SK".to_owned(), item::text("shardId-1")),
            ("stream".to_owned(), item::text("arn:s")),
            ("sequence".to_owned(), item::text("000000000000000000042")),
            ("at".to_owned(), item::number(1_732_000_000_000_000_000_i64)),
            ("finished".to_owned(), AttributeValue::Bool(false)),
            ("fence".to_owned(), item::number(1_732_000_000_000_u64)),
        ]);
        let (shard, checkpoint) = read(&item).unwrap();
        assert_eq!(shard, "shardId-1");
        assert_eq!(checkpoint.position.sequence.as_deref(), Some("000000000000000000042"));
        assert_eq!(checkpoint.at, Timestamp::from_nanos(1_732_000_000_000_000_000));
        assert!(!checkpoint.finished);
        assert_eq!(checkpoint.store, None);
    }
}
