//! Reading a feed: its batches, and the commits that they refer to, from the log.

use super::{
    cursor::FeedPlace,
    layout::{self, FeedBatch, Reference},
};
use crate::{
    Error, EventLog, codec,
    item::{self, Item, text},
    log::{failed, text_of},
};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures::{StreamExt, TryStreamExt, stream};
use headwater_dynamodb::AccessPattern;
use headwater_kernel::{AggregateType, Commit};
use headwater_tenancy::TenantScope;
use std::collections::HashMap;

/// What reads of the feed itself are counted under.
const PATTERN: &str = "event-log.feed-read";
/// Keys of one BatchGetItem.
const KEYS: usize = 100;
/// BatchGetItem calls of one page at a time.
const AT_A_TIME: usize = 4;
/// How often keys that were left unprocessed are asked for again.
const ATTEMPTS: u32 = 10;

/// One page of a feed.
#[derive(Debug)]
pub struct FeedPage {
    /// The commits in the feed's order, each with the place to go on at after it. Their events have the versions they were stored with.
    pub commits: Vec<(FeedPlace, Commit)>,
    /// The place to go on at after the page, also when it is empty.
    pub next: FeedPlace,
}

impl EventLog {
    /// The number that the next batch of the tenant's feed will have: reading from there gives what comes from now on.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Refused`] or [`Error::Unreadable`].
    pub async fn feed_end(&self, scope: &TenantScope, context: &str) -> Result<u64, Error> {
        Ok(self
            .last_feed_batch(scope, context)
            .await?
            .map_or(1, |last| last.number + 1))
    }

    pub(super) async fn last_feed_batch(&self, scope: &TenantScope, context: &str) -> Result<Option<FeedBatch>, Error> {
        let answer = self
            .0
            .database
            .client()
            .query()
            .table_name(self.feed_table(context))
            .key_condition_expression("PK = :pk")
            .expression_attribute_values(":pk", text(layout::partition_key(scope.tenant())))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(1)
            .customize()
            .interceptor(AccessPattern::of(PATTERN, scope.tenant()))
            .send()
            .await
            .map_err(failed)?;
        answer.items().first().map(layout::read).transpose()
    }

    /// The batches from number `from` on, at most `limit`, one following the other.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Refused`] or [`Error::Unreadable`].
    pub async fn feed_batches(
        &self,
        scope: &TenantScope,
        context: &str,
        from: u64,
        limit: i32,
    ) -> Result<Vec<FeedBatch>, Error> {
        let answer = self
            .0
            .database
            .client()
            .query()
            .table_name(self.feed_table(context))
            .key_condition_expression("PK = :pk AND SK >= :from")
            .expression_attribute_values(":pk", text(layout::partition_key(scope.tenant())))
            .expression_attribute_values(":from", text(item::sort_key(from)))
            .consistent_read(true)
            .limit(limit.max(1))
            .customize()
            .interceptor(AccessPattern::of(PATTERN, scope.tenant()))
            .send()
            .await
            .map_err(failed)?;
        let batches: Vec<FeedBatch> = answer.items().iter().map(layout::read).collect::<Result<_, _>>()?;
        // A batch is written after the one before it. Where a feed has grown over two of the store's partitions, one query may still see
        // them the other way round; the next one does not.
        let following = batches.into_iter().zip(from.max(1)..);
        Ok(following
            .take_while(|(batch, wanted)| batch.number == *wanted)
            .map(|(batch, _)| batch)
            .collect())
    }

    /// The commits of references, in their order; `None` for one that the log no longer has.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Refused`] or [`Error::Unreadable`].
    pub async fn resolve(
        &self,
        scope: &TenantScope,
        context: &str,
        references: &[Reference],
    ) -> Result<Vec<Option<Commit>>, Error> {
        let key = |reference: &Reference| {
            let partition = item::partition_key(scope.tenant(), &reference.aggregate, &reference.id);
            (partition, item::sort_key(reference.first_sequence))
        };
        let mut keys: Vec<(String, String)> = references.iter().map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        let chunks: Vec<Vec<_>> = keys.chunks(KEYS).map(<[_]>::to_vec).collect();
        let found: Vec<HashMap<_, _>> = stream::iter(chunks)
            .map(|chunk| self.commits_at(scope, context, chunk))
            .buffered(AT_A_TIME)
            .try_collect()
            .await?;
        let mut found: HashMap<_, _> = found.into_iter().flatten().collect();
        Ok(references
            .iter()
            .map(|reference| found.remove(&key(reference)))
            .collect())
    }

