//! One consumer at work: takes batches from its queue, applies them, and writes its position down after the effect.

use crate::{ApplyError, Consumer, Positions, SourceCommits};
use futures::{FutureExt, future::join_all};
use headwater_event_log::{LoggedCommit, Position};
use headwater_kernel::{Id, TenantId};
use headwater_runtime::Runtime;
use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// What was read from one shard, for all consumers.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) commits: Vec<LoggedCommit>,
    /// Where the shard stands once these have had their effect.
    pub(crate) position: Position,
}

/// How long a position may lag behind its effect while batches keep coming.
const SAVE_AT_MOST_EVERY: Duration = Duration::from_millis(200);

/// How long a position may stay unwritten while nothing comes: far below the retention of the stream.
const SAVE_AT_LEAST_EVERY: Duration = Duration::from_secs(3_600);

/// Longest wait between two tries.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Works until the queue is closed, then writes the position down and ends.
pub(crate) async fn run(
    consumer: Consumer,
    context: String,
    mut positions: Positions,
    mut queue: mpsc::Receiver<Arc<Batch>>,
    runtime: Runtime,
) {
    let mut dirty = false;
    let mut saved_at = runtime.monotonic();
    loop {
        let wait = if dirty {
            SAVE_AT_MOST_EVERY.saturating_sub(runtime.monotonic().saturating_sub(saved_at))
        } else {
            SAVE_AT_LEAST_EVERY
        };
        let next = match queue.try_recv() {
            Ok(batch) => Ok(Some(batch)),
            // An idle queue is the moment to make what was done visible and durable.
            Err(_) if dirty && consumer.eager => Err(()),
            Err(_) => runtime.timeout(wait, queue.recv()).await.map_err(drop),
        };
        match next {
            Ok(Some(batch)) => {
                let commits: Vec<_> = batch.commits.iter().collect();
                apply(&consumer, &commits, &runtime).await;
                positions
                    .shards
                    .insert(batch.position.shard.clone(), batch.position.clone());
                dirty = true;
                if runtime.monotonic().saturating_sub(saved_at) < SAVE_AT_MOST_EVERY {
                    continue;
                }
            }
            Ok(None) => {
                save(&consumer, &context, &mut positions, &runtime).await;
                return;
            }
            Err(()) => {}
        }
        save(&consumer, &context, &mut positions, &runtime).await;
        (dirty, saved_at) = (false, runtime.monotonic());
    }
}

async fn save(consumer: &Consumer, context: &str, positions: &mut Positions, runtime: &Runtime) {
    positions.written_at = runtime.now();
    let mut backoff = Duration::from_millis(50);
    for _ in 0..5 {
        match consumer.positions.save(context, positions).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(consumer = consumer.name, context, error = ?error, "a position was not written; trying again");
                runtime.sleep(backoff).await;
                backoff *= 2;
            }
        }
    }
}

/// Applies commits to all followers of a consumer, trying again while a store does not answer. Commits that cannot be applied stay
/// out: their aggregate's head does not move, so everything after them finds the gap, and a repair from the log applies them all.
pub(crate) async fn apply(consumer: &Consumer, commits: &[&LoggedCommit], runtime: &Runtime) {
    join_all(consumer.followers.iter().map(async |follower| {
        let (context, aggregate) = follower.source();
        let mut open = grouped(commits, context, aggregate);
        let mut backoff = Duration::from_millis(20);
        while !open.is_empty() {
            let sent = open.clone();
            let results = AssertUnwindSafe(follower.apply(sent))
                .catch_unwind()
                .await
                .unwrap_or_else(|_| {
                    let panicked = || Err(ApplyError::Permanent("the projection panicked".into()));
                    open.iter().map(|_| panicked()).collect()
                });
            let mut again = Vec::new();
            for (source, result) in open.into_iter().zip(results) {
                let projection = follower.projection();
                match result {
                    Ok(()) => {}
                    Err(ApplyError::Retry(error)) => {
                        tracing::warn!(projection, error = ?error, "a change was not taken; trying again");
                        again.push(source);
                    }
                    Err(ApplyError::Permanent(error)) => {
                        tracing::error!(
                            projection, tenant = %source.scope.tenant(), context, aggregate, error = ?error,
                            "commits cannot be applied; their aggregate stays where it is in this projection"
                        );
                    }
                }
            }
            open = again;
            if !open.is_empty() {
                runtime.sleep(backoff).await;
                backoff = (backoff * 2).min(MAX_BACKOFF);
            }
        }
    }))
    .await;
}

/// The commits of one kind of aggregate, by aggregate, each in order of sequence.
fn grouped(commits: &[&LoggedCommit], context: &str, aggregate: &str) -> Vec<SourceCommits> {
    let mut places: HashMap<(&TenantId, &Id), usize> = HashMap::new();
    let mut groups: Vec<SourceCommits> = Vec::new();
    for logged in commits {
        let commit = &logged.commit;
        if commit.context != context || commit.aggregate != aggregate {
            continue;
        }
        let place = *places.entry((&commit.tenant, &commit.id)).or_insert_with(|| {
            groups.push(SourceCommits {
                scope: logged.scope.clone(),
                id: commit.id.clone(),
                commits: Vec::new(),
            });
            groups.len() - 1
        });
        groups[place].commits.push(commit.clone());
    }
    for group in &mut groups {
        group.commits.sort_by_key(|commit| commit.first_sequence);
    }
    groups
}
