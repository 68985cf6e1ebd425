//! Appending: one conditional put, or one transaction when unique values change hands with the commit.

use crate::{
    Error, EventLog,
    claims::{self, ClaimChange},
    item::{self, Item},
    log::failed,
};
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use headwater_dynamodb::AccessPattern;
use headwater_kernel::{AggregateType, Commit, Id, StoredEvent, Timestamp};
use headwater_tenancy::TenantScope;

/// What is to be appended; the log adds the writer.
#[derive(Debug, Clone)]
pub struct NewCommit {
    /// Sequence of the first event: the loaded version + 1, always.
    pub first_sequence: u64,
    /// The events, at the versions that this build writes; not empty.
    pub events: Vec<StoredEvent>,
    /// The id of the command.
    pub command_id: String,
    /// What ties together everything that one request set in motion.
    pub correlation_id: Option<String>,
    /// The command or event that caused the command.
    pub causation_id: Option<String>,
    /// The keyed tag of the command's payload.
    pub(crate) tag: String,
    /// Reserved for it, so that with the writer it names this very attempt.
    pub(crate) time: Timestamp,
}

/// Most items of a DynamoDB transaction.
const TRANSACTION: usize = 100;

impl EventLog {
    /// Appends a commit, and with it the change of claims. The commit's place is its condition: nothing is ever overwritten.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the place is taken, [`Error::Claimed`] when a value is, [`Error::TooLarge`] before anything is sent.
    /// After [`Error::Unavailable`] it is unknown whether the commit was written.
    pub(crate) async fn append(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        id: &Id,
        new: NewCommit,
        changes: &[ClaimChange],
    ) -> Result<Commit, Error> {
        let client = scope.client().map(serde_json::value::to_raw_value).transpose();
        let commit = Commit {
            tenant: scope.tenant().clone(),
            context: aggregate.context.to_owned(),
            aggregate: aggregate.name.to_owned(),
            id: id.clone(),
            first_sequence: new.first_sequence,
            time: new.time,
            writer: self.0.clock.writer(),
            events: new.events,
            command_id: new.command_id,
            actor: scope.actor().clone(),
            correlation_id: new.correlation_id,
            causation_id: new.causation_id,
            client: client.map_err(|error| Error::unreadable("the client's address", error))?,
        };
        let item = item::write(&commit, &new.tag)?;
        let (bytes, limit) = (item::size(&item), self.0.options.max_commit_bytes);
        if bytes > limit {
            return Err(Error::TooLarge { bytes, limit });
        }
        if changes.is_empty() {
            self.put(scope, aggregate, item).await?;
        } else {
            self.put_with_claims(scope, aggregate, id, item, changes).await?;
        }
        Ok(commit)
    }

    async fn put(&self, scope: &TenantScope, aggregate: &AggregateType, item: Item) -> Result<(), Error> {
        self.0
            .database
            .client()
            .put_item()
            .table_name(self.events_table(aggregate.context))
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(PK)")
            .customize()
            .interceptor(AccessPattern::of("event-log.append", scope.tenant()))
            .send()
            .await
            .map(drop)
            .map_err(|error| {
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception())
                {
                    Error::Conflict
                } else {
                    failed(error)
                }
            })
    }

    /// One transaction of at most 100 items. What does not fit beside the commit goes ahead as provisional claims, which are worth
    /// something only once the commit stands; what is released late is a claim that its owner no longer holds, which a rival may take.
    async fn put_with_claims(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        id: &Id,
        item: Item,
        changes: &[ClaimChange],
    ) -> Result<(), Error> {
        let started = self.0.runtime.monotonic();
        let (before, with) = changes.split_at(changes.len().saturating_sub(TRANSACTION - 1));
        for group in before.chunks(TRANSACTION) {
            // A release that comes before its commit could give a value away that is still held; it follows at the rival's request.
            let takes: Vec<_> = group.iter().filter(|change| change.takes()).collect();
            let items = takes
                .iter()
                .map(|change| self.claim_item(scope, aggregate, id, change))
                .collect::<Result<Vec<_>, _>>()?;
            if !items.is_empty() {
                self.transact(scope, aggregate, items, 0, |n| takes[n]).await?;
            }
        }
        if self.0.runtime.monotonic().saturating_sub(started) > claims::COMMIT_WITHIN {
            return Err(Error::Unavailable(
                "the claims took too long; the command can be sent again".into(),
            ));
        }
        let put = Put::builder()
            .table_name(self.events_table(aggregate.context))
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(PK)")
            .build()
            .map_err(|error| Error::Refused(error.into()))?;
        let mut items = vec![TransactWriteItem::builder().put(put).build()];
        for change in with {
            items.push(self.claim_item(scope, aggregate, id, change)?);
        }
        self.transact(scope, aggregate, items, 1, |n| &with[n]).await
    }

    /// Sends a transaction whose items from `claims_from` on are claims.
    async fn transact<'a>(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        items: Vec<TransactWriteItem>,
        claims_from: usize,
        change: impl Fn(usize) -> &'a ClaimChange,
    ) -> Result<(), Error> {
        let sent = self
            .0
            .database
            .client()
            .transact_write_items()
            .set_transact_items(Some(items))
            .customize()
            .interceptor(AccessPattern::of("event-log.append-with-claims", scope.tenant()))
            .send()
            .await;
        let Err(error) = sent else { return Ok(()) };
        let reasons = claims::failed_conditions(&error);
        match reasons.first() {
            Some(first) if *first < claims_from => Err(Error::Conflict),
            Some(first) => Err(Error::Claimed {
                claim: change(first - claims_from).claim().clone(),
                aggregate: aggregate.name,
            }),
            None => Err(failed(error)),
        }
    }
}
