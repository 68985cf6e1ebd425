//! Writing the feed: what a shard's reader calls with each batch of its stream.

use super::{
    layout::{self, FeedBatch, Reference},
    position::{self, FeedPosition},
    tails::{Tail, Tails},
    transaction::{Part, Sent, prefix},
};
use crate::{Error, EventLog, LoggedCommit, Position, Shard, consumer::sequence_order as order};
use aws_sdk_dynamodb::types::TransactWriteItem;
use futures::future::try_join_all;
use headwater_kernel::Timestamp;
use headwater_tenancy::TenantScope;
use std::time::Duration;

/// How long the position of a shard that the stream no longer has is kept.
const KEEP: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// What may be tuned.
#[derive(Debug, Clone)]
pub struct FeedOptions {
    /// Tenants whose last batch number is remembered. 10,000.
    pub tenants: usize,
    /// How often an append tries the next number after another shard took one. 30.
    pub attempts: u32,
    /// Aggregates that a repair holds in memory, at about 50 bytes each; with more it takes several passes. 1,000,000.
    pub repair_aggregates: usize,
    /// How long a repair rests after each page of the log, which is up to 1 MB or 256 read units. 50 ms: 20 pages a second.
    pub repair_rest: Duration,
}

impl FeedOptions {
    /// The [`FeedOptions::repair_rest`] that keeps a repair within so many read units a second.
    pub fn rest_for(read_units_per_second: u32) -> Duration {
        Duration::from_secs_f64(256.0 / f64::from(read_units_per_second.max(1)))
    }
}

impl Default for FeedOptions {
    fn default() -> Self {
        Self {
            tenants: 10_000,
            attempts: 30,
            repair_aggregates: 1_000_000,
            repair_rest: Duration::from_millis(50),
        }
    }
}

/// Why nothing more was appended.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Someone with a higher fence has written the shard's position: the lease is lost.
    #[error("the shard's position in the feed was written with fence {fence}; give the shard up")]
    Fenced {
        /// The higher fence.
        fence: u64,
    },
    /// The position is not the one that the caller knew.
    #[error("the shard's position in the feed has moved; go on from there")]
    Moved {
        /// Where it is; `None` when there is none.
        current: Option<FeedPosition>,
    },
    /// The store, as for any other call to the log. When it can be retried, calling again with the same arguments is right.
    #[error(transparent)]
    Log(#[from] Error),
}

impl FeedError {
    /// Whether the same call can succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Log(error) if error.is_retryable())
    }
}

/// What an append did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The shard's position now: what the next append has to name as `before`.
    pub position: Position,
    /// References that were added. Those of an earlier try whose answer was lost are not counted.
    pub references: usize,
    /// Transactions that were needed.
    pub transactions: usize,
}

/// Appends to the feed of one context. Cheap to clone; clones share what they remember.
#[derive(Debug, Clone)]
pub struct FeedWriter {
    pub(super) log: EventLog,
    pub(super) context: String,
    pub(super) tails: Tails,
    pub(super) options: FeedOptions,
}

impl FeedWriter {
    /// For the feed of `context` beside its log.
    pub fn new(log: EventLog, context: impl Into<String>) -> Self {
        Self::with_options(log, context, FeedOptions::default())
    }

    /// With other limits.
    pub fn with_options(log: EventLog, context: impl Into<String>, options: FeedOptions) -> Self {
        Self {
            log,
            context: context.into(),
            tails: Tails::new(options.tenants),
            options,
        }
    }

    /// How far a shard has been read into the feed.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Refused`] or [`Error::Unreadable`].
    pub async fn position(&self, shard: &str) -> Result<Option<FeedPosition>, Error> {
        let row = self.log.feed_row(&self.context, position::sort_key(shard)).await?;
        row.as_ref().map(position::read).transpose()
    }

    /// Forgets the positions of shards that the stream no longer has and that have not moved for two days.
    ///
    /// # Errors
    /// As [`FeedWriter::position`].
    pub async fn forget_all_but(&self, shards: &[Shard]) -> Result<usize, Error> {
        let now = self.log.0.runtime.now();
        let mut forgotten = 0;
        for known in self.log.feed_positions(&self.context).await? {
            let id = &known.position.shard;
            // That a parent was finished is what its children stand on.
            let of = |shard: &Shard| {
                shard.stream == known.position.stream && (shard.id == *id || shard.parent.as_ref() == Some(id))
            };
            if now.since(known.written_at) > KEEP && !shards.iter().any(of) {
                self.log.forget_feed_position(&self.context, &known).await?;
                forgotten += 1;
            }
        }
        Ok(forgotten)
    }

