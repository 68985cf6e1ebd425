//! A budget of write units a second, by the runtime's clock, settled by what calls really took.

use headwater_runtime::Runtime;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// A token bucket that holds a second's worth. What was taken beyond it is paid back before the next call.
pub(crate) struct Bucket {
    per_second: Option<f64>,
    runtime: Runtime,
    level: Mutex<(f64, Duration)>,
}

impl Bucket {
    pub(crate) fn new(per_second: Option<f64>, runtime: Runtime) -> Self {
        let per_second = per_second.filter(|rate| *rate > 0.0);
        Self {
            level: Mutex::new((0.0, runtime.monotonic())),
            per_second,
            runtime,
        }
    }

    /// Waits until `units` may be spent.
    pub(crate) async fn take(&self, units: f64) {
        let Some(rate) = self.per_second else { return };
        loop {
            let missing = {
                let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
                let now = self.runtime.monotonic();
                let earned = now.saturating_sub(level.1).as_secs_f64() * rate;
                *level = ((level.0 + earned).min(rate), now);
                if level.0 >= units.min(rate) {
                    level.0 -= units;
                    return;
                }
                units.min(rate) - level.0
            };
            let wait = Duration::from_secs_f64(missing / rate).max(Duration::from_millis(1));
            self.runtime.sleep(wait).await;
        }
    }

    /// A call for which `taken` were taken has spent `spent`.
    pub(crate) fn settle(&self, taken: f64, spent: f64) {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        level.0 += taken - spent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::BoxFuture;
    use headwater_kernel::Timestamp;
    use headwater_runtime::{Environment, Task};
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    /// Time passes by sleeping alone.
    #[derive(Clone, Default)]
    struct Slept(Arc<AtomicU64>);

    impl Environment for Slept {
        fn now(&self) -> Timestamp {
            Timestamp::default()
        }
        fn monotonic(&self) -> Duration {
            Duration::from_micros(self.0.load(Ordering::SeqCst))
        }
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1);
            self.0.fetch_add(micros, Ordering::SeqCst);
            Box::pin(std::future::ready(()))
        }
        fn spawn(&self, _: BoxFuture<'static, ()>) -> Task {
            unreachable!("nothing is spawned")
        }
    }

    #[tokio::test]
    async fn what_is_spent_stays_within_the_budget_also_when_calls_take_more_than_expected() {
        let time = Slept::default();
        let bucket = Bucket::new(Some(100.0), Runtime::new(time.clone()));
        let mut spent = 0.0;
        for n in 0..400 {
            bucket.take(25.0).await;
            // Some cost more, some less, one far more than a second's worth.
            let cost = if n == 7 { 400.0 } else { f64::from(n % 3) * 25.0 };
            bucket.settle(25.0, cost);
            spent += cost;
            let allowed = time.monotonic().as_secs_f64() * 100.0 + 100.0 + 400.0;
            assert!(spent <= allowed, "{spent} of {allowed}");
        }
        let seconds = time.monotonic().as_secs_f64();
        assert!(spent / seconds <= 101.0, "{spent} in {seconds} s");
        assert!(spent / seconds >= 95.0, "it is used, too: {spent} in {seconds} s");
    }

    #[tokio::test]
    async fn without_a_budget_nothing_waits() {
        let time = Slept::default();
        let bucket = Bucket::new(None, Runtime::new(time.clone()));
        for _ in 0..1_000 {
            bucket.take(1_000.0).await;
        }
        assert_eq!(time.monotonic(), Duration::ZERO);
    }
}
