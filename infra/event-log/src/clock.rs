//! Commit times: strictly increasing within a process, one nanosecond reserved per event, so that (time, writer) names an event.

use headwater_kernel::Timestamp;
use headwater_runtime::Runtime;
use std::sync::atomic::{AtomicI64, Ordering};

/// Gives commit times for one writer.
pub(crate) struct CommitClock {
    runtime: Runtime,
    next: AtomicI64,
    writer: u64,
}

impl CommitClock {
    /// A writer's number is 48 random bits drawn at start: two processes that commit in the same nanosecond share one with a chance of
    /// one in 2.8e14, and a process whose clock went back over a restart is another writer.
    pub(crate) fn new(runtime: Runtime) -> Self {
        let [a, b, c, d, e, f] = runtime.random();
        Self {
            runtime,
            next: AtomicI64::new(0),
            writer: u64::from_be_bytes([0, 0, a, b, c, d, e, f]),
        }
    }

    pub(crate) fn writer(&self) -> u64 {
        self.writer
    }

    /// Reserves `events` nanoseconds from the returned time on.
    pub(crate) fn reserve(&self, events: usize) -> Timestamp {
        let now = self.runtime.now().nanos();
        let events = i64::try_from(events).unwrap_or(i64::MAX);
        let take = |next: i64| Some(next.max(now).saturating_add(events));
        let before = self
            .next
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take)
            .unwrap_or(now);
        Timestamp::from_nanos(before.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_runtime::ManualClock;

    #[test]
    fn never_gives_a_nanosecond_twice_even_when_the_clock_goes_back() {
        let clock = ManualClock::at(Timestamp::from_nanos(1_000));
        let commits = CommitClock::new(Runtime::new(clock.clone()));
        assert_eq!(commits.reserve(3).nanos(), 1_000);
        assert_eq!(commits.reserve(1).nanos(), 1_003);
        clock.set(Timestamp::from_nanos(500));
        assert_eq!(commits.reserve(1).nanos(), 1_004);
        clock.set(Timestamp::from_nanos(5_000));
        assert_eq!(commits.reserve(1).nanos(), 5_000);
    }
}
