//! What waits for one consumer of one shard. The reader never waits for it: a tenant that has more waiting than its room is remembered by
//! aggregate and version alone (the log has the commits), and when even that is too much, the tenant is **lost**: what waits for it is
//! given up, and a pass over the log for this tenant catches it up while the others go on. Only when the stream itself has lost records
//! is the whole consumer lost.
//!
//! Work is handed out a round at a time, tenants in turn, so that one that floods delays the others by no more than its share of a round.
//! Records are numbered as they arrive; the position may move up to the first that has not had its effect. A lost tenant holds it where
//! its first record that was given up stands, until the pass has ended and all that failed in it is settled.

mod losses;
mod marks;
mod rounds;

use crate::{SourceKey, options::RunnerOptions};
use headwater_event_log::{LoggedCommit, Position};
use headwater_kernel::{Commit, TenantId, Timestamp};
use headwater_tenancy::TenantScope;
use losses::Hold;
pub(crate) use losses::Losses;
use marks::Marks;
pub(crate) use rounds::Work;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

/// How much may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Commits of all tenants.
    pub(crate) commits: usize,
    /// Commits of one tenant.
    pub(crate) per_tenant: usize,
    /// What the commits of all tenants weigh.
    pub(crate) bytes: usize,
    /// What the commits of one tenant weigh.
    pub(crate) bytes_per_tenant: usize,
    /// Aggregates that are remembered without their commits.
    pub(crate) aggregates: usize,
    /// The same, of one tenant.
    pub(crate) aggregates_per_tenant: usize,
}

impl Room {
    pub(crate) fn of(options: &RunnerOptions) -> Self {
        Self {
            commits: options.waiting_commits,
            per_tenant: options.waiting_commits_per_tenant,
            bytes: options.waiting_bytes,
            bytes_per_tenant: options.waiting_bytes_per_tenant,
            aggregates: options.waiting_aggregates,
            aggregates_per_tenant: options.waiting_aggregates_per_tenant,
        }
    }
}

#[derive(Debug)]
struct Waiting {
    scope: TenantScope,
    up_to: u64,
    /// As in [`SourceCommits::from`].
    from: u64,
    /// The first record it stands for; those after it are covered by it.
    mark: u64,
    due: Duration,
    attempts: u32,
    records: u64,
    oldest: Timestamp,
}

#[derive(Debug, Default)]
struct Line {
    commits: VecDeque<(u64, LoggedCommit)>,
    bytes: usize,
    waiting: BTreeMap<SourceKey, Waiting>,
    due: BTreeSet<(Duration, SourceKey)>,
}

impl Line {
    fn is_empty(&self) -> bool {
        self.commits.is_empty() && self.waiting.is_empty()
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Mailbox {
    room: Room,
    lines: BTreeMap<TenantId, Line>,
    /// Whose turn it is next.
    turn: Option<TenantId>,
    commits: usize,
    bytes: usize,
    aggregates: usize,
    marks: Marks,
    /// Who has to be caught up from the log.
    lost: Losses,
    /// Who is being caught up by the pass that is under way.
    passing: Losses,
    ended: bool,
}

/// What waits, of one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// Records that have not had their effect, those under way left out.
    pub(crate) records: u64,
    /// When the oldest of them was committed.
    pub(crate) oldest: Timestamp,
}

impl Mailbox {
    /// Empty; the consumer stands at `start`.
    pub(crate) fn new(room: Room, start: Position) -> Self {
        Self {
            room,
            lines: BTreeMap::new(),
            turn: None,
            commits: 0,
            bytes: 0,
            aggregates: 0,
            marks: Marks::new(start),
            lost: Losses::default(),
            passing: Losses::default(),
            ended: false,
        }
    }

