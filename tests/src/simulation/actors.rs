//! Who takes part: writers that send commands, workers that keep the projections, subscribers that read the feed, an operator who sees to
//! what is parked.

use super::{
    ledger::Account,
    plan::{Plan, TENANTS},
    weather::Weather,
    world::{Process, World},
};
use crate::{
    account::{self, CONTEXT, Command},
    bytes,
    projections::Keeping,
    request, sealing_key,
};
use headwater_dynamodb::{
    Databases,
    simulated::{SimulatedEngine, databases},
};
use headwater_event_log::{AggregateStore, EventLog, Executed, FeedCursor, Options, Refusal};
use headwater_kernel::{Id, Rejection};
use headwater_projectors::{ApplyError, Keeper, Parking, Retried};
use headwater_runtime::Runtime;
use headwater_tenancy::TenantScope;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What outlives the processes: what the world has seen of them. Clones are the same.
#[derive(Clone)]
pub struct Stage {
    /// Time and chance.
    pub world: World,
    /// What the seed stands for.
    pub plan: Plan,
    /// The stores.
    pub engine: SimulatedEngine,
    /// The network, and the ledger behind it.
    pub weather: Weather,
    /// The tenants' scopes.
    pub scopes: Arc<Vec<TenantScope>>,
    memory: Arc<Mutex<Memory>>,
}

/// What actors have told the world.
#[derive(Debug, Default)]
pub struct Memory {
    /// Writers stop when it is set.
    pub enough: bool,
    /// The next command of each writer.
    commands: BTreeMap<usize, u64>,
    /// Acknowledged: account and command, and the version that it was told.
    pub acknowledged: BTreeMap<(Account, String), u64>,
    /// By subscriber: its cursor, and what it has seen.
    pub cursors: BTreeMap<usize, String>,
    /// By subscriber.
    pub seen: BTreeMap<usize, BTreeSet<(String, u64)>>,
    /// The bug is mended.
    pub mended: bool,
    /// What should not have happened.
    pub violations: Vec<String>,
}

impl Stage {
    /// With nobody on it.
    pub fn new(world: World, plan: Plan, engine: SimulatedEngine, scopes: Vec<TenantScope>) -> Self {
        Self {
            weather: Weather::new(&world, &plan, &engine),
            world,
            plan,
            engine,
            scopes: Arc::new(scopes),
            memory: Arc::default(),
        }
    }

    /// What actors have told.
    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something should not have happened.
    pub fn violation(&self, what: String) {
        self.memory().violations.push(what);
    }

    /// The stores as a process reaches them.
    pub fn databases(&self, client: &str, runtime: &Runtime) -> Databases {
        databases(&self.engine, client, self.plan.place, runtime, &self.weather.network())
    }

    /// What a process keeps projections with.
    pub fn keeping(&self, client: &str, process: Process) -> Keeping {
        let runtime = self.world.runtime(process);
        let databases = self.databases(client, &runtime);
        let options = Options {
            snapshot_every: 7,
            ..Options::default()
        };
        let log = EventLog::new(databases.durable, sealing_key(), options, runtime.clone());
        Keeping::over(log, databases.rebuildable, runtime)
    }

    /// Starts a worker in a process.
    pub fn worker(&self, client: &str, process: Process) -> Keeper {
        let keeping = self.keeping(client, process);
        let replays = keeping.replays(self.plan.replays.clone());
        Keeper::start(&replays, self.plan.runner.clone(), &keeping.runtime)
    }

    /// Starts a writer in a process. It goes on with the command at which the one before it stopped.
    pub fn writer(&self, n: usize, client: &str, process: Process) {
        let (stage, keeping) = (self.clone(), self.keeping(client, process));
        let runtime = keeping.runtime.clone();
        drop(runtime.spawn(async move { stage.write(n, &keeping).await }));
    }

    async fn write(&self, writer: usize, keeping: &Keeping) {
        let accounts = AggregateStore::<account::Account>::new(keeping.log.clone());
        loop {
            let pause = self.world.between(Duration::from_millis(5), self.plan.command_every);
            keeping.runtime.sleep(pause).await;
            if self.memory().enough {
                return;
            }
            let n = *self.memory().commands.entry(writer).or_insert(1);
            // The same command when the process before it did not come to its end.
            let (scope, id, command) = self.command(writer, n);
            let key = format!("w{writer}-{n}");
            let account = (scope.tenant().to_string(), id.to_string());
            let payload = bytes(&serde_json::to_value(&command).expect("a payload"));
            for attempt in 1..=6_u32 {
                let decide = || Ok::<_, Rejection>(command.clone());
                let done = accounts
                    .execute(scope, &id, request(&key, "command", &payload), decide)
                    .await;
                match done {
                    Ok(Executed::Committed(commit) | Executed::Replayed { commit, .. }) => {
                        let told = self
                            .memory()
                            .acknowledged
                            .insert((account.clone(), key.clone()), commit.version());
                        if told.is_some_and(|told| told != commit.version()) {
                            self.violation(format!("{key} was told {told:?}, then {}", commit.version()));
                        }
                        break;
                    }
                    Err(Refusal::Log(error)) if error.is_retryable() => {
                        keeping.runtime.sleep(Duration::from_millis(100) * attempt).await;
                    }
                    Err(Refusal::Log(error)) => self.violation(format!("{key}: {error:?}")),
                    Err(Refusal::CommandIdReused) => self.violation(format!("{key} is said to be used")),
                    _ => break,
                }
            }
            self.memory().commands.insert(writer, n + 1);
        }
    }

