//! What happens to those who take part: crashes, pauses, shut-downs, clocks, outages, and streams that split, forget and start anew.

use super::{actors::Stage, plan::TENANTS, play::EVENTS, world::Process};
use headwater_dynamodb::{Store, simulated::Place};
use headwater_projectors::Keeper;
use std::time::Duration;

/// A process and what runs in it.
struct Running {
    name: String,
    process: Process,
    runner: Option<Keeper>,
    /// Which writers and subscribers.
    writers: Vec<usize>,
    subscribers: Vec<usize>,
    operator: bool,
}

/// Everybody who is up.
pub(super) struct Company {
    stage: Stage,
    running: Vec<Running>,
    /// How many processes there were.
    born: usize,
    /// When each stream that is off goes on again.
    pub(super) stream_off: bool,
}

impl Company {
    pub(super) fn begin(stage: &Stage) -> Self {
        let mut company = Self {
            stage: stage.clone(),
            running: Vec::new(),
            born: 0,
            stream_off: false,
        };
        let plan = &stage.plan;
        let all = |count: usize| (0..count).collect::<Vec<_>>();
        if plan.place == Place::Embedded {
            company.start(true, all(plan.writers), all(TENANTS.len()), true);
            return company;
        }
        for _ in 0..plan.workers {
            company.start(true, Vec::new(), Vec::new(), false);
        }
        for writer in 0..plan.writers {
            company.start(false, vec![writer], Vec::new(), false);
        }
        company.start(false, Vec::new(), all(TENANTS.len()), false);
        company.start(false, Vec::new(), Vec::new(), true);
        company
    }

    fn start(&mut self, worker: bool, writers: Vec<usize>, subscribers: Vec<usize>, operator: bool) {
        let stage = &self.stage;
        self.born += 1;
        let name = format!("p{}", self.born);
        let process = stage.world.process();
        stage.world.set_clock(process, self.clock());
        stage.world.note(&format!(
            "{name} starts: worker {worker}, writers {writers:?}, subscribers {subscribers:?}"
        ));
        for writer in &writers {
            stage.writer(*writer, &name, process);
        }
        for subscriber in &subscribers {
            stage.subscriber(*subscriber, &name, process);
        }
        if operator {
            stage.operator(&name, process);
        }
        let runner = worker.then(|| stage.worker(&name, process));
        self.running.push(Running {
            name,
            process,
            runner,
            writers,
            subscribers,
            operator,
        });
    }

    /// How far off a clock is.
    fn clock(&self) -> i64 {
        let most = i64::try_from(self.stage.plan.clocks.as_nanos()).unwrap_or(0);
        let drawn = self.stage.world.below(u64::try_from(most * 2 + 1).unwrap_or(1));
        i64::try_from(drawn).unwrap_or(0) - most
    }

    fn any(&self) -> usize {
        usize::try_from(self.stage.world.below(self.running.len() as u64)).unwrap_or(0)
    }

    fn crash(&mut self, n: usize) -> Running {
        let mut gone = self.running.remove(n);
        self.stage.world.note(&format!("{} crashes", gone.name));
        self.stage.world.crash(gone.process);
        drop(gone.runner.take());
        gone
    }

    fn again(&mut self, gone: Running, worker: bool) {
        self.start(worker, gone.writers, gone.subscribers, gone.operator);
    }

    fn cut_power(&mut self) {
        self.stage.world.note("the power goes");
        let gone = self.crash(0);
        self.stage.engine.lose_power();
        self.stage.weather.ledger().lose_power();
        self.again(gone, true);
    }

    async fn shut_down(&mut self, n: usize) {
        let gone = self.running.remove(n);
        let (world, name) = (&self.stage.world, gone.name.clone());
        world.note(&format!("{name} shuts down"));
        let is_worker = gone.runner.is_some();
        let Running { runner, .. } = gone;
        if let Some(runner) = runner {
            runner.shut_down().await;
        }
        world.note(&format!("{name} has shut down"));
        world.crash(gone.process);
        self.again(Running { runner: None, ..gone }, is_worker);
    }

