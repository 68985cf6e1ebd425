//! One thread, virtual time, and a seed: which task runs next, how late it is, and every random number come from the seed alone. Time jumps
//! to the next timer when nothing can run.
//!
//! Tasks belong to processes. A process can be paused (its tasks do not run, its timers pass), crash (its tasks are dropped where they
//! stand), and have a clock of its own that is off and jumps.

use super::tasks::{Done, Joining, Sleep, Waking};
use futures::future::BoxFuture;
use headwater_kernel::Timestamp;
use headwater_runtime::{Environment, Panicked, Runtime, Task};
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

/// 2026-01-01, when every simulation begins.
const EPOCH: i64 = 1_767_225_600_000_000_000;

/// More steps than this and nothing will come of it.
const MOST_STEPS: u64 = 400_000;

/// A process of the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Process(pub(super) u32);

/// What is outside all processes: the network, the services, whoever watches.
pub const OUTSIDE: Process = Process(0);

pub(super) struct Slot {
    process: Process,
    /// Absent while it is polled.
    future: Option<BoxFuture<'static, ()>>,
    done: Arc<Done>,
    aborted: bool,
}

#[derive(Debug, Clone, Default)]
struct Condition {
    paused_until: u64,
    crashed: bool,
    clock_off: i64,
}

pub(super) struct Core {
    pub(super) now: u64,
    random: u64,
    tasks: BTreeMap<u64, Slot>,
    next: u64,
    pub(super) timers: BTreeMap<(u64, u64), Waker>,
    processes: Vec<Condition>,
    trace: u64,
    steps: u64,
    /// Names of what panicked that should not have.
    panics: Vec<String>,
}

/// See the module. Clones are the same.
#[derive(Clone)]
pub struct World {
    pub(super) core: Arc<Mutex<Core>>,
    /// Tasks that can run. A lock of its own: wakers are called from anywhere.
    pub(super) ready: Arc<Mutex<BTreeSet<u64>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SplitMix64.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl World {
    /// At the beginning.
    pub fn new(seed: u64) -> Self {
        Self {
            core: Arc::new(Mutex::new(Core {
                now: 0,
                random: seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5851_f42d_4c95_7f2d,
                tasks: BTreeMap::new(),
                next: 0,
                timers: BTreeMap::new(),
                processes: vec![Condition::default()],
                trace: 0xcbf2_9ce4_8422_2325,
                steps: 0,
                panics: Vec::new(),
            })),
            ready: Arc::default(),
        }
    }

    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        lock(&self.core)
    }

    /// A number below `bound`.
    pub fn below(&self, bound: u64) -> u64 {
        draw(&mut self.core().random) % bound.max(1)
    }

    /// Whether something happens that does so `percent` times of 100.
    pub fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A time between the two.
    pub fn between(&self, from: Duration, to: Duration) -> Duration {
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(micros(from) + self.below(micros(to).saturating_sub(micros(from)) + 1))
    }

