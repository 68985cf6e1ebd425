//! Leases: which worker reads which shard. An item of the table `checkpoints`, `PK = LEASES`, `SK = <context>#<shard>`.
//!
//! | attribute | type | holds |
//! |---|---|---|
//! | `owner` | S | the worker that holds it; absent while nobody does |
//! | `fence` | N | grows with every change of owner; starts from the clock, so that it grows also after the table was rolled back |
//! | `beat` | N | grows with every renewal; whoever sees it stand still for the lease's duration may take over |
//! | `stream` | S | the stream of the shard; under another one the item says nothing |
//! | `finished` | BOOL | the shard was read to its end |
//!
//! No clock is compared between workers: each watches the beat by its own monotonic clock.

use crate::{Error, Shard, item, log::failed, log::text_of};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use headwater_dynamodb::{AccessPattern, Database};
use headwater_runtime::Runtime;
use std::collections::HashMap;

const LEASES: &str = "LEASES";

/// A lease as it stands in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// `<context>#<shard>`.
    pub key: String,
    /// Who holds it.
    pub owner: Option<String>,
    /// Grows with every change of owner.
    pub fence: u64,
    /// Grows with every renewal.
    pub beat: u64,
    /// The stream of the shard.
    pub stream: String,
    /// The shard was read to its end.
    pub finished: bool,
}

/// A lease that this worker holds, as far as it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// `<context>#<shard>`.
    pub key: String,
    /// Goes with every write that only the holder may make.
    pub fence: u64,
    beat: u64,
}

/// The leases of all contexts.
#[derive(Debug, Clone)]
pub struct LeaseTable {
    database: Database,
    runtime: Runtime,
    worker: String,
}

impl LeaseTable {
    /// For `worker`, in the table `checkpoints` of `database`. No two workers may have one name, also not one after the other.
    pub fn new(database: Database, worker: impl Into<String>, runtime: Runtime) -> Self {
        Self {
            database,
            runtime,
            worker: worker.into(),
        }
    }

    /// The name of this worker.
    pub fn worker(&self) -> &str {
        &self.worker
    }

    /// The key of a shard's lease.
    pub fn key(context: &str, shard: &str) -> String {
        format!("{context}#{shard}")
    }

