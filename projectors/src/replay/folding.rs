//! From the pages of a segment to aggregates, folded one after the other: all commits of one lie side by side, so no more than one is open,
//! whatever the size of the context.

use super::refold::{Folded, Refold};
use crate::{ApplyError, SourceKey};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_event_log::{EventLog, LoggedCommit, SegmentPage, place_of};
use headwater_kernel::{Commit, Id, TenantId};
use headwater_tenancy::TenantScope;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// A place in a segment.
pub(crate) type Place = HashMap<String, AttributeValue>;

/// Whose aggregates are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Whose {
    /// This tenant's alone.
    pub(crate) only: Option<TenantId>,
    /// None of these tenants'.
    pub(crate) except: BTreeSet<TenantId>,
}

impl Whose {
    pub(crate) fn includes(&self, tenant: &TenantId) -> bool {
        self.only.as_ref().is_none_or(|only| only == tenant) && !self.except.contains(tenant)
    }
}

/// An aggregate, folded as far as its history can be.
pub(crate) struct Done {
    pub(crate) refold: Arc<dyn Refold>,
    pub(crate) scope: TenantScope,
    pub(crate) key: SourceKey,
    pub(crate) folded: Box<dyn Folded>,
    /// The commit that could not be folded, and why. The state is of no use then: [`Done::mend`] makes it that before this commit.
    pub(crate) stopped: Option<(u64, ApplyError)>,
    /// How far the history goes.
    pub(crate) up_to: u64,
}

impl Done {
    /// Folds again what comes before the commit that stopped it.
    pub(crate) async fn mend(&mut self, log: &EventLog) -> Result<(), ApplyError> {
        if let Some((end, _)) = &self.stopped {
            let again = refold(
                log,
                &self.refold,
                &self.scope,
                &self.key.id,
                end.saturating_sub(1),
                false,
            )
            .await?;
            self.folded = again.folded;
        }
        Ok(())
    }
}

/// An aggregate read by itself.
pub(crate) struct Refolded {
    pub(crate) folded: Box<dyn Folded>,
    /// How far its history goes.
    pub(crate) up_to: u64,
    /// The commit that could not be folded.
    pub(crate) stopped: Option<u64>,
}

/// Folds one aggregate as far as it lies within `end`, from the log.
pub(crate) async fn refold(
    log: &EventLog,
    of: &Arc<dyn Refold>,
    scope: &TenantScope,
    id: &Id,
    mut end: u64,
    history: bool,
) -> Result<Refolded, ApplyError> {
    let aggregate = of.aggregate();
    let (mut up_to, mut stopped) = (0, None);
    loop {
        let mut folded = of.begin(scope, id, history);
        let (mut failed, mut from) = (None, 1);
        // To the end of the history once, and again as far as it can be folded. A page at a time, however long it is.
        while stopped.is_none() || from <= end {
            let page = log.commits_until(scope, &aggregate, id, from).await;
            let page = page.map_err(ApplyError::log)?;
            for commit in &page.commits {
                from = commit.version() + 1;
                if failed.is_some() || commit.version() > end {
                    continue;
                }
                let next = folded.version() + 1;
                if commit.first_sequence != next || folded.fold(commit).is_err() {
                    failed = Some(next);
                }
            }
            if let Some(unreadable) = &page.unreadable {
                from = unreadable.version.unwrap_or(unreadable.first_sequence) + 1;
                let next = folded.version() + 1;
                if unreadable.first_sequence <= end {
                    failed.get_or_insert(next);
                }
            }
            up_to = up_to.max(from - 1);
            if !page.more {
                break;
            }
        }
        let Some(first_sequence) = failed else {
            return Ok(Refolded { folded, up_to, stopped });
        };
        stopped = Some(first_sequence);
        end = first_sequence - 1;
    }
}

/// A fold of the aggregate, its state, and where and why it stopped.
type OpenFold = (Arc<dyn Refold>, Box<dyn Folded>, Option<(u64, ApplyError)>);

struct Open {
    scope: TenantScope,
    key: SourceKey,
    folds: Vec<OpenFold>,
    up_to: u64,
    /// The first item of it that is no commit.
    unreadable: Option<u64>,
}

/// Takes in the pages of one segment, and gives out aggregates.
pub(crate) struct Folding {
    refolds: Vec<Arc<dyn Refold>>,
    whose: Whose,
    history: bool,
    open: Option<Open>,
    last: Option<Commit>,
    /// After everything that was given out.
    resume: Option<Place>,
    /// Commits up to there, and those of the aggregate that is being read.
    passed: u64,
    under_way: u64,
}

