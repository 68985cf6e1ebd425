//! The common part of every follower: from commits as they arrive to the next state of a fold. Duplicates are dropped, gaps are filled
//! from the log, and the version moves with the state.

use crate::{ApplyError, SourceCommits};
use headwater_dynamo_repository::Unfinished;
use headwater_event_log::{EventLog, decode_commit};
use headwater_kernel::{Aggregate, AggregateType, Commit, Id, TenantId};
use headwater_read_models::{EventContext, Fold};
use lru::LruCache;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A fold's state and the version of its source that it is at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head<F> {
    pub(crate) state: F,
    /// 0 before the first commit.
    pub(crate) version: u64,
    /// A step from here that was begun and not finished: rows may be ahead of the state.
    pub(crate) unfinished: Option<Unfinished>,
}

impl<F> Head<F> {
    pub(crate) fn new(state: F, version: u64) -> Self {
        Self {
            state,
            version,
            unfinished: None,
        }
    }
}

/// What is known about where an aggregate's projection stands before reading it.
pub(crate) enum Before<F> {
    Known(Head<F>),
    /// The commits begin with the first, so there should be nothing yet; the condition of the write finds out.
    Nothing,
    Unknown,
}

/// How many bytes of heads a follower remembers, as JSON, so that a busy aggregate is not read before each write.
const REMEMBERED: usize = 16 << 20;

/// A head that is larger is read each time.
const LARGEST: usize = 256 << 10;

/// The heads that a follower wrote last.
pub(crate) struct Heads<F>(Mutex<Remembered<F>>);

struct Remembered<F> {
    heads: LruCache<(TenantId, Id), (Head<F>, usize)>,
    bytes: usize,
}

impl<F> Remembered<F> {
    fn drop_one(&mut self, key: &(TenantId, Id)) {
        if let Some((_, bytes)) = self.heads.pop(key) {
            self.bytes -= bytes;
        }
    }
}

fn key_of(source: &SourceCommits) -> (TenantId, Id) {
    (source.scope.tenant().clone(), source.id.clone())
}

impl<F: Fold> Heads<F> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Remembered {
            heads: LruCache::unbounded(),
            bytes: 0,
        }))
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered<F>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn before(&self, source: &SourceCommits) -> Before<F> {
        if let Some((head, _)) = self.remembered().heads.get(&key_of(source)) {
            return Before::Known(head.clone());
        }
        match source.commits.first() {
            Some(first) if first.first_sequence == 1 && source.discard.is_none() => Before::Nothing,
            _ => Before::Unknown,
        }
    }

    pub(crate) fn remember(&self, source: &SourceCommits, head: Head<F>) {
        let key = key_of(source);
        let mut count = Count(0);
        let counted = serde_json::to_writer(&mut count, &head.state);
        let mut remembered = self.remembered();
        remembered.drop_one(&key);
        if counted.is_err() {
            return;
        }
        // The key and the entry take some, too.
        let bytes = count.0 + 256;
        remembered.heads.put(key, (head, bytes));
        remembered.bytes += bytes;
        while remembered.bytes > REMEMBERED
            && let Some((_, (_, bytes))) = remembered.heads.pop_lru()
        {
            remembered.bytes -= bytes;
        }
    }

    pub(crate) fn forget(&self, source: &SourceCommits) {
        self.remembered().drop_one(&key_of(source));
    }
}