    async fn commits_at(
        &self,
        scope: &TenantScope,
        context: &str,
        keys: Vec<(String, String)>,
    ) -> Result<HashMap<(String, String), Commit>, Error> {
        let table = self.events_table(context);
        let mut found = HashMap::with_capacity(keys.len());
        let key = |(partition, sort): (String, String)| -> Item {
            HashMap::from([("PK".to_owned(), text(partition)), ("SK".to_owned(), text(sort))])
        };
        let mut wanted: Vec<HashMap<String, AttributeValue>> = keys.into_iter().map(key).collect();
        for attempt in 1..=ATTEMPTS {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(std::mem::take(&mut wanted)))
                .consistent_read(true)
                .build()
                .map_err(|error| Error::Refused(error.into()))?;
            let answer = self
                .0
                .database
                .client()
                .batch_get_item()
                .request_items(&table, request)
                .customize()
                .interceptor(AccessPattern::of("event-log.feed-resolve", scope.tenant()))
                .send()
                .await
                .map_err(failed)?;
            for item in answer.responses.into_iter().flatten().flat_map(|(_, items)| items) {
                let of = |name| text_of(&item, name).unwrap_or_default().to_owned();
                found.insert((of("PK"), of("SK")), item::read(context, &item)?.commit);
            }
            wanted = answer
                .unprocessed_keys
                .into_iter()
                .flatten()
                .flat_map(|(_, rest)| rest.keys)
                .collect();
            if wanted.is_empty() {
                return Ok(found);
            }
            self.back_off(attempt).await;
        }
        Err(Error::Unavailable("the event table left keys unprocessed".into()))
    }

    /// The commits from `from` on, at most `limit`. A page is short only at the end of the feed.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Refused`] or [`Error::Unreadable`].
    pub async fn feed_page(
        &self,
        scope: &TenantScope,
        context: &str,
        from: FeedPlace,
        limit: usize,
    ) -> Result<FeedPage, Error> {
        let mut next = from;
        let mut references: Vec<(FeedPlace, Reference)> = Vec::new();
        while references.len() < limit {
            let batches = self.feed_batches(scope, context, next.batch, 10).await?;
            if batches.is_empty() {
                break;
            }
            for batch in batches {
                let of = batch.references.len();
                for (n, reference) in batch.references.into_iter().enumerate() {
                    if n < usize::try_from(next.reference).unwrap_or(usize::MAX) {
                        continue;
                    }
                    if references.len() == limit {
                        break;
                    }
                    next = FeedPlace::batch(batch.number).after_reference(n, of);
                    references.push((next, reference));
                }
                // Also past a place that lies behind the batch's last reference.
                if references.len() < limit {
                    next = FeedPlace::batch(batch.number + 1);
                }
            }
        }
        let (places, wanted): (Vec<_>, Vec<_>) = references.into_iter().unzip();
        let found = self.resolve(scope, context, &wanted).await?;
        let commits = places.into_iter().zip(found);
        Ok(FeedPage {
            commits: commits.filter_map(|(place, commit)| Some((place, commit?))).collect(),
            next,
        })
    }
}

/// A commit as it was stored, with its events brought to the versions that this build writes.
///
/// # Errors
/// [`Error::Unreadable`] when this build does not know one of them.
pub fn upcast_commit(aggregate: &AggregateType, mut commit: Commit) -> Result<Commit, Error> {
    let stored = std::mem::take(&mut commit.events);
    commit.events = stored
        .into_iter()
        .map(|event| codec::upcast(aggregate, event))
        .collect::<Result<_, _>>()?;
    Ok(commit)
}
