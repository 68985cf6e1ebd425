//! What waits for one consumer of one shard. The reader never waits for it: a tenant that has more waiting than its room is remembered by
//! aggregate and version alone (the log has the commits), and when even that is too much, the position is given up and the consumer
//! catches up from the log.
//!
//! Work is handed out a round at a time, tenants in turn, so that one that floods delays the others by no more than its share of a round.
//! Records are numbered as they arrive; the position may move up to the first that has not had its effect.

use crate::{SourceCommits, SourceKey};
use headwater_event_log::{LoggedCommit, Position};
use headwater_kernel::{Commit, TenantId, Timestamp};
use headwater_tenancy::TenantScope;
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
    /// Aggregates that are remembered without their commits.
    pub(crate) aggregates: usize,
}

/// News of an aggregate, out of the mailbox and on its way to the consumer.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) key: SourceKey,
    pub(crate) news: SourceCommits,
    /// The numbers of the records it stands for.
    marks: Vec<u64>,
    attempts: u32,
    oldest: Timestamp,
}

impl Work {
    /// How often it was tried before.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How far the history goes with this.
    pub(crate) fn up_to(&self) -> u64 {
        let last = self.news.commits.last().map_or(0, Commit::version);
        last.max(self.news.up_to)
    }
}

#[derive(Debug)]
struct Waiting {
    scope: TenantScope,
    up_to: u64,
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
    aggregates: usize,
    marks: BTreeSet<u64>,
    next_mark: u64,
    /// The number of the record after each batch, with the position of its last record.
    batches: VecDeque<(u64, Position)>,
    passed: Option<Position>,
    lost: bool,
    recovering: bool,
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
            aggregates: 0,
            marks: BTreeSet::new(),
            next_mark: 0,
            batches: VecDeque::new(),
            passed: Some(start),
            lost: false,
            recovering: false,
            ended: false,
        }
    }

    /// Takes in a commit.
    pub(crate) fn push(&mut self, logged: &LoggedCommit) {
        let commit = &logged.commit;
        let line = self.lines.entry(commit.tenant.clone()).or_default();
        let known = !line.waiting.is_empty() && line.waiting.contains_key(&key_of(commit));
        let full = line.commits.len() >= self.room.per_tenant || self.commits >= self.room.commits;
        if known || full {
            let (scope, version, time) = (logged.scope.clone(), commit.version(), commit.time);
            return self.push_news(scope, key_of(commit), version, time);
        }
        let mark = self.next_mark;
        self.next_mark += 1;
        self.marks.insert(mark);
        self.commits += 1;
        line.commits.push_back((mark, logged.clone()));
    }

    /// Takes in that an aggregate's history goes at least to `up_to`, without the commits.
    pub(crate) fn push_news(&mut self, scope: TenantScope, key: SourceKey, up_to: u64, time: Timestamp) {
        let mark = self.next_mark;
        self.next_mark += 1;
        let waiting = Waiting {
            scope,
            up_to,
            mark,
            due: Duration::ZERO,
            attempts: 0,
            records: 1,
            oldest: time,
        };
        self.wait(key, waiting);
    }

    fn wait(&mut self, key: SourceKey, news: Waiting) {
        let line = self.lines.entry(key.tenant.clone()).or_default();
        if let Some(known) = line.waiting.get_mut(&key) {
            known.up_to = known.up_to.max(news.up_to);
            known.records += news.records;
            known.oldest = known.oldest.min(news.oldest);
            if news.mark < known.mark {
                self.marks.remove(&known.mark);
                self.marks.insert(news.mark);
                known.mark = news.mark;
            } else if news.mark != known.mark {
                self.marks.remove(&news.mark);
            }
            return;
        }
        if self.aggregates >= self.room.aggregates {
            return self.lose();
        }
        self.marks.insert(news.mark);
        line.due.insert((news.due, key.clone()));
        line.waiting.insert(key, news);
        self.aggregates += 1;
    }

    /// The shard stands here once everything pushed so far has had its effect.
    pub(crate) fn end_batch(&mut self, position: Position) {
        self.batches.push_back((self.next_mark, position));
    }

    /// Nothing more comes: the shard has ended.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// Gives up what waits: the log has it all.
    pub(crate) fn lose(&mut self) {
        self.lost = true;
        self.lines.clear();
        self.marks.clear();
        (self.commits, self.aggregates) = (0, 0);
    }

    /// Whether the consumer has to catch up from the log.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Begins to catch up: everything that was pushed before is in the log now, and `is_lost` tells of a loss after this. Until
    /// `end_recovery` the position says nothing.
    pub(crate) fn begin_recovery(&mut self) {
        (self.lost, self.recovering) = (false, true);
    }

    /// Ends what `begin_recovery` began; a loss in between stands.
    pub(crate) fn end_recovery(&mut self) {
        self.recovering = false;
    }

    /// Whether nothing waits and nothing is under way.
    pub(crate) fn is_drained(&self) -> bool {
        self.marks.is_empty() && !self.lost && !self.recovering
    }

    /// Whether the shard has ended and all of it has had its effect.
    pub(crate) fn is_finished(&self) -> bool {
        self.ended && self.is_drained()
    }

    /// The next round: at most `most` records, tenants in turn, of each aggregate in order.
    pub(crate) fn take(&mut self, now: Duration, most: usize) -> Vec<Work> {
        let mut round: BTreeMap<SourceKey, Work> = BTreeMap::new();
        let mut taken = 0;
        while taken < most {
            let mut tenants: Vec<TenantId> = self.lines.keys().cloned().collect();
            // Tenants in turn, beginning after the one that was served last.
            if let Some(last) = &self.turn {
                let after = tenants.partition_point(|tenant| tenant <= last);
                tenants.rotate_left(after);
            }
            let before = taken;
            let share = (most - taken).div_ceil(tenants.len().max(1));
            for tenant in tenants {
                let room = share.min(most - taken);
                if room == 0 {
                    break;
                }
                let served = self.take_of(&tenant, now, room, &mut round);
                if served > 0 {
                    taken += served;
                    self.turn = Some(tenant);
                }
            }
            if taken == before {
                break;
            }
        }
        self.lines.retain(|_, line| !line.is_empty());
        let mut works: Vec<Work> = round.into_values().collect();
        for work in &mut works {
            work.news.commits.sort_by_key(|commit| commit.first_sequence);
        }
        works
    }

    fn take_of(
        &mut self,
        tenant: &TenantId,
        now: Duration,
        most: usize,
        round: &mut BTreeMap<SourceKey, Work>,
    ) -> usize {
        let Some(line) = self.lines.get_mut(tenant) else {
            return 0;
        };
        let mut taken = 0;
        while taken < most
            && let Some((due, _)) = line.due.first()
            && *due <= now
            && let Some((_, key)) = line.due.pop_first()
        {
            let Some(waiting) = line.waiting.remove(&key) else {
                continue;
            };
            self.aggregates -= 1;
            taken += 1;
            let work = round
                .entry(key.clone())
                .or_insert_with(|| Work::new(key, waiting.scope.clone(), waiting.oldest));
            work.news.up_to = work.news.up_to.max(waiting.up_to);
            work.attempts = work.attempts.max(waiting.attempts);
            work.marks.push(waiting.mark);
        }
        while taken < most
            && let Some((mark, logged)) = line.commits.pop_front()
        {
            taken += 1;
            self.commits -= 1;
            let key = key_of(&logged.commit);
            let work = round
                .entry(key.clone())
                .or_insert_with(|| Work::new(key, logged.scope, logged.commit.time));
            work.oldest = work.oldest.min(logged.commit.time);
            work.marks.push(mark);
            work.news.commits.push(logged.commit);
        }
        taken
    }

    /// The work has had its effect, or is parked.
    pub(crate) fn done(&mut self, work: &Work) {
        for mark in &work.marks {
            self.marks.remove(mark);
        }
    }

    /// The work is to be tried again when `due` has come.
    pub(crate) fn again(&mut self, work: Work, due: Duration) {
        let Some(first) = work.marks.iter().min().copied() else {
            return;
        };
        // A loss in the meantime has taken the marks back; the log has it all.
        if !self.marks.contains(&first) {
            return;
        }
        let waiting = Waiting {
            up_to: work.up_to(),
            scope: work.news.scope.clone(),
            mark: first,
            due,
            attempts: work.attempts + 1,
            records: work.marks.len() as u64,
            oldest: work.oldest,
        };
        self.done(&work);
        self.wait(work.key, waiting);
    }

    /// When the next work is due; `None` when nothing waits.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        if self.lines.values().any(|line| !line.commits.is_empty()) {
            return Some(Duration::ZERO);
        }
        let firsts = self.lines.values().filter_map(|line| line.due.first());
        firsts.map(|(due, _)| *due).min()
    }

    /// The position up to which everything has had its effect; `None` while that is not known.
    pub(crate) fn passed(&mut self) -> Option<&Position> {
        if self.lost || self.recovering {
            return None;
        }
        let first = self.marks.first().copied().unwrap_or(u64::MAX);
        while let Some((end, _)) = self.batches.front()
            && *end <= first
        {
            self.passed = self.batches.pop_front().map(|(_, position)| position);
        }
        self.passed.as_ref()
    }

    /// What waits, by tenant.
    pub(crate) fn backlog(&self) -> BTreeMap<TenantId, Backlog> {
        let of_line = |line: &Line| {
            let waiting = line.waiting.values();
            let records = line.commits.len() as u64 + waiting.clone().map(|one| one.records).sum::<u64>();
            let oldest = waiting.map(|one| one.oldest);
            let oldest = oldest
                .chain(line.commits.front().map(|(_, logged)| logged.commit.time))
                .min();
            oldest.map(|oldest| Backlog { records, oldest })
        };
        self.lines
            .iter()
            .filter_map(|(tenant, line)| Some((tenant.clone(), of_line(line)?)))
            .collect()
    }
}

impl Work {
    fn new(key: SourceKey, scope: TenantScope, oldest: Timestamp) -> Self {
        let news = SourceCommits {
            scope,
            id: key.id.clone(),
            commits: Vec::new(),
            up_to: 0,
            discard: None,
        };
        Self {
            key,
            news,
            marks: Vec::new(),
            attempts: 0,
            oldest,
        }
    }
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
