//! The course of one seed: for a while things go wrong, then no more; in the end everything is as the log says.

use super::{
    actors::Stage,
    plan::{Plan, TENANTS},
    troubles::Company,
    world::{OUTSIDE, World},
};
use crate::{account::CONTEXT, projections};
use headwater_dynamodb::{
    simulated::{Place, SimulatedEngine},
    tables,
};
use headwater_event_log::EventLog;
use headwater_tenancy::TenantScope;
use std::time::Duration;

/// The event table.
pub(super) const EVENTS: &str = "bank-events";

/// How long it may take until everything is as the log says, once nothing goes wrong any more; beside the time that reading a shard with
/// all of the log takes at the plan's pace.
const SETTLES_WITHIN: Duration = Duration::from_secs(180);

/// How one seed went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// The seed.
    pub seed: u64,
    /// What did not hold; empty when all is well.
    pub violations: Vec<String>,
    /// A hash of everything that happened, and in how many steps.
    pub trace: (u64, u64),
    /// Requests, and how many of them met a fault.
    pub calls: (u64, u64),
    /// Commits of the log.
    pub commits: usize,
    /// Rebuilt generations that took over, and switches that the operator asked for.
    pub switches: (u64, u64),
    /// How much time went by.
    pub elapsed: Duration,
}

/// Plays a seed. `scopes` are those of [`TENANTS`].
pub fn simulate(seed: u64, scopes: Vec<TenantScope>) -> Course {
    // The SDK draws from here for its back-off and its tokens.
    fastrand::seed(seed);
    let world = World::new(seed);
    let plan = Plan::of(seed, &world);
    if super::is_verbose() {
        super::say(&format!("{plan:#?}"));
    }
    let poison = plan.poison;
    projections::poison(poison, true);
    let engine = SimulatedEngine::new(plan.stream.clone());
    let now = world.runtime(OUTSIDE).now();
    for table in EventLog::tables(CONTEXT) {
        engine.create_table(&table, now);
    }
    for table in [tables::views_table(CONTEXT), tables::checkpoints_table()] {
        engine.create_table(&table, now);
    }
    let stage = Stage::new(world.clone(), plan, engine, scopes);
    let mut violations = match world.run(course(stage.clone())) {
        Ok(violations) => violations,
        Err(stuck) => vec![stuck],
    };
    projections::poison(poison, false);
    violations.extend(world.panics().iter().map(|panic| format!("a task panicked: {panic}")));
    violations.append(&mut stage.weather.ledger().violations);
    violations.append(&mut stage.memory().violations);
    let commits = stage.weather.ledger().commits().len();
    let switches = stage.weather.ledger().switches;
    Course {
        switches,
        seed,
        violations,
        trace: world.trace(),
        calls: stage.weather.counts(),
        commits,
        elapsed: world.elapsed(),
    }
}

async fn course(stage: Stage) -> Vec<String> {
    let world = stage.world.clone();
    let outside = world.runtime(OUTSIDE);
    let mut company = Company::begin(&stage);
    if stage.plan.place == Place::Embedded {
        stage.engine.sync_rebuildable();
        let stage = stage.clone();
        drop(outside.spawn(async move {
            loop {
                stage.world.runtime(OUTSIDE).sleep(Duration::from_secs(1)).await;
                stage.engine.sync_rebuildable();
                stage.weather.ledger().sync();
            }
        }));
    }
    let mut until = world.elapsed() + stage.plan.trouble;
    let mut most = 40;
    while world.elapsed() < until && most > 0 {
        most -= 1;
        outside
            .sleep(world.between(Duration::from_millis(200), stage.plan.event_every))
            .await;
        let before = world.elapsed();
        company.happen().await;
        // A night does not count.
        until += world
            .elapsed()
            .saturating_sub(before)
            .saturating_sub(Duration::from_secs(60));
        let wrong = !stage.weather.ledger().violations.is_empty() || !stage.memory().violations.is_empty();
        if wrong {
            return Vec::new();
        }
    }
    company.calm_down();
    stage.memory().enough = true;
    projections::poison(stage.plan.poison, false);
    let violations = settle(&stage).await;
    if violations.is_empty() {
        let took = company.end().await;
        if took > Duration::from_secs(2) {
            return vec![format!("shutting down took {took:?}")];
        }
    }
    violations
}

/// Waits until everything is as the log says; tells what is not.
async fn settle(stage: &Stage) -> Vec<String> {
    let (world, outside) = (&stage.world, stage.world.runtime(OUTSIDE));
    let keeping = stage.keeping("watcher", OUTSIDE);
    let commits = u32::try_from(stage.weather.ledger().commits().len()).unwrap_or(u32::MAX);
    let reads = commits / u32::try_from(stage.plan.runner.records).unwrap_or(1).max(1);
    let until = world.elapsed() + SETTLES_WITHIN + stage.plan.runner.pace * reads;
    // Requests that are late may still come.
    outside.sleep(Duration::from_secs(13)).await;
    loop {
        let differences = differences(stage);
        if differences.is_empty() || world.elapsed() > until || !stage.weather.ledger().violations.is_empty() {
            return differences;
        }
        stage.see_to_parked(&keeping, true).await;
        stage.end_replays(&keeping).await;
        outside.sleep(Duration::from_millis(500)).await;
    }
}

fn differences(stage: &Stage) -> Vec<String> {
    let ledger = stage.weather.ledger();
    let mut differences = ledger.differences(&stage.engine);
    let memory = stage.memory();
    for ((account, command), version) in &memory.acknowledged {
        let known = ledger.histories.get(account);
        if !known.is_some_and(|history| history.iter().any(|commit| commit.version() == *version)) {
            differences.push(format!(
                "{command} was acknowledged at {version} of {account:?}, and is not in the log"
            ));
        }
    }
    for (n, name) in TENANTS.iter().enumerate() {
        let seen = memory.seen.get(&n);
        let of = |(tenant, _, _): &(String, String, u64)| tenant == name;
        for (_, id, first) in ledger.commits().into_iter().filter(of) {
            if !seen.is_some_and(|seen| seen.contains(&(id.clone(), first))) {
                differences.push(format!("subscriber {n} has not seen {id}/{first}"));
            }
        }
    }
    differences
}