    /// Takes in a commit.
    pub(crate) fn push(&mut self, logged: &LoggedCommit) {
        let commit = &logged.commit;
        let weight = weight(commit);
        let line = self.lines.entry(commit.tenant.clone()).or_default();
        let known = !line.waiting.is_empty() && line.waiting.contains_key(&key_of(commit));
        let full = line.commits.len() >= self.room.per_tenant
            || line.bytes + weight > self.room.bytes_per_tenant
            || self.commits >= self.room.commits
            || self.bytes + weight > self.room.bytes;
        if known || full || self.lost.covers(&commit.tenant) {
            let (scope, version, time) = (logged.scope.clone(), commit.version(), commit.time);
            return self.push_news(scope, key_of(commit), version, time);
        }
        let mark = self.marks.next();
        self.marks.hold(mark);
        self.commits += 1;
        (self.bytes, line.bytes) = (self.bytes + weight, line.bytes + weight);
        line.commits.push_back((mark, logged.clone()));
    }

    /// Takes in that an aggregate's history goes at least to `up_to`, without the commits.
    pub(crate) fn push_news(&mut self, scope: TenantScope, key: SourceKey, up_to: u64, time: Timestamp) {
        let mark = self.marks.next();
        let waiting = Waiting {
            scope,
            up_to,
            from: 0,
            mark,
            due: Duration::ZERO,
            attempts: 0,
            records: 1,
            oldest: time,
        };
        self.wait(key, waiting);
    }

    fn wait(&mut self, key: SourceKey, news: Waiting) {
        let hold = Hold {
            mark: news.mark,
            records: news.records,
            oldest: news.oldest,
        };
        if self.lost.covers(&key.tenant) {
            return self.lose_tenant(&key.tenant, Some(hold));
        }
        let line = self.lines.entry(key.tenant.clone()).or_default();
        if let Some(known) = line.waiting.get_mut(&key) {
            known.up_to = known.up_to.max(news.up_to);
            known.from = known.from.min(news.from);
            known.records += news.records;
            known.oldest = known.oldest.min(news.oldest);
            if news.mark < known.mark {
                self.marks.release(known.mark);
                self.marks.hold(news.mark);
                known.mark = news.mark;
            }
            return;
        }
        if line.waiting.len() >= self.room.aggregates_per_tenant {
            return self.lose_tenant(&key.tenant, Some(hold));
        }
        if self.aggregates >= self.room.aggregates {
            // Whoever has most is lost, and need not be the one that comes now.
            let of = |(tenant, line): (&TenantId, &Line)| (line.waiting.len(), tenant.clone());
            let most = self.lines.iter().map(of).max().map(|(_, tenant)| tenant);
            match most {
                Some(most) if most != key.tenant => self.lose_tenant(&most, None),
                _ => return self.lose_tenant(&key.tenant, Some(hold)),
            }
            // So many are lost that all of them are.
            if self.lost.covers(&key.tenant) {
                return;
            }
        }
        self.marks.hold(news.mark);
        let line = self.lines.entry(key.tenant.clone()).or_default();
        line.due.insert((news.due, key.clone()));
        line.waiting.insert(key, news);
        self.aggregates += 1;
    }

    /// Gives up what waits for a tenant, and `more`: the log has it all.
    fn lose_tenant(&mut self, tenant: &TenantId, more: Option<Hold>) {
        let line = self.lines.remove(tenant).unwrap_or_default();
        let mut hold = more;
        let mut add = |mark, records, oldest| {
            let one = Hold { mark, records, oldest };
            hold = Some(hold.take().map_or_else(|| one.clone(), |hold| hold.and(&one)));
        };
        for (mark, logged) in &line.commits {
            self.marks.release(*mark);
            add(*mark, 1, logged.commit.time);
        }
        for waiting in line.waiting.values() {
            self.marks.release(waiting.mark);
            add(waiting.mark, waiting.records, waiting.oldest);
        }
        self.commits -= line.commits.len();
        self.bytes -= line.bytes;
        self.aggregates -= line.waiting.len();
        if let Some(hold) = hold
            && !self.lost.lose(tenant, hold)
        {
            self.lose();
        }
    }