impl Folding {
    pub(crate) fn new(refolds: &[Arc<dyn Refold>], context: &str, whose: Whose, history: bool) -> Self {
        Self {
            refolds: refolds
                .iter()
                .filter(|refold| refold.source().0 == context)
                .cloned()
                .collect(),
            whose,
            history,
            open: None,
            last: None,
            resume: None,
            passed: 0,
            under_way: 0,
        }
    }

    /// Where to go on reading so that everything not given out yet comes again, and how many commits lie before.
    pub(crate) fn resume(&self) -> (Option<&Place>, u64) {
        (self.resume.as_ref(), self.passed)
    }

    /// The next page; the aggregates that have ended.
    pub(crate) fn page(&mut self, page: SegmentPage) -> Vec<Done> {
        let mut done = Vec::new();
        let mut unreadable = BTreeMap::new();
        for one in page.unreadable {
            tracing::error!(error = %one.error, "an item of the log is no commit that this build can read");
            if let Some((scope, aggregate, id, first)) = one.of {
                let tenant = scope.tenant().clone();
                let entry = unreadable.entry(SourceKey { tenant, aggregate, id });
                entry.or_insert((scope, first));
            }
        }
        if let Some(open) = &mut self.open
            && let Some((_, first)) = unreadable.remove(&open.key)
        {
            open.unreadable.get_or_insert(first);
        }
        for LoggedCommit { scope, commit } in page.commits {
            if !self.last.as_ref().is_some_and(|last| is_same(last, &commit)) {
                done.extend(self.close());
                self.begin(scope, &commit);
                if let Some(open) = &mut self.open
                    && let Some((_, first)) = unreadable.remove(&open.key)
                {
                    open.unreadable = Some(first);
                }
            }
            if let Some(open) = &mut self.open {
                open.fold(&commit);
            }
            self.under_way += 1;
            self.last = Some(commit);
        }
        // Aggregates of which nothing in this page can be read.
        for (key, (scope, first)) in unreadable {
            if let Some(open) = self.open_of(scope, key) {
                let open = Open {
                    unreadable: Some(first),
                    ..open
                };
                done.extend(open.end());
            }
        }
        done
    }

    /// The end of the segment.
    pub(crate) fn end(&mut self) -> Vec<Done> {
        self.close()
    }

    fn close(&mut self) -> Vec<Done> {
        self.resume = self.last.as_ref().map(place_of).or(self.resume.take());
        self.passed += std::mem::take(&mut self.under_way);
        self.open.take().map(Open::end).unwrap_or_default()
    }

    fn begin(&mut self, scope: TenantScope, commit: &Commit) {
        let key = SourceKey {
            tenant: commit.tenant.clone(),
            aggregate: commit.aggregate.clone(),
            id: commit.id.clone(),
        };
        self.open = self.open_of(scope, key);
    }

    fn open_of(&self, scope: TenantScope, key: SourceKey) -> Option<Open> {
        if !self.whose.includes(&key.tenant) {
            return None;
        }
        let of_kind = self.refolds.iter().filter(|refold| refold.source().1 == key.aggregate);
        let folds: Vec<_> = of_kind
            .map(|refold| (Arc::clone(refold), refold.begin(&scope, &key.id, self.history), None))
            .collect();
        (!folds.is_empty()).then_some(Open {
            scope,
            key,
            folds,
            up_to: 0,
            unreadable: None,
        })
    }
}

fn is_same(one: &Commit, other: &Commit) -> bool {
    one.id == other.id && one.aggregate == other.aggregate && one.tenant == other.tenant
}

impl Open {
    fn fold(&mut self, commit: &Commit) {
        self.up_to = commit.version();
        for (_, folded, stopped) in &mut self.folds {
            if stopped.is_some() {
                continue;
            }
            let next = folded.version() + 1;
            if commit.first_sequence != next {
                *stopped = Some((next, missing(next)));
            } else if let Err(error) = folded.fold(commit) {
                *stopped = Some((commit.first_sequence, error));
            }
        }
    }

    fn end(self) -> Vec<Done> {
        let Self {
            scope,
            key,
            folds,
            up_to,
            unreadable,
        } = self;
        let done = |(refold, folded, stopped): OpenFold| {
            let next = folded.version() + 1;
            let stopped = stopped.or_else(|| {
                let behind = unreadable.filter(|first| *first >= next)?;
                Some((behind, missing(behind)))
            });
            Done {
                up_to: up_to.max(unreadable.unwrap_or(0)),
                scope: scope.clone(),
                key: key.clone(),
                refold,
                folded,
                stopped,
            }
        };
        folds.into_iter().map(done).collect()
    }
}

fn missing(first_sequence: u64) -> ApplyError {
    ApplyError::Commit {
        first_sequence,
        source: "there is no commit here that this build can read".into(),
    }
}
