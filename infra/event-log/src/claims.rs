//! Unique values. A claim is an item of `<context>-claims`, `PK = TENANT#<tenant>#<aggregates>#<name>#<value>`, that names its owner.
//! It is written and released in the transaction of the commit that changes the value, and never scanned. Further attributes: `v` (N, 1),
//! `owner` (S, the aggregate's id), `at` (N, nanoseconds since 1970). This is persisted for ever: `golden/` keeps an example.
//!
//! A transaction has room for 99 claims beside the commit. More go ahead of it as provisional claims; if the commit then never comes,
//! they are claims that their owner's history does not bear out, and after [`PROVISIONAL`] a rival may drop them.

use crate::{
    Error, EventLog,
    item::{self, Item},
    log::failed,
};
use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Delete, Put, TransactWriteItem},
};
use headwater_dynamodb::AccessPattern;
use headwater_kernel::{Aggregate, AggregateType, Claim, Id, Timestamp, key};
use headwater_tenancy::TenantScope;
use std::{collections::BTreeSet, time::Duration};

/// The layout that this build writes.
const LAYOUT: u32 = 1;

/// How long a claim is believed although its owner's history does not bear it out: its commit may be under way.
pub(crate) const PROVISIONAL: Duration = Duration::from_secs(60);

/// How long after its first provisional claim a commit may still be sent.
pub(crate) const COMMIT_WITHIN: Duration = Duration::from_secs(20);

/// What a commit changes about a unique value.
#[derive(Debug, Clone)]
pub(crate) enum ClaimChange {
    Take(Claim),
    Release(Claim),
}

impl ClaimChange {
    pub(crate) fn takes(&self) -> bool {
        matches!(self, Self::Take(_))
    }

    pub(crate) fn claim(&self) -> &Claim {
        match self {
            Self::Take(claim) | Self::Release(claim) => claim,
        }
    }
}

/// The difference between what two states hold.
pub(crate) fn changes<A: Aggregate>(before: &A, after: &A) -> Vec<ClaimChange> {
    let same = |claim: &Claim| (claim.name, claim.value.clone());
    let (old, new) = (before.claims(), after.claims());
    if old.is_empty() && new.is_empty() {
        return Vec::new();
    }
    let held: BTreeSet<_> = old.iter().map(same).collect();
    let kept: BTreeSet<_> = new.iter().map(same).collect();
    let released = old
        .into_iter()
        .filter(|claim| !kept.contains(&same(claim)))
        .map(ClaimChange::Release);
    let mut seen = BTreeSet::new();
    let taken = new
        .into_iter()
        .filter(|claim| !held.contains(&same(claim)) && seen.insert(same(claim)));
    released
        .chain(taken.map(ClaimChange::Take).collect::<Vec<_>>())
        .collect()
}

/// Which items of a cancelled transaction failed their condition.
pub(crate) fn failed_conditions(error: &SdkError<TransactWriteItemsError>) -> Vec<usize> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return Vec::new();
    };
    let failed = |reason: &aws_sdk_dynamodb::types::CancellationReason| reason.code() == Some("ConditionalCheckFailed");
    cancelled
        .cancellation_reasons()
        .iter()
        .enumerate()
        .filter(|(_, reason)| failed(reason))
        .map(|(n, _)| n)
        .collect()
}

fn claim_key(scope: &TenantScope, aggregate: &str, claim: &Claim) -> AttributeValue {
    item::text(scope.key_below([aggregate, claim.name, &claim.value]))
}

/// Lays a claim out.
pub(crate) fn write(scope: &TenantScope, aggregate: &str, claim: &Claim, owner: &Id, at: Timestamp) -> Item {
    Item::from([
        ("PK".to_owned(), claim_key(scope, aggregate, claim)),
        ("v".to_owned(), item::number(LAYOUT)),
        ("owner".to_owned(), item::text(owner.as_str())),
        ("at".to_owned(), item::number(at.nanos())),
    ])
}

/// Who owns a value by its claim, and since when.
pub(crate) fn read(item: &Item) -> Option<(Id, Timestamp)> {
    let owner = Id::new(crate::log::text_of(item, "owner")?).ok()?;
    let at = item.get("at")?.as_n().ok()?.parse().ok()?;
    Some((owner, Timestamp::from_nanos(at)))
}

impl EventLog {
    pub(crate) fn claim_item(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        id: &Id,
        change: &ClaimChange,
    ) -> Result<TransactWriteItem, Error> {
        let bytes = key::encoded_len(&change.claim().value);
        if bytes > key::MAX_SORT_KEY_BYTES {
            return Err(Error::TooLarge {
                bytes,
                limit: key::MAX_SORT_KEY_BYTES,
            });
        }
        let table = self.claims_table(aggregate.context);
        let owner = item::text(id.as_str());
        let built = match change {
            ClaimChange::Take(claim) => Put::builder()
                .table_name(table)
                .set_item(Some(write(scope, aggregate.name, claim, id, self.0.runtime.now())))
                .condition_expression("attribute_not_exists(PK) OR #owner = :owner")
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_values(":owner", owner)
                .build()
                .map(|put| TransactWriteItem::builder().put(put).build()),
            ClaimChange::Release(claim) => Delete::builder()
                .table_name(table)
                .key("PK", claim_key(scope, aggregate.name, claim))
                .condition_expression("attribute_not_exists(PK) OR #owner = :owner")
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_values(":owner", owner)
                .build()
                .map(|delete| TransactWriteItem::builder().delete(delete).build()),
        };
        built.map_err(|error| Error::Refused(error.into()))
    }

    /// Who owns a value by the claims table, and since when.
    pub(crate) async fn claim_owner(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        claim: &Claim,
    ) -> Result<Option<(Id, Timestamp)>, Error> {
        let answer = self
            .0
            .database
            .client()
            .get_item()
            .table_name(self.claims_table(aggregate.context))
            .key("PK", claim_key(scope, aggregate.name, claim))
            .consistent_read(true)
            .customize()
            .interceptor(AccessPattern::of("event-log.claim-owner", scope.tenant()))
            .send()
            .await
            .map_err(failed)?;
        Ok(answer.item().and_then(read))
    }

    /// Removes a claim that its owner's history does not bear out, so that the value is free. One that was taken again since it was read,
    /// if by the same owner, is another one and stays.
    pub(crate) async fn drop_claim(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        claim: &Claim,
        (owner, at): (&Id, Timestamp),
    ) -> Result<(), Error> {
        self.0
            .database
            .client()
            .delete_item()
            .table_name(self.claims_table(aggregate.context))
            .key("PK", claim_key(scope, aggregate.name, claim))
            .condition_expression("#owner = :owner AND #at = :at")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":owner", item::text(owner.as_str()))
            .expression_attribute_values(":at", item::number(at.nanos()))
            .customize()
            .interceptor(AccessPattern::of("event-log.drop-claim", scope.tenant()))
            .send()
            .await
            .map(drop)
            .or_else(|error| match error.as_service_error() {
                Some(e) if e.is_conditional_check_failed_exception() => Ok(()),
                _ => Err(failed(error)),
            })
    }
}