    /// The shard stands here once everything pushed so far has had its effect.
    pub(crate) fn end_batch(&mut self, position: Position) {
        self.marks.end_batch(position);
    }

    /// Nothing more comes: the shard has ended.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// Gives up all that waits: the log has it.
    pub(crate) fn lose(&mut self) {
        self.lost.lose_all();
        self.lines.clear();
        self.marks.forget();
        (self.commits, self.bytes, self.aggregates) = (0, 0, 0);
    }

    /// Whether anybody has to be caught up from the log.
    pub(crate) fn is_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// Whether everybody has to be, so that a pass for a few tenants is of no use.
    pub(crate) fn is_all_lost(&self) -> bool {
        self.lost.is_all()
    }

    /// Whether anybody is caught up from the log, or has to be.
    pub(crate) fn is_catching_up(&self) -> bool {
        self.is_lost() || !self.passing.is_empty()
    }

    /// Begins a pass over the log for all who are lost: everything that was pushed for them before is in the log now; what is pushed
    /// from here on waits as ever, and who is lost again is for the next pass.
    pub(crate) fn begin_pass(&mut self) -> Losses {
        self.passing = std::mem::take(&mut self.lost);
        self.passing.clone()
    }

    /// The pass has come to the end of the log.
    pub(crate) fn end_pass(&mut self) {
        self.passing = Losses::default();
    }

    /// The pass is given up.
    pub(crate) fn abandon_pass(&mut self) {
        let passing = std::mem::take(&mut self.passing);
        self.lost.add(passing);
    }

    /// Whether so much waits for those who are caught up that the pass should leave them time.
    pub(crate) fn is_crowded(&self) -> bool {
        let crowded = |(tenant, line): (&TenantId, &Line)| {
            self.passing.covers(tenant) && line.waiting.len() * 2 > self.room.aggregates_per_tenant
        };
        self.aggregates * 2 > self.room.aggregates || self.lines.iter().any(crowded)
    }

    /// Whether nothing waits and nothing is under way.
    pub(crate) fn is_drained(&self) -> bool {
        self.marks.is_empty() && !self.is_catching_up()
    }

    /// Whether the shard has ended and all of it has had its effect.
    pub(crate) fn is_finished(&self) -> bool {
        self.ended && self.is_drained()
    }

    /// The position up to which everything has had its effect; `None` while that is not known.
    pub(crate) fn passed(&mut self) -> Option<&Position> {
        let floor = self.lost.floor().min(self.passing.floor());
        self.marks.passed(floor)
    }

    /// What waits, by tenant.
    pub(crate) fn backlog(&self) -> BTreeMap<TenantId, Backlog> {
        let mut all: BTreeMap<TenantId, Backlog> = BTreeMap::new();
        let mut add = |tenant: &TenantId, records, oldest: Timestamp| {
            let known = all.entry(tenant.clone()).or_insert(Backlog { records: 0, oldest });
            known.records += records;
            known.oldest = known.oldest.min(oldest);
        };
        for (tenant, line) in &self.lines {
            for waiting in line.waiting.values() {
                add(tenant, waiting.records, waiting.oldest);
            }
            if let Some((_, first)) = line.commits.front() {
                add(tenant, line.commits.len() as u64, first.commit.time);
            }
        }
        for (tenant, hold) in self.lost.tenants().chain(self.passing.tenants()) {
            add(tenant, hold.records, hold.oldest);
        }
        all
    }
}

/// About what a commit takes in memory.
pub(crate) fn weight(commit: &Commit) -> usize {
    let data = commit.events.iter().map(|event| event.data.get().len() + 128);
    512 + data.sum::<usize>()
}

fn key_of(commit: &Commit) -> SourceKey {
    SourceKey {
        tenant: commit.tenant.clone(),
        aggregate: commit.aggregate.clone(),
        id: commit.id.clone(),
    }
}

#[cfg(test)]
mod tests;