/// Counts what is written to it, up to [`LARGEST`].
struct Count(usize);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        if self.0 > LARGEST {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// How far news took a fold.
pub(crate) struct Advanced<F> {
    /// The state after it; `None` when nothing of it was new.
    pub(crate) head: Option<Head<F>>,
    /// Of how many commits that is.
    pub(crate) commits: u32,
    /// Why it went no further.
    pub(crate) stopped: Result<(), ApplyError>,
}

/// Folds the news into `before`, up to a commit that cannot be folded. Of several commits those are taken that begin before `end`, the
/// first one always.
pub(crate) async fn advance<F: Fold>(
    log: &EventLog,
    source: &SourceCommits,
    before: &Head<F>,
    end: u64,
) -> Result<Advanced<F>, ApplyError> {
    let end = end.max(before.version + 2);
    let beginning = || Head::new(before.state.clone(), before.version);
    let mut after = beginning();
    let (commits, stopped) = match advance_to(log, source, &mut after, end).await {
        Err(error @ ApplyError::Commit { first_sequence, .. }) => {
            // The failed fold may have left its mark on the state, so what came before it is folded once more.
            after = beginning();
            (advance_to(log, source, &mut after, first_sequence).await?, Err(error))
        }
        other => (other?, Ok(())),
    };
    Ok(Advanced {
        commits,
        head: (after.version > before.version).then_some(after),
        stopped,
    })
}

/// Folds the news as far as it lies before the sequence `end`, and counts the commits.
async fn advance_to<F: Fold>(
    log: &EventLog,
    source: &SourceCommits,
    after: &mut Head<F>,
    end: u64,
) -> Result<u32, ApplyError> {
    let mut commits = 0;
    for commit in &source.commits {
        if commit.version() <= after.version || commit.first_sequence >= end {
            continue;
        }
        if commit.first_sequence == after.version + 1 {
            fold(source, commit, after)?;
            commits += 1;
        } else {
            // Ahead of the head: whatever lies between is in the log, and the commit itself too.
            commits += fill(log, source, after, end).await?;
        }
    }
    if after.version < source.up_to && after.version + 1 < end {
        commits += fill(log, source, after, end).await?;
    }
    Ok(commits)
}

/// Folds whatever the log has beyond the head.
async fn fill<F: Fold>(
    log: &EventLog,
    source: &SourceCommits,
    head: &mut Head<F>,
    end: u64,
) -> Result<u32, ApplyError> {
    let mut commits = 0;
    let aggregate = AggregateType::of::<F::Source>();
    while head.version + 1 < end {
        let from = head.version + 1;
        let page = log.commits_until(&source.scope, &aggregate, &source.id, from).await;
        let page = page.map_err(ApplyError::log)?;
        for commit in &page.commits {
            if commit.first_sequence == head.version + 1 && commit.first_sequence < end {
                fold(source, commit, head)?;
                commits += 1;
            }
        }
        if let Some(unreadable) = page.unreadable
            && unreadable.first_sequence == head.version + 1
            && unreadable.first_sequence < end
        {
            let first_sequence = unreadable.first_sequence;
            match unreadable.version.filter(|_| source.discard == Some(first_sequence)) {
                Some(version) => head.version = version,
                None => {
                    let source = unreadable.error.into();
                    return Err(ApplyError::Commit { first_sequence, source });
                }
            }
            commits += 1;
        }
        if !page.more || head.version < from {
            break;
        }
    }
    Ok(commits)
}

fn fold<F: Fold>(source: &SourceCommits, commit: &Commit, head: &mut Head<F>) -> Result<(), ApplyError> {
    let first_sequence = commit.first_sequence;
    if source.discard != Some(first_sequence) {
        // A fold that panics on a commit has failed to apply it; the worker goes on.
        catch_unwind(AssertUnwindSafe(|| apply_commit(commit, &mut head.state)))
            .unwrap_or_else(|_| Err("the fold panicked".into()))
            .map_err(|source| ApplyError::Commit { first_sequence, source })?;
    }
    head.version = commit.version();
    Ok(())
}

/// Folds a commit's events into a state.
///
/// # Errors
/// When this build cannot read one of them; the state may have those before it.
pub fn apply_commit<F: Fold>(commit: &Commit, state: &mut F) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let events = decode_commit::<F::Source>(commit)?;
    for (recorded, event) in commit.recorded().zip(&events) {
        let at = EventContext {
            id: &commit.id,
            sequence: recorded.sequence,
            time: recorded.time,
            actor: &commit.actor,
            writer: commit.writer,
            begins_commit: recorded.sequence == commit.first_sequence,
        };
        state.apply(&at, event);
    }
    Ok(())
}

/// The source of a fold.
pub(crate) fn source_of<F: Fold>() -> (&'static str, &'static str) {
    (F::Source::CONTEXT, F::Source::NAME)
}
