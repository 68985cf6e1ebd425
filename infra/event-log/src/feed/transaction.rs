//! One transaction of the feed: which commits it takes, its items and their conditions, and what became of it.

use super::{layout::Reference, writer::FeedWriter};
use crate::{Error, LoggedCommit, Position, item::Item, log::failed};
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use headwater_dynamodb::AccessPattern;
use headwater_kernel::Commit;
use headwater_tenancy::TenantScope;
use std::collections::HashMap;

/// What appends are counted under.
pub(super) const PATTERN: &str = "event-log.feed-append";
/// Tenants of one transaction: DynamoDB takes 100 items, and one is the position.
const TENANTS: usize = 99;
/// Bytes of references in one batch, about: what reading the end of a feed costs at most.
pub(super) const BATCH_BYTES: usize = 64_000;
/// Bytes of one transaction, about; DynamoDB takes 4 MB.
const TRANSACTION_BYTES: usize = 2_000_000;
/// The commits of one tenant in one transaction.
pub(super) struct Part<'a> {
    pub(super) scope: &'a TenantScope,
    pub(super) commits: Vec<&'a Commit>,
    bytes: usize,
}

/// As many of the first commits as one transaction takes, by tenant, and which those are.
pub(super) fn prefix<'a, 'c>(
    commits: &'c [&'a (String, LoggedCommit)],
) -> (Vec<Part<'a>>, &'c [&'a (String, LoggedCommit)]) {
    let mut parts: Vec<Part<'a>> = Vec::new();
    let mut places = HashMap::new();
    let mut bytes = 0;
    for (n, (_, logged)) in commits.iter().enumerate() {
        let weight = Reference::of(&logged.commit).weight();
        let place = *places.entry(logged.scope.tenant()).or_insert(parts.len());
        let full = match parts.get(place) {
            Some(part) => part.bytes + weight > BATCH_BYTES,
            None => parts.len() == TENANTS,
        };
        if full || bytes + weight > TRANSACTION_BYTES {
            return (parts, &commits[..n]);
        }
        if place == parts.len() {
            parts.push(Part {
                scope: &logged.scope,
                commits: Vec::new(),
                bytes: 0,
            });
        }
        let part = &mut parts[place];
        part.commits.push(&logged.commit);
        part.bytes += weight;
        bytes += weight;
    }
    (parts, commits)
}

/// What became of a write.
pub(super) enum Sent {
    Done,
    /// A condition did not hold.
    Conflict,
    /// It may have had its effect.
    Unknown(Error),
    Refused(Error),
}

impl Sent {
    fn failed(error: Error) -> Self {
        if error.is_retryable() {
            Self::Unknown(error)
        } else {
            Self::Refused(error)
        }
    }
}

impl FeedWriter {
    pub(super) fn put_batch(&self, item: Item) -> Result<Put, Error> {
        Put::builder()
            .table_name(self.log.feed_table(&self.context))
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(PK)")
            .build()
            .map_err(|error| Error::Refused(error.into()))
    }

    pub(super) fn put_position(&self, before: Option<&Position>, fence: u64, row: Item) -> Result<Put, Error> {
        let put = Put::builder()
            .table_name(self.log.feed_table(&self.context))
            .set_item(Some(row));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(PK)"),
            Some(before) => {
                let put = put
                    .expression_attribute_names("#stream", "stream")
                    .expression_attribute_names("#sequence", "sequence")
                    .expression_attribute_names("#fence", "fence")
                    .expression_attribute_values(":stream", AttributeValue::S(before.stream.clone()))
                    .expression_attribute_values(":fence", AttributeValue::N(fence.to_string()));
                match &before.sequence {
                    Some(sequence) => put
                        .condition_expression("#fence <= :fence AND #stream = :stream AND #sequence = :sequence")
                        .expression_attribute_values(":sequence", AttributeValue::S(sequence.clone())),
                    None => put.condition_expression(
                        "#fence <= :fence AND #stream = :stream AND attribute_not_exists(#sequence)",
                    ),
                }
            }
        };
        put.build().map_err(|error| Error::Refused(error.into()))
    }

    pub(super) async fn send_all(&self, items: Vec<TransactWriteItem>) -> Sent {
        let sent = self
            .log
            .0
            .database
            .client()
            .transact_write_items()
            .set_transact_items(Some(items))
            .customize()
            .interceptor(AccessPattern::system(PATTERN))
            .send()
            .await;
        let Err(error) = sent else { return Sent::Done };
        let reasons = headwater_dynamodb::transaction_reasons(&error).unwrap_or_default();
        if reasons.iter().flatten().any(|code| code == "ConditionalCheckFailed") {
            return Sent::Conflict;
        }
        Sent::failed(failed(error))
    }

    pub(super) async fn send_one(&self, put: Put) -> Sent {
        let sent = self
            .log
            .0
            .database
            .client()
            .put_item()
            .table_name(put.table_name)
            .set_item(Some(put.item))
            .set_condition_expression(put.condition_expression)
            .set_expression_attribute_names(put.expression_attribute_names)
            .set_expression_attribute_values(put.expression_attribute_values)
            .customize()
            .interceptor(AccessPattern::system(PATTERN))
            .send()
            .await;
        let Err(error) = sent else { return Sent::Done };
        if error
            .as_service_error()
            .is_some_and(|e| e.is_conditional_check_failed_exception())
        {
            return Sent::Conflict;
        }
        Sent::failed(failed(error))
    }
}
