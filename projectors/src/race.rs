//! How a follower whose effect is in tables moves one aggregate on: read the head unless it is known, fold, write on condition of the
//! head, and once more when another worker was faster.

use crate::{
    ApplyError, SourceCommits,
    heads::{Before, Head, Heads, advance},
};
use headwater_dynamo_repository::Error;
use headwater_event_log::EventLog;
use headwater_read_models::Fold;

/// How many aggregates are written at a time.
pub(crate) const CONCURRENT: usize = 64;

/// How often a lost race is run again before the batch is tried later.
const RACES: u32 = 5;

/// Where the head and the effect of one aggregate are.
pub(crate) trait HeadStore<F>: Sync {
    /// The head as it is stored; `None` when there is none yet.
    fn stored(&self, source: &SourceCommits) -> impl Future<Output = Result<Option<Head<F>>, ApplyError>> + Send;

    /// Writes the effect of going from one head to the other, and the head, on condition that `before` still stands. `whole` says that
    /// there is no shorter way.
    fn write(
        &self,
        source: &SourceCommits,
        before: &Head<F>,
        after: &Head<F>,
        whole: bool,
    ) -> impl Future<Output = Result<Written, ApplyError>> + Send;
}

/// What became of a conditional write.
pub(crate) enum Written {
    Done,
    /// Another worker was faster.
    Conflict,
    /// Nothing was written: it is more than one transaction, and a shorter way may be less.
    TooMuch,
}

/// Sorts a repository's error.
pub(crate) fn written(result: Result<(), Error>) -> Result<Written, ApplyError> {
    match result {
        Ok(()) => Ok(Written::Done),
        Err(Error::Conflict) => Ok(Written::Conflict),
        Err(error) => Err(failed(error)),
    }
}

pub(crate) fn failed(error: Error) -> ApplyError {
    match error {
        // A conflict is another worker's write; what it wrote is read before the next try.
        Error::Unavailable(_) | Error::Conflict => ApplyError::Retry(error.into()),
        Error::Refused(_) => ApplyError::Refused(error.into()),
        _ => ApplyError::Permanent(error.into()),
    }
}

/// Moves one aggregate on.
pub(crate) async fn move_on<F: Fold>(
    log: &EventLog,
    heads: &Heads<F>,
    store: &impl HeadStore<F>,
    source: &SourceCommits,
) -> Result<(), ApplyError> {
    let empty = || Head::new(F::empty(&source.id), 0);
    let mut before = heads.before(source);
    let (mut races, mut end) = (0, u64::MAX);
    while races < RACES {
        let head = match before {
            Before::Known(head) => head,
            Before::Nothing => empty(),
            Before::Unknown => store.stored(source).await?.unwrap_or_else(empty),
        };
        let advanced = advance(log, source, &head, end).await?;
        let after = match advanced.head {
            Some(after) => after,
            // Nobody will finish what was begun, so it is undone: a view stays at its last good version.
            None if head.unfinished.is_some() && advanced.stopped.is_err() => {
                Head::new(head.state.clone(), head.version)
            }
            None => {
                heads.remember(source, head);
                return advanced.stopped;
            }
        };
        // A step of one commit cannot be halved.
        let whole = advanced.commits <= 1;
        match store.write(source, &head, &after, whole).await {
            Ok(Written::Done) if end < u64::MAX => {
                // A part of the way; the rest follows from here.
                end = u64::MAX;
                before = Before::Known(after);
            }
            Ok(Written::Done) => {
                heads.remember(source, after);
                return advanced.stopped;
            }
            Ok(Written::TooMuch) => {
                end = head.version + (after.version - head.version).div_ceil(2) + 1;
                before = Before::Known(head);
            }
            Ok(Written::Conflict) => {
                heads.forget(source);
                before = Before::Unknown;
                races += 1;
            }
            Err(error) => {
                heads.forget(source);
                return Err(error);
            }
        }
    }
    Err(ApplyError::Retry("another worker keeps writing the same rows".into()))
}
