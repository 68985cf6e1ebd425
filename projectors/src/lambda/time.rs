//! How long an invocation may work: it has to answer before Lambda ends it, or everything comes again and nothing is known of it.

use headwater_runtime::Runtime;
use std::time::Duration;

/// What is kept back at the end for parking, and the same again for the answer.
const RESERVE: Duration = Duration::from_millis(500);

/// The times of one invocation, on the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    tries_until: Duration,
    until: Duration,
}

impl Time {
    /// For an invocation that is ended after `left`.
    pub(super) fn of(left: Duration, longest: Option<Duration>, runtime: &Runtime) -> Self {
        let now = runtime.monotonic();
        // A function whose time is very short has half of it.
        let reserve = RESERVE.min(left / 4);
        let work = left.saturating_sub(reserve);
        let work = longest.map_or(work, |longest| work.min(longest));
        Self {
            tries_until: now + work.saturating_sub(reserve),
            until: now + work,
        }
    }

    /// For applying.
    pub(super) fn to_try(self, runtime: &Runtime) -> Duration {
        self.tries_until.saturating_sub(runtime.monotonic())
    }

    /// For what has to be written down after that.
    pub(super) fn to_settle(self, runtime: &Runtime) -> Duration {
        self.until.saturating_sub(runtime.monotonic())
    }
}
