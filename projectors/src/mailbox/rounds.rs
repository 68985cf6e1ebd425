//! What leaves a mailbox: rounds of work, tenants in turn, and what comes back of it.

use super::{Line, Mailbox, Waiting, key_of, weight};
use crate::{SourceCommits, SourceKey};
use headwater_kernel::{Commit, TenantId, Timestamp};
use headwater_tenancy::TenantScope;
use std::{collections::BTreeMap, time::Duration};

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
    fn new(key: SourceKey, scope: TenantScope, oldest: Timestamp) -> Self {
        let news = SourceCommits {
            scope,
            id: key.id.clone(),
            commits: Vec::new(),
            up_to: 0,
            from: 0,
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

    /// How often it was tried before.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How far the history goes with this.
    pub(crate) fn up_to(&self) -> u64 {
        let last = self.news.commits.last().map_or(0, Commit::version);
        last.max(self.news.up_to)
    }

    /// Before which nothing of it is news; 0 when that is not known.
    fn from(&self) -> u64 {
        let first = self.news.commits.iter().map(|commit| commit.first_sequence).min();
        match first {
            Some(first) if self.news.up_to == 0 => first,
            Some(first) => first.min(self.news.from),
            None => self.news.from,
        }
    }
}

impl Mailbox {
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
            work.news.from = waiting.from;
            work.attempts = work.attempts.max(waiting.attempts);
            work.marks.push(waiting.mark);
        }
        while taken < most
            && let Some((mark, logged)) = line.commits.pop_front()
        {
            taken += 1;
            let weight = weight(&logged.commit);
            (self.commits, self.bytes, line.bytes) = (self.commits - 1, self.bytes - weight, line.bytes - weight);
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

    /// News that the pass under way has read from the log, as work: it holds the position as the tenant's loss does.
    pub(crate) fn of_pass(&mut self, key: SourceKey, news: SourceCommits) -> Work {
        let mark = self.passing.mark(&key.tenant);
        self.marks.hold(mark);
        let oldest = news.commits.first().map_or(Timestamp::default(), |first| first.time);
        Work {
            key,
            news,
            marks: vec![mark],
            attempts: 0,
            oldest,
        }
    }

    /// The work has had its effect, or is parked.
    pub(crate) fn done(&mut self, work: &Work) {
        for mark in &work.marks {
            self.marks.release(*mark);
        }
    }

    /// The work is to be tried again when `due` has come. What was lost in the meantime, the log has.
    pub(crate) fn again(&mut self, work: Work, due: Duration) {
        let Some(first) = work.marks.iter().min().copied() else {
            return;
        };
        self.done(&work);
        let waiting = Waiting {
            up_to: work.up_to(),
            from: work.from(),
            scope: work.news.scope.clone(),
            mark: first,
            due,
            attempts: work.attempts + 1,
            records: work.marks.len() as u64,
            oldest: work.oldest,
        };
        self.wait(work.key, waiting);
    }

    /// When the next work is due; `None` when nothing waits.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        let holds_commits = |line: &Line| !line.commits.is_empty();
        if self.lines.values().any(holds_commits) {
            return Some(Duration::ZERO);
        }
        let firsts = self.lines.values().filter_map(|line| line.due.first());
        firsts.map(|(due, _)| *due).min()
    }
}
