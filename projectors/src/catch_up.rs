//! Catching up from the log: what a consumer does for those whose news were lost, for whatever reason. Heads make it safe to apply
//! everything again; what was applied before costs a comparison.
//!
//! A pass goes through the log once, segment after segment, and never begins anew: a page that cannot be read is asked for again, and what
//! is lost while the pass is under way is for another pass after it. So it ends, whatever the load, and nothing that is in the log at its
//! beginning is older in the view than one pass. It is handed out in parts no larger than a round, and between two of them the consumer
//! works a round of its mailbox: those who are not lost are held up by one part and one page at most, and what comes for those who are
//! does not pile up.

use crate::{ApplyError, Consumer, SourceCommits, SourceKey, mailbox::Losses};
use headwater_event_log::{EventLog, LoggedCommit, SegmentPage, Unreadable};
use headwater_tenancy::WorkerAuthority;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Into how many segments a context is read back. Each is read in order; all commits of an aggregate lie in one.
const SEGMENTS: u32 = 8;

/// Says of a source that its head is to be read first: most of what is read back was applied before, and to find that out a read costs
/// less than a write that is refused. Sequences begin with 1, so nothing is discarded.
const LOOK_FIRST: Option<u64> = Some(0);

/// Reads contexts back, for all consumers of a process at one pace.
#[derive(Clone)]
pub(crate) struct CatchUp {
    pub(crate) log: EventLog,
    pub(crate) authority: WorkerAuthority,
    per_second: Option<f64>,
    /// When the pages that were read are paid for.
    paid: Arc<Mutex<Duration>>,
}

impl CatchUp {
    /// At most `per_second` commits a second, on average.
    pub(crate) fn new(log: EventLog, authority: WorkerAuthority, per_second: Option<f64>) -> Self {
        Self {
            log,
            authority,
            per_second: per_second.filter(|rate| *rate > 0.0),
            paid: Arc::default(),
        }
    }

    /// When the next page may be read.
    pub(crate) fn due(&self) -> Duration {
        *self.paid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many commits were read.
    pub(crate) fn spend(&self, commits: u64, now: Duration) {
        if let Some(rate) = self.per_second {
            let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
            *paid = (*paid).max(now) + Duration::from_secs_f64(commits as f64 / rate);
        }
    }
}

/// A pass over a context for one consumer.
pub(crate) struct Pass {
    /// For whom.
    pub(crate) whose: Losses,
    /// Commits read so far.
    pub(crate) commits: u64,
    /// When it goes on: later after a failure.
    pub(crate) due: Duration,
    /// How often in a row it could not go on.
    pub(crate) failures: u32,
    /// Rounds of the mailbox since its last part.
    pub(crate) rounds: u32,
    segment: u32,
    after: Option<HashMap<String, aws_sdk_dynamodb::types::AttributeValue>>,
    read: VecDeque<(SourceKey, SourceCommits)>,
}

impl Pass {
    /// From the beginning of the log.
    pub(crate) fn new(whose: Losses) -> Self {
        Self {
            whose,
            commits: 0,
            due: Duration::ZERO,
            failures: 0,
            rounds: 0,
            segment: 0,
            after: None,
            read: VecDeque::new(),
        }
    }

    /// Whether a page has to be read before the next part, or the end is reached.
    pub(crate) fn is_out(&self) -> bool {
        self.read.is_empty()
    }

    /// Whether all of it was handed out.
    pub(crate) fn is_over(&self) -> bool {
        self.segment == SEGMENTS && self.read.is_empty()
    }

    /// The next part: at most `most` aggregates.
    pub(crate) fn part(&mut self, most: usize) -> Vec<(SourceKey, SourceCommits)> {
        let end = most.min(self.read.len());
        self.read.drain(..end).collect()
    }

    /// Reads a page. Whoever drops this, or fails, is where it was.
    pub(crate) async fn read(
        &mut self,
        of: &CatchUp,
        consumer: &Consumer,
        context: &str,
        now: Duration,
    ) -> Result<(), ApplyError> {
        if self.segment == SEGMENTS {
            return Ok(());
        }
        let page = of
            .log
            .segment_page(&of.authority, context, self.segment, SEGMENTS, self.after.clone())
            .await
            .map_err(ApplyError::log)?;
        self.after = page.next.clone();
        if self.after.is_none() {
            self.segment += 1;
        }
        let commits = page.commits.len() as u64;
        of.spend(commits, now);
        self.commits += commits;
        self.sort(page, consumer, context);
        Ok(())
    }

    /// By aggregate, of those it is for.
    fn sort(&mut self, page: SegmentPage, consumer: &Consumer, context: &str) {
        let wanted =
            |key: &SourceKey| self.whose.covers(&key.tenant) && consumer.wants(&key.tenant, context, &key.aggregate);
        let mut sources: BTreeMap<SourceKey, SourceCommits> = BTreeMap::new();
        for LoggedCommit { scope, commit } in page.commits {
            let key = SourceKey {
                tenant: commit.tenant.clone(),
                aggregate: commit.aggregate.clone(),
                id: commit.id.clone(),
            };
            if wanted(&key) {
                let source = sources.entry(key).or_insert_with(|| news(scope, commit.id.clone()));
                source.commits.push(commit);
            }
        }
        for Unreadable { of, error } in page.unreadable {
            tracing::error!(context, %error, "an item of the log is no commit that this build can read");
            let Some((scope, aggregate, id, first)) = of else {
                continue;
            };
            let key = SourceKey {
                tenant: scope.tenant().clone(),
                aggregate,
                id: id.clone(),
            };
            if wanted(&key) {
                let source = sources.entry(key).or_insert_with(|| news(scope, id));
                source.up_to = source.up_to.max(first);
            }
        }
        self.read.extend(sources);
    }
}

fn news(scope: headwater_tenancy::TenantScope, id: headwater_kernel::Id) -> SourceCommits {
    SourceCommits {
        scope,
        id,
        commits: Vec::new(),
        up_to: 0,
        from: 0,
        discard: LOOK_FIRST,
    }
}