    /// Everybody stands still, as on a laptop that is closed, or is gone, as overnight.
    async fn night(&mut self) {
        let hours = 3 + self.stage.world.below(60);
        let long = Duration::from_secs(hours * 3_600);
        self.stage.world.note(&format!("a night of {hours} hours"));
        if self.stage.world.chance(50) {
            let all: Vec<(Running, bool)> = (0..self.running.len())
                .map(|_| {
                    let is_worker = self.running[0].runner.is_some();
                    (self.crash(0), is_worker)
                })
                .collect();
            for (gone, worker) in all {
                self.again(gone, worker);
            }
        }
        for one in &self.running {
            self.stage.world.pause(one.process, long);
        }
        let outside = self.stage.world.runtime(super::world::OUTSIDE);
        outside.sleep(long + Duration::from_millis(1)).await;
    }

    /// One event.
    pub(super) async fn happen(&mut self) {
        let stage = self.stage.clone();
        let (world, weather) = (&stage.world, &stage.weather);
        let now = world.runtime(super::world::OUTSIDE).now();
        let embedded = stage.plan.place == Place::Embedded;
        let seconds = |most: u64| world.between(Duration::from_millis(200), Duration::from_secs(most));
        let pause = seconds(30);
        match world.below(22) {
            0..=2 if embedded => self.cut_power(),
            0..=3 => {
                let n = self.any();
                let worker = self.running[n].runner.is_some();
                let gone = self.crash(n);
                if world.chance(50) {
                    world.runtime(super::world::OUTSIDE).sleep(pause).await;
                }
                self.again(gone, worker);
            }
            4..=6 => {
                let one = &self.running[self.any()];
                world.note(&format!("{} stands still for {pause:?}", one.name));
                world.pause(one.process, pause);
            }
            7..=8 => {
                let n = self.any();
                self.shut_down(n).await;
            }
            9..=11 => {
                world.note("a shard splits");
                stage
                    .engine
                    .split(EVENTS, usize::try_from(world.below(50)).unwrap_or(0), true, now);
            }
            12..=13 => {
                world.note("a shard ends, and another goes on");
                stage
                    .engine
                    .split(EVENTS, usize::try_from(world.below(50)).unwrap_or(0), false, now);
            }
            14 => {
                let part = usize::try_from(world.below(1_200)).unwrap_or(0).min(1_000);
                world.note(&format!("{part} of 1000 records are trimmed"));
                stage.engine.trim(EVENTS, part, now);
            }
            15 if !self.stream_off => {
                world.note("the stream is turned off");
                stage.engine.stream_off(EVENTS, now);
                self.stream_off = true;
            }
            15 | 16 if self.stream_off => self.stream_on(),
            16 if world.chance(30) => {
                stage.engine.stream_off(EVENTS, now);
                self.stream_on();
            }
            17 => {
                let one = &self.running[self.any()];
                let off = self.clock();
                world.note(&format!("the clock of {} is off by {} ms", one.name, off / 1_000_000));
                world.set_clock(one.process, off);
            }
            18 => {
                let store = if world.chance(50) {
                    Store::Durable
                } else {
                    Store::Rebuildable
                };
                let longest = seconds(8);
                world.note(&format!("{store:?} is out for {longest:?}"));
                weather.outage(store, longest);
            }
            19..=20 if !embedded => {
                let (name, longest) = (self.running[self.any()].name.clone(), seconds(25));
                world.note(&format!("{name} is cut off for {longest:?}"));
                weather.cut_off(&name, longest);
            }
            21 if world.chance(25) => self.night().await,
            _ => {}
        }
    }

    fn stream_on(&mut self) {
        let now = self.stage.world.runtime(super::world::OUTSIDE).now();
        self.stage.world.note("another stream is turned on");
        self.stage.engine.stream_on(EVENTS, now);
        self.stream_off = false;
    }

    /// Nothing more goes wrong.
    pub(super) fn calm_down(&mut self) {
        if self.stream_off {
            self.stream_on();
        }
        self.stage.weather.calm_down();
        self.stage.world.resume_all();
        self.stage.world.note("nothing more goes wrong");
    }

    /// Everybody goes, in order. Tells how long it took.
    pub(super) async fn end(mut self) -> Duration {
        let world = self.stage.world.clone();
        let before = world.elapsed();
        let runners: Vec<Keeper> = self.running.iter_mut().filter_map(|one| one.runner.take()).collect();
        futures::future::join_all(runners.into_iter().map(Keeper::shut_down)).await;
        let took = world.elapsed().saturating_sub(before);
        for one in &self.running {
            world.crash(one.process);
        }
        took
    }
}
