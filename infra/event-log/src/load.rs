//! Loading: the newest snapshot and every commit after it, page by page to the end.

use crate::{
    Error, EventLog,
    cache::Loaded,
    codec,
    item::{self, Tagged},
    log::failed,
};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_dynamodb::AccessPattern;
use headwater_kernel::{Aggregate, AggregateType, Commit, Id};
use headwater_tenancy::TenantScope;
use std::collections::HashMap;

/// Commits of one page, at most. DynamoDB ends a page at 1 MB anyway.
const PAGE: i32 = 500;

/// A page of an aggregate's commits.
pub(crate) struct Page {
    pub(crate) commits: Vec<Tagged>,
    /// Whether more follow.
    pub(crate) more: bool,
}

/// An aggregate's commits up to the end of a page, or to an item that this build cannot read.
#[derive(Debug)]
pub struct CommitsUntil {
    /// In order.
    pub commits: Vec<Commit>,
    /// The item that follows them, when it cannot be read.
    pub unreadable: Option<UnreadableCommit>,
    /// Whether there may be more; to be asked for from the version of the last one on.
    pub more: bool,
}

/// A commit that this build cannot read.
#[derive(Debug)]
pub struct UnreadableCommit {
    /// The sequence of its first event.
    pub first_sequence: u64,
    /// The sequence of its last event, as far as it or what follows tells.
    pub version: Option<u64>,
    /// What is wrong with it.
    pub error: Error,
}

/// Items of one aggregate, and whether more follow.
type Items = (Vec<HashMap<String, AttributeValue>>, bool);

fn first_sequence_of(item: &HashMap<String, AttributeValue>) -> Option<u64> {
    crate::log::text_of(item, "SK")?.parse().ok()
}

impl EventLog {
    /// A page of commits from the one that begins with sequence `from`, up to one that cannot be read: that one does not hide those before.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Refused`].
    pub async fn commits_until(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        id: &Id,
        from: u64,
    ) -> Result<CommitsUntil, Error> {
        let pattern = "event-log.history";
        let (items, more) = self.items(scope, aggregate, id, from, (PAGE, pattern)).await?;
        let mut commits = Vec::with_capacity(items.len());
        let mut items = items.iter().peekable();
        while let Some(item) = items.next() {
            let error = match current(aggregate, item) {
                Ok(tagged) => {
                    commits.push(tagged.commit);
                    continue;
                }
                Err(error) => error,
            };
            let after_last = commits.last().map_or(from, |last| last.version() + 1);
            let first_sequence = first_sequence_of(item).unwrap_or(after_last);
            let events = item.get("n").and_then(|n| n.as_n().ok()?.parse::<u64>().ok());
            let version = match (events.filter(|events| *events > 0), items.peek()) {
                (Some(events), _) => first_sequence.checked_add(events - 1),
                (None, Some(next)) => first_sequence_of(next).map(|next| next - 1),
                (None, None) => {
                    let next = self
                        .items(scope, aggregate, id, first_sequence + 1, (1, pattern))
                        .await?;
                    next.0.first().and_then(first_sequence_of).map(|next| next - 1)
                }
            };
            let unreadable = UnreadableCommit {
                first_sequence,
                version,
                error,
            };
            return Ok(CommitsUntil {
                commits,
                unreadable: Some(unreadable),
                more: true,
            });
        }
        Ok(CommitsUntil {
            commits,
            unreadable: None,
            more,
        })
    }

    /// One page of an aggregate's commits, in order, from the one whose first sequence is at least `from`. Events are brought to the
    /// current version.
    pub(crate) async fn page(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        id: &Id,
        from: u64,
        limit: (i32, &'static str),
    ) -> Result<Page, Error> {
        let (items, more) = self.items(scope, aggregate, id, from, limit).await?;
        let commits = items
            .iter()
            .map(|item| current(aggregate, item))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page { commits, more })
    }