    /// Since the beginning.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.core().now)
    }

    /// Mixes what has happened into the trace, by which two runs are compared.
    pub fn note(&self, what: &str) {
        let mut core = self.core();
        core.trace = what.bytes().fold(core.trace, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        if super::is_verbose() {
            let now = Duration::from_nanos(core.now);
            drop(core);
            super::say(&format!("{now:>14.6?} {what}"));
        }
    }

    /// A hash of everything that has happened, and in how many steps.
    pub fn trace(&self) -> (u64, u64) {
        let core = self.core();
        (core.trace, core.steps)
    }

    /// What panicked and should not have.
    pub fn panics(&self) -> Vec<String> {
        self.core().panics.clone()
    }

    /// Another process.
    pub fn process(&self) -> Process {
        let mut core = self.core();
        core.processes.push(Condition::default());
        Process(u32::try_from(core.processes.len() - 1).unwrap_or(u32::MAX))
    }

    /// What a process is given by its surroundings.
    pub fn runtime(&self, process: Process) -> Runtime {
        Runtime::new(Surroundings {
            world: self.clone(),
            process,
        })
    }

    /// Drops all tasks of a process where they stand. Nothing of it runs again.
    pub fn crash(&self, process: Process) {
        let mut core = self.core();
        core.processes[process.0 as usize].crashed = true;
        let of: Vec<u64> = core
            .tasks
            .iter()
            .filter(|(_, slot)| slot.process == process)
            .map(|(id, _)| *id)
            .collect();
        let slots: Vec<Slot> = of.iter().filter_map(|id| core.tasks.remove(id)).collect();
        drop(core);
        for slot in slots {
            drop(slot.future);
            slot.done.end(Ok(()));
        }
    }

    /// Stops a process for some time.
    pub fn pause(&self, process: Process, longest: Duration) {
        let mut core = self.core();
        let until = core.now + u64::try_from(longest.as_nanos()).unwrap_or(0);
        core.processes[process.0 as usize].paused_until = until;
    }

    /// Lets all processes go on.
    pub fn resume_all(&self) {
        for process in &mut self.core().processes {
            process.paused_until = 0;
        }
    }

    /// Sets how far a process's clock is off.
    pub fn set_clock(&self, process: Process, off: i64) {
        self.core().processes[process.0 as usize].clock_off = off;
    }

    /// Runs until `main` ends.
    ///
    /// # Errors
    /// When nothing can ever run again, or it takes too many steps.
    pub fn run<T: Send + 'static>(&self, main: impl Future<Output = T> + Send + 'static) -> Result<T, String> {
        let output = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&output);
        drop(self.spawn(
            OUTSIDE,
            Box::pin(async move {
                let result = main.await;
                *lock(&slot) = Some(result);
            }),
        ));
        loop {
            if let Some(result) = lock(&output).take() {
                return Ok(result);
            }
            if !self.step() {
                let panics = self.panics();
                return Err(format!(
                    "nothing can run any more at {:?}; panics: {panics:?}",
                    self.elapsed()
                ));
            }
            if self.core().steps > MOST_STEPS {
                return Err(format!("no end in sight at {:?}", self.elapsed()));
            }
        }
    }

    /// Runs one task until its next wait, or lets time pass. False when nothing can happen any more.
    fn step(&self) -> bool {
        let mut core = self.core();
        let mut ready = lock(&self.ready);
        let can = |id: &u64| {
            let slot = core.tasks.get(id)?;
            (core.processes[slot.process.0 as usize].paused_until <= core.now).then_some(*id)
        };
        let able: Vec<u64> = ready.iter().filter_map(can).collect();
        let Some(chosen) = (!able.is_empty()).then(|| {
            let n = draw(&mut core.random) % able.len() as u64;
            able[usize::try_from(n).unwrap_or(0)]
        }) else {
            drop(ready);
            return Self::let_time_pass(core);
        };
        ready.remove(&chosen);
        drop(ready);
        core.steps += 1;
        // A step takes some microseconds.
        core.now += 500 + draw(&mut core.random) % 5_000;
        core.trace = (core.trace ^ chosen ^ core.now.rotate_left(17)).wrapping_mul(0x0100_0000_01b3);
        let Some(slot) = core.tasks.get_mut(&chosen) else {
            return true;
        };
        let (future, aborted, process) = (slot.future.take(), slot.aborted, slot.process);
        drop(core);
        let Some(mut future) = future else { return true };
        let ended = if aborted {
            drop(future);
            Some(Ok(()))
        } else {
            let waker = Waker::from(Arc::new(Waking {
                id: chosen,
                ready: Arc::clone(&self.ready),
            }));
            let polled = catch_unwind(AssertUnwindSafe(|| {
                future.as_mut().poll(&mut Context::from_waker(&waker))
            }));
            match polled {
                Ok(Poll::Pending) => {
                    let mut core = self.core();
                    match core.tasks.get_mut(&chosen) {
                        Some(slot) => slot.future = Some(future),
                        // It has made its own process crash.
                        None => {
                            drop(core);
                            drop(future);
                        }
                    }
                    None
                }
                Ok(Poll::Ready(())) => Some(Ok(())),
                Err(panic) => {
                    let text = panic.downcast_ref::<String>().cloned();
                    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                    self.core()
                        .panics
                        .push(format!("process {}: {}", process.0, text.unwrap_or_default()));
                    Some(Err(Panicked))
                }
            }
        };
        if let Some(result) = ended {
            let slot = self.core().tasks.remove(&chosen);
            if let Some(slot) = slot {
                slot.done.end(result);
            }
        }
        true
    }

    fn let_time_pass(mut core: MutexGuard<'_, Core>) -> bool {
        let timer = core.timers.first_key_value().map(|((at, _), _)| *at);
        let paused = core
            .processes
            .iter()
            .map(|process| process.paused_until)
            .filter(|until| *until > core.now)
            .min();
        let Some(next) = [timer, paused].into_iter().flatten().min() else {
            return false;
        };
        core.now = core.now.max(next);
        let now = core.now;
        let later = core.timers.split_off(&(now + 1, 0));
        let due = std::mem::replace(&mut core.timers, later);
        drop(core);
        due.into_values().for_each(Waker::wake);
        true
    }

    pub(super) fn spawn(&self, process: Process, future: BoxFuture<'static, ()>) -> Task {
        let mut core = self.core();
        let done = Arc::new(Done::default());
        let id = core.next;
        core.next += 1;
        if core.processes[process.0 as usize].crashed {
            drop(core);
            drop(future);
            done.end(Ok(()));
        } else {
            core.tasks.insert(
                id,
                Slot {
                    process,
                    future: Some(future),
                    done: Arc::clone(&done),
                    aborted: false,
                },
            );
            drop(core);
            lock(&self.ready).insert(id);
        }
        let world = self.clone();
        Task::new(Box::pin(Joining(done)), move || {
            if let Some(slot) = world.core().tasks.get_mut(&id) {
                slot.aborted = true;
            }
            lock(&world.ready).insert(id);
        })
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

struct Surroundings {
    world: World,
    process: Process,
}

impl Environment for Surroundings {
    fn now(&self) -> Timestamp {
        let core = self.world.core();
        let off = core.processes[self.process.0 as usize].clock_off;
        Timestamp::from_nanos(EPOCH + i64::try_from(core.now).unwrap_or(i64::MAX) + off)
    }

    fn monotonic(&self) -> Duration {
        self.world.elapsed()
    }

    fn fill(&self, bytes: &mut [u8]) {
        let mut core = self.world.core();
        for chunk in bytes.chunks_mut(8) {
            let drawn = draw(&mut core.random).to_be_bytes();
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(Sleep::new(&self.world, duration))
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) -> Task {
        self.world.spawn(self.process, task)
    }
}

impl Core {
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}