    /// All leases, by key.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn list(&self) -> Result<Vec<Lease>, Error> {
        let mut leases = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .database
                .client()
                .query()
                .table_name(self.database.table("checkpoints"))
                .key_condition_expression("PK = :leases")
                .expression_attribute_values(":leases", item::text(LEASES))
                .consistent_read(true)
                .limit(1_000)
                .set_exclusive_start_key(after)
                .customize()
                .interceptor(AccessPattern::system("leases.list"))
                .send()
                .await
                .map_err(failed)?;
            leases.extend(page.items().iter().filter_map(read));
            after = page.last_evaluated_key;
            if after.is_none() {
                return Ok(leases);
            }
        }
    }

    /// Takes the lease of a shard that nobody has ever held, or one as it was `seen`; `None` when another worker was faster or the
    /// holder has shown life since.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn take(&self, context: &str, shard: &Shard, seen: Option<&Lease>) -> Result<Option<Held>, Error> {
        self.take_above(context, shard, seen, 0).await
    }

    /// The same, with a fence above `above`: one under which something was written that is kept elsewhere than the leases. They may have
    /// been rolled back since, and the clock may have gone back.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn take_above(
        &self,
        context: &str,
        shard: &Shard,
        seen: Option<&Lease>,
        above: u64,
    ) -> Result<Option<Held>, Error> {
        let clock = u64::try_from(self.runtime.now().nanos() / 1_000_000).unwrap_or(0);
        let held = Held {
            key: Self::key(context, &shard.id),
            fence: seen
                .map_or(0, |lease| lease.fence + 1)
                .max(clock)
                .max(above.saturating_add(1)),
            beat: seen.map_or(1, |lease| lease.beat + 1),
        };
        let put = self
            .database
            .client()
            .put_item()
            .table_name(self.database.table("checkpoints"))
            .item("PK", item::text(LEASES))
            .item("SK", item::text(&held.key))
            .item("owner", item::text(&self.worker))
            .item("fence", item::number(held.fence))
            .item("beat", item::number(held.beat))
            .item("stream", item::text(&shard.stream));
        let put = match seen {
            None => put.condition_expression("attribute_not_exists(PK)"),
            Some(seen) => put
                .condition_expression("fence = :fence AND beat = :beat")
                .expression_attribute_values(":fence", item::number(seen.fence))
                .expression_attribute_values(":beat", item::number(seen.beat)),
        };
        let sent = put
            .customize()
            .interceptor(AccessPattern::system("leases.take"))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Some(held)),
            // The answer to an earlier try of the same put may have been lost.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                let now = self.get(&held.key).await?;
                Ok(now.is_some_and(|now| self.is_mine(&now, &held)).then_some(held))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Shows life; `false` when the lease is another's now.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`]. Whether the lease is still held is not known then.
    pub async fn renew(&self, held: &mut Held) -> Result<bool, Error> {
        // Also when the answer is lost: the next beat has to be another one.
        held.beat += 1;
        self.change(held, "SET beat = :beat", held.beat, "leases.renew").await
    }

    /// Gives the lease back, at the end of the shard or before; nothing happens when it is another's already.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn release(&self, held: &Held, finished: bool) -> Result<(), Error> {
        let change = if finished {
            "SET beat = :beat, finished = :true REMOVE #owner"
        } else {
            "SET beat = :beat REMOVE #owner"
        };
        self.change(held, change, held.beat + 1, "leases.release")
            .await
            .map(drop)
    }

    /// Removes the lease of a shard that the stream has no more, as it was `seen`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn forget(&self, seen: &Lease) -> Result<(), Error> {
        let sent = self
            .database
            .client()
            .delete_item()
            .table_name(self.database.table("checkpoints"))
            .key("PK", item::text(LEASES))
            .key("SK", item::text(&seen.key))
            .condition_expression("fence = :fence AND beat = :beat")
            .expression_attribute_values(":fence", item::number(seen.fence))
            .expression_attribute_values(":beat", item::number(seen.beat))
            .customize()
            .interceptor(AccessPattern::system("leases.forget"))
            .send()
            .await;
        match sent {
            Err(error)
                if !error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Err(failed(error))
            }
            _ => Ok(()),
        }
    }

    fn is_mine(&self, lease: &Lease, held: &Held) -> bool {
        lease.owner.as_deref() == Some(&self.worker) && lease.fence == held.fence
    }

    async fn change(&self, held: &Held, change: &str, beat: u64, pattern: &'static str) -> Result<bool, Error> {
        let update = self
            .database
            .client()
            .update_item()
            .table_name(self.database.table("checkpoints"))
            .key("PK", item::text(LEASES))
            .key("SK", item::text(&held.key))
            .update_expression(change)
            .condition_expression("#owner = :me AND fence = :fence")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":me", item::text(&self.worker))
            .expression_attribute_values(":fence", item::number(held.fence))
            .expression_attribute_values(":beat", item::number(beat))
            .return_values(ReturnValue::None);
        let update = if change.contains(":true") {
            update.expression_attribute_values(":true", AttributeValue::Bool(true))
        } else {
            update
        };
        let sent = update
            .customize()
            .interceptor(AccessPattern::system(pattern))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Lease>, Error> {
        let answer = self
            .database
            .client()
            .get_item()
            .table_name(self.database.table("checkpoints"))
            .key("PK", item::text(LEASES))
            .key("SK", item::text(key))
            .consistent_read(true)
            .customize()
            .interceptor(AccessPattern::system("leases.get"))
            .send()
            .await
            .map_err(failed)?;
        Ok(answer.item().and_then(read))
    }
}

/// Reads an item; one that makes no sense is left out, and taking it fails until somebody looks.
fn read(item: &HashMap<String, AttributeValue>) -> Option<Lease> {
    let number = |name: &str| item.get(name)?.as_n().ok()?.parse().ok();
    Some(Lease {
        key: text_of(item, "SK")?.to_owned(),
        owner: text_of(item, "owner").map(str::to_owned),
        fence: number("fence")?,
        beat: number("beat")?,
        stream: text_of(item, "stream").unwrap_or_default().to_owned(),
        finished: matches!(item.get("finished"), Some(AttributeValue::Bool(true))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_of_layout_1_are_read() {
        let item = HashMap::from([
            ("PK".to_owned(), item::text("LEASES")),
            ("SK".to_owned(), item::text("crm#shardId-1")),
            ("owner".to_owned(), item::text("w-1")),
            ("fence".to_owned(), item::number(1_732_000_000_000_u64)),
            ("beat".to_owned(), item::number(7)),
            ("stream".to_owned(), item::text("arn:s")),
            ("finished".to_owned(), AttributeValue::Bool(true)),
        ]);
        let lease = Lease {
            key: "crm#shardId-1".into(),
            owner: Some("w-1".into()),
            fence: 1_732_000_000_000,
            beat: 7,
            stream: "arn:s".into(),
            finished: true,
        };
        assert_eq!(read(&item), Some(lease));
        assert_eq!(read(&HashMap::from([("SK".to_owned(), item::text("x"))])), None);
    }
}
