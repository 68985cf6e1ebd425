//! Plays many seeds, each on one thread, and tells of those that fail.

use super::{Course, plan::TENANTS, simulate, world::World};
use headwater_tenancy::TenantScope;
use std::{
    ops::Range,
    panic,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// What seeds came to, all together.
#[derive(Debug, Default)]
pub struct Sums {
    /// Seeds that were played.
    pub seeds: u64,
    /// Steps of the executor.
    pub steps: u64,
    /// Requests to the stores.
    pub requests: u64,
    /// Of those, how many met a fault.
    pub faults: u64,
    /// Commits of the logs.
    pub commits: u64,
    /// Rebuilt generations that took over, and switches that were asked for.
    pub switches: (u64, u64),
    /// Virtual seconds.
    pub seconds: u64,
    /// Seeds that failed.
    pub failed: Vec<u64>,
}

/// The tenants' scopes.
///
/// # Panics
/// When a scope cannot be made.
pub fn scopes() -> Vec<TenantScope> {
    let made = World::new(0).run(async {
        let mut scopes = Vec::new();
        for tenant in TENANTS {
            scopes.push(headwater_tenancy::testing::scope(tenant).await);
        }
        scopes
    });
    made.expect("scopes need nothing")
}

/// A panic that is meant to be caught says nothing.
fn quiet() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let text = panic.payload().downcast_ref::<&str>().copied().unwrap_or_default();
        if text != "a fold with a bug" {
            usual(panic);
        }
    }));
}

/// Plays all of them, on so many threads; `told` hears of each as it ends.
pub fn play_all(seeds: Range<u64>, threads: usize, told: impl Fn(&Course) + Sync) -> Sums {
    quiet();
    let scopes = scopes();
    let next = AtomicU64::new(seeds.start);
    let sums: Mutex<Sums> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let course = simulate(seed, scopes.clone());
                    told(&course);
                    let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
                    sums.seeds += 1;
                    sums.steps += course.trace.1;
                    sums.requests += course.calls.0;
                    sums.faults += course.calls.1;
                    sums.commits += course.commits as u64;
                    sums.switches.0 += course.switches.0;
                    sums.switches.1 += course.switches.1;
                    sums.seconds += course.elapsed.as_secs();
                    if !course.violations.is_empty() {
                        sums.failed.push(seed);
                    }
                }
            });
        }
    });
    sums.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Display for Course {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.violations.is_empty() {
            return write!(f, "seed {}: {} commits, {:?}", self.seed, self.commits, self.elapsed);
        }
        writeln!(
            f,
            "seed {} fails after {:?}; again: cargo xtask simulate --seed {}",
            self.seed, self.elapsed, self.seed
        )?;
        let mut shown = self.violations.iter().take(8);
        shown.try_for_each(|violation| writeln!(f, "    {violation}"))
    }
}