    /// Appends the commits of one batch of a shard's stream, with the sequence numbers of their records, and moves the shard's position
    /// from `before` (`None` when it has none yet) to `after`. What lies at or below `before` is dropped, so that a redelivered batch
    /// adds nothing. A batch of more than 99 tenants takes several transactions, each with the position that it reaches: after an error,
    /// the batch may be there in part, and [`FeedError::Moved`] or [`FeedWriter::position`] says how much of it.
    ///
    /// # Errors
    /// [`FeedError::Fenced`] and [`FeedError::Moved`] have changed nothing; [`FeedError::Log`] otherwise.
    pub async fn append(
        &self,
        before: Option<&Position>,
        after: &Position,
        fence: u64,
        commits: &[(String, LoggedCommit)],
    ) -> Result<Appended, FeedError> {
        let read = before
            .filter(|before| before.stream == after.stream && before.shard == after.shard)
            .and_then(|before| before.sequence.as_deref())
            .map(order);
        // A shard's records come in order, each once. Where a position lies decides what is dropped, so neither is left to trust.
        let mut new: Vec<&(String, LoggedCommit)> = commits
            .iter()
            .filter(|(sequence, _)| read.is_none_or(|read| order(sequence) > read))
            .collect();
        new.sort_by(|(a, _), (b, _)| order(a).cmp(&order(b)));
        new.dedup_by(|(a, _), (b, _)| order(a) == order(b));
        let mut target = after.clone();
        if let Some((last, _)) = new.last()
            && target.sequence.as_deref().is_none_or(|at| order(at) < order(last))
        {
            target.sequence = Some(last.clone());
        }
        let mut appended = Appended {
            position: before.unwrap_or(after).clone(),
            references: 0,
            transactions: 0,
        };
        let behind = |at: &Position| {
            let reached = at.sequence.as_deref().map(order);
            at.stream != target.stream || at.shard != target.shard || reached < target.sequence.as_deref().map(order)
        };
        if before.is_some_and(|before| !behind(before)) {
            return Ok(appended);
        }
        let mut rest = &new[..];
        let mut known = before.cloned();
        loop {
            let (parts, taken) = prefix(rest);
            rest = &rest[taken.len()..];
            let mut reached = target.clone();
            if let (Some((sequence, _)), false) = (taken.last(), rest.is_empty()) {
                reached.sequence = Some(sequence.clone());
            }
            appended.references += self.write(known.as_ref(), &reached, fence, &parts, false).await?;
            appended.transactions += 1;
            appended.position = reached.clone();
            known = Some(reached);
            if rest.is_empty() {
                return Ok(appended);
            }
        }
    }

    /// Notes that a shard is to be read from its beginning: what it had before now is in the feed, or is owned up to by
    /// [`FeedWriter::distrust`]. `before` is its position now, in whatever stream.
    ///
    /// # Errors
    /// As [`FeedWriter::append`].
    pub async fn begin(&self, before: Option<&Position>, shard: &Shard, fence: u64) -> Result<Position, FeedError> {
        let beginning = Position {
            stream: shard.stream.clone(),
            shard: shard.id.clone(),
            sequence: None,
        };
        self.write(before, &beginning, fence, &[], false).await?;
        Ok(beginning)
    }

    /// Notes that a shard was read to its end, and that all of it is in the feed or was owned up to by [`FeedWriter::distrust`]: its
    /// children follow on. `at` is its position now, `None` when it has none.
    ///
    /// # Errors
    /// As [`FeedWriter::append`].
    pub async fn finish(&self, at: Option<&Position>, shard: &Shard, fence: u64) -> Result<(), FeedError> {
        let of_shard = at.filter(|at| at.stream == shard.stream && at.shard == shard.id);
        let end = of_shard.cloned().unwrap_or_else(|| Position {
            stream: shard.stream.clone(),
            shard: shard.id.clone(),
            sequence: None,
        });
        self.write(at, &end, fence, &[], true).await.map(drop)
    }

