//! The common part of every follower: from commits as they arrive to the next state of a fold. Duplicates are dropped, gaps are filled
//! from the log, and the version moves with the state.

use crate::{ApplyError, SourceCommits};
use headwater_event_log::{EventLog, decode_commit};
use headwater_kernel::{Aggregate, AggregateType, Commit, Id, TenantId};
use headwater_read_models::{EventContext, Fold};
use lru::LruCache;
use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

/// A fold's state and the version of its source that it is at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head<F> {
    pub(crate) state: F,
    /// 0 before the first commit.
    pub(crate) version: u64,
}

/// What is known about where an aggregate's projection stands before reading it.
pub(crate) enum Before<F> {
    Known(Head<F>),
    /// The commits begin with the first, so there should be nothing yet; the condition of the write finds out.
    Nothing,
    Unknown,
}

/// How many heads a follower remembers, so that a busy aggregate is not read before each write.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");

/// The heads that a follower wrote last.
pub(crate) struct Heads<F>(Mutex<LruCache<(TenantId, Id), Head<F>>>);

impl<F: Fold> Heads<F> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }

    pub(crate) fn before(&self, source: &SourceCommits) -> Before<F> {
        let mut heads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(head) = heads.get(&(source.scope.tenant().clone(), source.id.clone())) {
            return Before::Known(head.clone());
        }
        match source.commits.first() {
            Some(first) if first.first_sequence == 1 => Before::Nothing,
            _ => Before::Unknown,
        }
    }

    pub(crate) fn remember(&self, source: &SourceCommits, head: Head<F>) {
        let mut heads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heads.put((source.scope.tenant().clone(), source.id.clone()), head);
    }

    pub(crate) fn forget(&self, source: &SourceCommits) {
        let mut heads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heads.pop(&(source.scope.tenant().clone(), source.id.clone()));
    }
}

/// The state after the commits, or `None` when all of them are in `before` already.
pub(crate) async fn advance<F: Fold>(
    log: &EventLog,
    source: &SourceCommits,
    before: &Head<F>,
) -> Result<Option<Head<F>>, ApplyError> {
    let mut after = before.clone();
    for commit in &source.commits {
        if commit.version() <= after.version {
            continue;
        }
        if commit.first_sequence == after.version + 1 {
            fold(commit, &mut after)?;
        } else {
            // Ahead of the head: whatever lies between is in the log, and the commit itself too.
            let aggregate = AggregateType::of::<F::Source>();
            let missing = log
                .commits(&source.scope, &aggregate, &source.id, after.version + 1)
                .await;
            for commit in missing.map_err(ApplyError::log)? {
                if commit.first_sequence == after.version + 1 {
                    fold(&commit, &mut after)?;
                }
            }
        }
    }
    Ok((after.version > before.version).then_some(after))
}

fn fold<F: Fold>(commit: &Commit, head: &mut Head<F>) -> Result<(), ApplyError> {
    let events = decode_commit::<F::Source>(commit).map_err(ApplyError::log)?;
    for (recorded, event) in commit.recorded().zip(&events) {
        let at = EventContext {
            id: &commit.id,
            sequence: recorded.sequence,
            time: recorded.time,
            actor: &commit.actor,
        };
        head.state.apply(&at, event);
    }
    head.version = commit.version();
    Ok(())
}

/// The source of a fold.
pub(crate) fn source_of<F: Fold>() -> (&'static str, &'static str) {
    (F::Source::CONTEXT, F::Source::NAME)
}
