//! The projections of this process, as operators and Prometheus see them.

use headwater_edge::{Problem, unknown};
use headwater_kernel::{TenantId, Timestamp};
use headwater_projectors::{Consumer, Replays, ShardStatus, WOKEN_PACE, Watcher};
use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

/// Gives the generations that are kept now: replays make new ones, and end old ones.
pub(crate) type Consumers = Box<dyn Fn() -> Vec<Consumer> + Send + Sync>;

/// What this process keeps.
pub(crate) struct Kept {
    pub(crate) consumers: Consumers,
    pub(crate) watcher: Watcher,
    /// Its name in the leases.
    pub(crate) worker: String,
    pub(crate) replays: Replays,
}

impl Kept {
    /// `product-view` names all generations of a projection, `product-view.2` one.
    pub(super) fn named(&self, name: &str) -> Result<Vec<Consumer>, Problem> {
        let all = (self.consumers)();
        let is_named = |consumer: &&Consumer| consumer.projection == name || consumer.name() == name;
        let named: Vec<Consumer> = all.iter().filter(is_named).cloned().collect();
        if named.is_empty() {
            let known = all.iter().map(|consumer| consumer.projection);
            return Err(unknown("unknown-projection", "projection", name, known));
        }
        Ok(named)
    }

    /// How far behind the shards are that this process reads.
    pub(super) fn lag(&self, now: Timestamp) -> Lag {
        Lag {
            now,
            shards: self.watcher.status(),
        }
    }
}

/// How far behind this process is, at one moment.
pub(crate) struct Lag {
    pub(crate) now: Timestamp,
    pub(crate) shards: Vec<ShardStatus>,
}

/// Commits that wait, and for how long the oldest of them has.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Waiting {
    pub(crate) events: u64,
    pub(crate) time: Duration,
}

impl Waiting {
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            time: self.time.max(other.time),
        }
    }
}

/// An idle shard is read every second, at the configured pace, or every [`WOKEN_PACE`]; one that was not read for longer than this has
/// trouble.
const UNREAD: Duration = WOKEN_PACE.saturating_mul(3);

/// For how long nobody could read the shard, if that is too long. What waits in it nobody knows.
pub(crate) fn unread(shard: &ShardStatus, now: Timestamp) -> Duration {
    let since = now.since(shard.read_at);
    if since > UNREAD { since } else { Duration::ZERO }
}

impl Lag {
    /// What waits in one shard, of one tenant or of all; a shard that cannot be read is behind for as long as that lasts.
    pub(crate) fn of(&self, shard: &ShardStatus, tenant: Option<&TenantId>) -> Waiting {
        let counted = shard
            .behind
            .iter()
            .filter(|(whose, _)| tenant.is_none_or(|tenant| tenant == *whose));
        let waiting = counted.map(|(_, (events, since))| Waiting {
            events: *events,
            time: self.now.since(*since),
        });
        let unread = Waiting {
            events: 0,
            time: unread(shard, self.now),
        };
        waiting.fold(unread, Waiting::and)
    }

    /// The tenants that are furthest behind in these shards, `most` of them.
    pub(crate) fn worst<'a>(
        &self,
        shards: impl Iterator<Item = &'a ShardStatus>,
        most: usize,
    ) -> Vec<(TenantId, Waiting)> {
        let mut tenants: BTreeMap<&TenantId, Waiting> = BTreeMap::new();
        for shard in shards {
            for (tenant, (events, since)) in &shard.behind {
                let waiting = Waiting {
                    events: *events,
                    time: self.now.since(*since),
                };
                let sum = tenants.entry(tenant).or_default();
                *sum = sum.and(waiting);
            }
        }
        let mut worst: Vec<_> = tenants
            .into_iter()
            .map(|(tenant, waiting)| (tenant.clone(), waiting))
            .collect();
        worst.sort_by_key(|(_, waiting)| Reverse((waiting.time, waiting.events)));
        worst.truncate(most);
        worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_that_cannot_be_read_is_behind() {
        let start = Timestamp::from_nanos(0);
        let after = |seconds| start.plus(Duration::from_secs(seconds));
        let shard = ShardStatus {
            projection: "leads",
            generation: 1,
            context: "crm".into(),
            shard: "a".into(),
            behind: BTreeMap::new(),
            at_tip: true,
            read_at: after(5),
            recovering: false,
            parked: 0,
            drained: true,
        };
        let lag = |now| {
            let shards = vec![shard.clone()];
            Lag { now, shards }.of(&shard, None).time.as_secs()
        };
        assert_eq!((lag(after(8)), lag(after(3_605))), (0, 3_600));
    }
}