    /// One page of an aggregate's items as they are stored.
    async fn items(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        id: &Id,
        from: u64,
        (limit, pattern): (i32, &'static str),
    ) -> Result<Items, Error> {
        let answer = self
            .0
            .database
            .client()
            .query()
            .table_name(self.events_table(aggregate.context))
            .key_condition_expression("PK = :pk AND SK >= :from")
            .expression_attribute_values(
                ":pk",
                item::text(item::partition_key(scope.tenant(), aggregate.name, id)),
            )
            .expression_attribute_values(":from", item::text(item::sort_key(from)))
            .consistent_read(true)
            .limit(limit)
            .customize()
            .interceptor(AccessPattern::of(pattern, scope.tenant()))
            .send()
            .await
            .map_err(failed)?;
        let more = answer.last_evaluated_key.is_some();
        Ok((answer.items.unwrap_or_default(), more))
    }

    /// The commit whose first event has this sequence.
    pub(crate) async fn commit_at(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        id: &Id,
        first_sequence: u64,
    ) -> Result<Option<Tagged>, Error> {
        let answer = self
            .0
            .database
            .client()
            .get_item()
            .table_name(self.events_table(aggregate.context))
            .key(
                "PK",
                item::text(item::partition_key(scope.tenant(), aggregate.name, id)),
            )
            .key("SK", item::text(item::sort_key(first_sequence)))
            .consistent_read(true)
            .customize()
            .interceptor(AccessPattern::of("event-log.receipt", scope.tenant()))
            .send()
            .await
            .map_err(failed)?;
        answer.item().map(|item| current(aggregate, item)).transpose()
    }

    /// Every commit of an aggregate from the one that holds sequence `from` on, in order. An aggregate without commits gives none.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Refused`] or [`Error::Unreadable`].
    pub async fn commits(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        id: &Id,
        from: u64,
    ) -> Result<Vec<Commit>, Error> {
        let mut commits = Vec::new();
        let mut next = self.first_of(scope, aggregate, id, from).await?;
        loop {
            let page = self
                .page(scope, aggregate, id, next, (PAGE, "event-log.history"))
                .await?;
            commits.extend(page.commits.into_iter().map(|tagged| tagged.commit));
            match commits.last() {
                Some(last) if page.more => next = last.version() + 1,
                _ => return Ok(commits),
            }
        }
    }

    /// At most one page of commits from the one that holds sequence `from` on, and whether more follow.
    ///
    /// # Errors
    /// As [`EventLog::commits`].
    pub async fn commits_page(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        id: &Id,
        from: u64,
    ) -> Result<(Vec<Commit>, bool), Error> {
        self.history_page(scope, aggregate, id, from, usize::MAX).await
    }

    /// The same for histories that are shown page by page: no more commits than hold `events` events for certain, which is as many, as
    /// each holds one at least.
    ///
    /// # Errors
    /// As [`EventLog::commits`].
    pub async fn history_page(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        id: &Id,
        from: u64,
        events: usize,
    ) -> Result<(Vec<Commit>, bool), Error> {
        let limit = i32::try_from(events).map_or(PAGE, |events| events.clamp(1, PAGE));
        let next = self.first_of(scope, aggregate, id, from).await?;
        let page = self
            .page(scope, aggregate, id, next, (limit, "event-log.history"))
            .await?;
        Ok((
            page.commits.into_iter().map(|tagged| tagged.commit).collect(),
            page.more,
        ))
    }

    /// The first sequence of the commit that holds `sequence`, which may lie in its middle.
    async fn first_of(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        id: &Id,
        sequence: u64,
    ) -> Result<u64, Error> {
        if sequence <= 1 {
            return Ok(0);
        }
        let answer = self
            .0
            .database
            .client()
            .query()
            .table_name(self.events_table(aggregate.context))
            .key_condition_expression("PK = :pk AND SK <= :at")
            .expression_attribute_values(
                ":pk",
                item::text(item::partition_key(scope.tenant(), aggregate.name, id)),
            )
            .expression_attribute_values(":at", item::text(item::sort_key(sequence)))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(1)
            .customize()
            .interceptor(AccessPattern::of("event-log.history", scope.tenant()))
            .send()
            .await
            .map_err(failed)?;
        let Some(item) = answer.items().first() else {
            return Ok(0);
        };
        let commit = current(aggregate, item)?.commit;
        Ok(if commit.version() >= sequence {
            commit.first_sequence
        } else {
            sequence
        })
    }

    /// Loads an aggregate from its newest snapshot and what follows.
    pub(crate) async fn load<A: Aggregate>(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        id: &Id,
    ) -> Result<Loaded<A>, Error> {
        let mut loaded = self.read_snapshot::<A>(scope, aggregate, id).await?.unwrap_or_default();
        self.catch_up(scope, aggregate, id, &mut loaded).await?;
        Ok(loaded)
    }

    /// Reads and folds the commits that are newer than `loaded`; tells whether there were any.
    pub(crate) async fn catch_up<A: Aggregate>(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        id: &Id,
        loaded: &mut Loaded<A>,
    ) -> Result<bool, Error> {
        let before = loaded.version;
        loop {
            let page = self
                .page(scope, aggregate, id, loaded.version + 1, (PAGE, "event-log.load"))
                .await?;
            for tagged in page.commits {
                fold(&tagged.commit, loaded)?;
            }
            if !page.more {
                return Ok(loaded.version > before);
            }
        }
    }
}

/// Folds the next commit into a state.
pub(crate) fn fold<A: Aggregate>(commit: &Commit, loaded: &mut Loaded<A>) -> Result<(), Error> {
    if commit.first_sequence != loaded.version + 1 {
        return Err(Error::unreadable(
            format!("{}/{}/{}", commit.context, commit.aggregate, commit.id),
            format!(
                "its history has a hole: {} follows {}",
                commit.first_sequence, loaded.version
            ),
        ));
    }
    for event in &commit.events {
        loaded.state.apply(&codec::decode_event::<A>(event)?);
        loaded.weight += event.data.get().len();
    }
    loaded.version = commit.version();
    loaded.window.insert(&commit.command_id, commit.first_sequence);
    Ok(())
}

/// Reads an item and brings its events to the current version.
pub(crate) fn current(aggregate: &AggregateType, item: &HashMap<String, AttributeValue>) -> Result<Tagged, Error> {
    let mut tagged = item::read(aggregate.context, item)?;
    let stored = std::mem::take(&mut tagged.commit.events);
    tagged.commit.events = stored
        .into_iter()
        .map(|event| codec::upcast(aggregate, event))
        .collect::<Result<_, _>>()?;
    Ok(tagged)
}
