//! Whether the holder of a lease is alive: its beat is watched by this worker's own monotonic clock, so clocks need not agree.

use super::Lease;
use std::{collections::BTreeMap, time::Duration};

/// What a worker has seen of each lease, and since when it has not changed.
#[derive(Debug, Default)]
pub struct Observations(BTreeMap<String, (u64, u64, Duration)>);

impl Observations {
    /// Takes in a new reading at time `now`; what is no longer listed is forgotten.
    pub fn see(&mut self, leases: &[Lease], now: Duration) {
        let mut seen = BTreeMap::new();
        for lease in leases {
            let since = match self.0.get(&lease.key) {
                Some((fence, beat, since)) if (*fence, *beat) == (lease.fence, lease.beat) => *since,
                _ => now,
            };
            seen.insert(lease.key.clone(), (lease.fence, lease.beat, since));
        }
        self.0 = seen;
    }

    /// Whether a lease has stood still for `duration`.
    pub fn is_expired(&self, lease: &Lease, now: Duration, duration: Duration) -> bool {
        self.0
            .get(&lease.key)
            .is_some_and(|(_, _, since)| now.saturating_sub(*since) >= duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_that_stands_still_expires_and_one_that_moves_does_not() {
        let lease = |beat| Lease {
            key: "k".into(),
            owner: Some("w".into()),
            fence: 1,
            beat,
            stream: "s".into(),
            finished: false,
        };
        let (mut seen, second) = (Observations::default(), Duration::from_secs(1));
        assert!(!seen.is_expired(&lease(1), second * 99, second), "never seen");
        seen.see(&[lease(1)], second);
        seen.see(&[lease(1)], second * 5);
        assert!(seen.is_expired(&lease(1), second * 11, second * 10));
        seen.see(&[lease(2)], second * 11);
        assert!(!seen.is_expired(&lease(2), second * 20, second * 10));
    }
}