    /// A writer's nth command. It hangs on the two alone, not on when it is asked for.
    fn command(&self, writer: usize, n: u64) -> (&TenantScope, Id, Command) {
        let dice = World::new(self.plan.seed ^ (writer as u64) << 32 ^ n << 8);
        // One tenant floods.
        let tenant = if dice.chance(60) {
            0
        } else {
            dice.below(TENANTS.len() as u64)
        };
        let account = dice.below(self.plan.accounts);
        let id = Id::new(format!("A{account}")).expect("an id");
        let cents = i64::try_from(dice.below(90)).unwrap_or(0) + 1;
        let command = match dice.below(100) {
            0..=54 => Command::Deposit { cents },
            55..=66 => Command::DepositTimes {
                cents,
                times: usize::try_from(cents % 4 + 1).unwrap_or(1),
            },
            67..=79 => Command::Withdraw { cents },
            80..=81 => Command::Deposit {
                cents: self.plan.poison,
            },
            82..=85 => Command::Withdraw {
                cents: self.plan.poison,
            },
            _ => {
                let most = dice.below(4);
                let numbers: BTreeSet<String> = (0..most).map(|_| format!("n{}", dice.below(9))).collect();
                Command::Number {
                    numbers: numbers.into_iter().collect(),
                }
            }
        };
        (&self.scopes[usize::try_from(tenant).unwrap_or(0)], id, command)
    }

    /// Starts a subscriber to a tenant's feed, at the cursor of the one before it.
    pub fn subscriber(&self, n: usize, client: &str, process: Process) {
        let (stage, keeping) = (self.clone(), self.keeping(client, process));
        let runtime = keeping.runtime.clone();
        drop(runtime.spawn(async move { stage.subscribe(n, &keeping).await }));
    }

    async fn subscribe(&self, n: usize, keeping: &Keeping) {
        let scope = &self.scopes[n % TENANTS.len()];
        let kept = self.memory().cursors.get(&n).cloned();
        let opened = kept.map(|text| keeping.log.open_feed_cursor(scope, &text));
        let Ok(cursor) = opened.transpose() else {
            return self.violation(format!("subscriber {n} cannot open its own cursor"));
        };
        let mut cursor = cursor.unwrap_or_else(FeedCursor::new);
        loop {
            let limit = usize::try_from(self.world.below(12)).unwrap_or(0) + 1;
            match keeping
                .log
                .feed_page(scope, CONTEXT, cursor.place(CONTEXT), limit)
                .await
            {
                Ok(page) => {
                    cursor.set(CONTEXT, page.next);
                    let text = keeping.log.seal_feed_cursor(scope, &cursor);
                    // What it has seen and its cursor are kept together.
                    let mut memory = self.memory();
                    memory.cursors.insert(n, text);
                    for (_, commit) in page.commits {
                        let one = (commit.id.to_string(), commit.first_sequence);
                        if !memory.seen.entry(n).or_default().insert(one.clone()) {
                            memory.violations.push(format!("subscriber {n} sees {one:?} twice"));
                        }
                    }
                }
                Err(error) if error.is_retryable() => {}
                Err(error) => return self.violation(format!("subscriber {n}: {error:?}")),
            }
            let pause = self
                .world
                .between(Duration::from_millis(200), Duration::from_millis(2_000));
            keeping.runtime.sleep(pause).await;
        }
    }

    /// Starts the operator.
    pub fn operator(&self, client: &str, process: Process) {
        let (stage, keeping) = (self.clone(), self.keeping(client, process));
        let runtime = keeping.runtime.clone();
        drop(runtime.spawn(async move {
            loop {
                let pause = stage.world.between(Duration::from_secs(1), Duration::from_secs(6));
                keeping.runtime.sleep(pause).await;
                stage.see_to_parked(&keeping, false).await;
                stage.see_to_generations(&keeping).await;
            }
        }));
    }

    /// Retries or discards what is parked; only retries when it is the last time.
    pub async fn see_to_parked(&self, keeping: &Keeping, last: bool) {
        let parking = Parking::new(keeping.views.clone());
        let kept = self.weather.ledger().generations();
        let consumers = kept.into_iter().flat_map(|number| keeping.consumers_of(number));
        for consumer in consumers {
            let Ok(parked) = parking.list(&consumer.name(), None).await else {
                continue;
            };
            for one in parked {
                let tenant = one.source.tenant.clone();
                let Some(scope) = self.scopes.iter().find(|scope| *scope.tenant() == tenant) else {
                    continue;
                };
                let discard = !last && self.world.chance(30);
                if discard {
                    let account = (tenant.to_string(), one.source.id.to_string());
                    let mut ledger = self.weather.ledger();
                    // What stops it may be another commit by then.
                    let firsts: Vec<u64> = ledger.histories.get(&account).into_iter().flatten()
                        .filter(|commit| commit.events.iter().any(|event| matches!(event, account::Event::Withdrawn { cents } if *cents == self.plan.poison)))
                        .map(|commit| commit.first).chain([one.first_sequence]).collect();
                    ledger.discards.entry(account).or_default().extend(firsts);
                }
                let retried = parking.retry(&consumer, scope, CONTEXT, &one.source, discard).await;
                match retried {
                    Ok(Retried::Applied | Retried::NotParked) | Err(ApplyError::Retry(_)) => {}
                    Ok(Retried::StillParked(still)) if last => {
                        self.violation(format!("{still:?} although the bug is mended"))
                    }
                    Ok(Retried::StillParked(_)) => {}
                    Err(error) => self.violation(format!("retrying {one:?}: {error:?}")),
                }
            }
        }
    }
}