    /// Writes one transaction; tells how many references it added.
    async fn write(
        &self,
        before: Option<&Position>,
        after: &Position,
        fence: u64,
        parts: &[Part<'_>],
        finished: bool,
    ) -> Result<usize, FeedError> {
        for attempt in 1..=self.options.attempts {
            let now = self.log.0.runtime.now();
            let batches = try_join_all(parts.iter().map(|part| self.batch(part, now))).await?;
            let batches: Vec<_> = parts
                .iter()
                .zip(batches)
                .filter(|(_, batch)| !batch.references.is_empty())
                .collect();
            let row = position::write(&self.context, after, fence, now, finished);
            let position = self.put_position(before, fence, row)?;
            let sent = if batches.is_empty() {
                self.send_one(position).await
            } else {
                let mut items = vec![TransactWriteItem::builder().put(position).build()];
                for (part, batch) in &batches {
                    let item = layout::write(part.scope.tenant(), batch)?;
                    items.push(TransactWriteItem::builder().put(self.put_batch(item)?).build());
                }
                self.send_all(items).await
            };
            match sent {
                Sent::Done => {
                    for (part, batch) in &batches {
                        let tail = Tail::of(Some(batch));
                        self.tails.set_tail(part.scope.tenant(), tail);
                        self.log.0.feed.grown(&self.context, part.scope.tenant());
                    }
                    return Ok(batches.iter().map(|(_, batch)| batch.references.len()).sum());
                }
                Sent::Refused(error) => return Err(error.into()),
                // The condition of the position or of a number failed, or nothing is known: the position tells.
                Sent::Conflict | Sent::Unknown(_) => {
                    let current = self.position(&after.shard).await?;
                    for part in parts {
                        self.tails.forget_tail(part.scope.tenant());
                    }
                    let is_written = |current: &FeedPosition| {
                        current.position == *after && current.fence <= fence && current.finished == finished
                    };
                    if current.as_ref().is_some_and(is_written) {
                        for part in parts {
                            self.log.0.feed.grown(&self.context, part.scope.tenant());
                        }
                        return Ok(0);
                    }
                    match current {
                        Some(current) if current.fence > fence => {
                            return Err(FeedError::Fenced { fence: current.fence });
                        }
                        current if current.as_ref().map(|current| &current.position) != before => {
                            return Err(FeedError::Moved { current });
                        }
                        _ => {}
                    }
                    if let Sent::Unknown(error) = sent {
                        return Err(error.into());
                    }
                }
            }
            self.log.back_off(attempt).await;
        }
        Err(Error::Unavailable("other shards took every number of the feed; try again".into()).into())
    }

    /// The next batch of a part's tenant, without what a repair has appended already.
    async fn batch(&self, part: &Part<'_>, now: Timestamp) -> Result<FeedBatch, Error> {
        let tenant = part.scope.tenant();
        let tail = match self.tails.tail(tenant) {
            Some(tail) => tail,
            None => {
                let last = self.log.last_feed_batch(part.scope, &self.context).await?;
                let tail = Tail::of(last.as_ref());
                self.tails.set_tail(tenant, tail);
                tail
            }
        };
        let mut commits = part.commits.clone();
        if let Some(span) = tail.repaired
            && commits.iter().any(|commit| commit.time <= span.until)
        {
            let read = |from| self.repair_batches(part.scope, from, tail.last);
            let suspects = self.tails.suspects(tenant, tail, span, read).await?;
            commits.retain(|commit| !suspects.has(commit));
        }
        Ok(FeedBatch {
            number: tail.last + 1,
            written_at: now,
            references: commits.into_iter().map(Reference::of).collect(),
            by_repair: false,
            repaired: tail.repaired,
        })
    }

    async fn repair_batches(&self, scope: &TenantScope, from: u64, upto: u64) -> Result<Vec<FeedBatch>, Error> {
        let mut found = Vec::new();
        let mut next = from;
        while next <= upto {
            let batches = self.log.feed_batches(scope, &self.context, next, 100).await?;
            let Some(last) = batches.last() else { break };
            next = last.number + 1;
            found.extend(batches.into_iter().filter(|batch| batch.by_repair));
        }
        Ok(found)
    }
}
