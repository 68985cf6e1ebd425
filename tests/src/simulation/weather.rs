//! What becomes of each request: the network's and the stores' moods, and the ledger that sees what they take.

use super::{
    ledger::Ledger,
    plan::Plan,
    world::{OUTSIDE, World},
};
use headwater_dynamodb::{
    Store,
    simulated::{Call, Effect, Fate, Network, Outcome, Place, SimulatedEngine},
};
use headwater_runtime::Runtime;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How late a write of a rebuild may come after its sender has given it up.
pub(super) const LATE_BULK: Duration = Duration::from_secs(6);

/// See the module. Clones are the same.
#[derive(Clone)]
pub struct Weather(Arc<Inner>);

struct Inner {
    world: World,
    plan: Plan,
    engine: SimulatedEngine,
    ledger: Mutex<Ledger>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calm: bool,
    /// Until when a store does not work.
    outages: BTreeMap<u8, Duration>,
    /// Until when a process cannot reach anything.
    cut_off: BTreeMap<String, Duration>,
    calls: u64,
    faults: u64,
}

fn number(store: Store) -> u8 {
    match store {
        Store::Durable => 0,
        Store::Rebuildable => 1,
    }
}

impl Weather {
    /// Over an engine.
    pub fn new(world: &World, plan: &Plan, engine: &SimulatedEngine) -> Self {
        Self(Arc::new(Inner {
            world: world.clone(),
            plan: plan.clone(),
            engine: engine.clone(),
            ledger: Mutex::new(Ledger::new(plan.stream.keeps_partitions)),
            state: Mutex::default(),
        }))
    }

    /// What the stores have taken.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As the SDK's clients want it.
    pub fn network(&self) -> Arc<dyn Network> {
        Arc::new(self.clone())
    }

    /// From now on nothing goes wrong.
    pub fn calm_down(&self) {
        self.state().calm = true;
    }

    /// A store does not work for some time.
    pub fn outage(&self, store: Store, longest: Duration) {
        let until = self.0.world.elapsed() + longest;
        self.state().outages.insert(number(store), until);
    }

    /// A process reaches nothing for some time.
    pub fn cut_off(&self, client: &str, longest: Duration) {
        let until = self.0.world.elapsed() + longest;
        self.state().cut_off.insert(client.to_owned(), until);
    }

    /// Requests so far, and how many met a fault.
    pub fn counts(&self) -> (u64, u64) {
        let state = self.state();
        (state.calls, state.faults)
    }

    fn fault(&self, call: Call<'_>) -> Option<Outcome> {
        let Inner { world, plan, .. } = &*self.0;
        let now = world.elapsed();
        let state = self.state();
        if state.calm {
            return None;
        }
        let out = state.outages.get(&number(call.store)).is_some_and(|until| now < *until);
        let cut_off = state.cut_off.get(call.client).is_some_and(|until| now < *until);
        drop(state);
        let embedded = plan.place == Place::Embedded;
        let pick = |of: &[Outcome]| of[usize::try_from(world.below(of.len() as u64)).unwrap_or(0)];
        if cut_off {
            return Some(pick(&[Outcome::Lost, Outcome::Broken]));
        }
        if out {
            return Some(pick(&[
                Outcome::Failed,
                Outcome::Failed,
                Outcome::Throttled,
                Outcome::Broken,
            ]));
        }
        if !world.chance(plan.faults) {
            return None;
        }
        if embedded {
            return Some(Outcome::Failed);
        }
        let longest = match call.operation {
            // As far as a rebuild waits for them.
            "BatchWriteItem" => LATE_BULK,
            _ => Duration::from_secs(12),
        };
        let later = world.between(Duration::from_millis(1), longest);
        Some(pick(&[
            Outcome::Throttled,
            Outcome::Failed,
            Outcome::FailedAfter,
            Outcome::FailedAfter,
            Outcome::Lost,
            Outcome::AnswerLost,
            Outcome::AnswerLost,
            Outcome::Late(later),
            Outcome::Late(later),
            Outcome::Broken,
            if matches!(call.operation, "TransactWriteItems" | "PutItem" | "UpdateItem") {
                Outcome::Contended
            } else {
                Outcome::Failed
            },
        ]))
    }
}

impl Network for Weather {
    fn fate(&self, call: Call<'_>) -> Fate {
        let Inner { world, plan, .. } = &*self.0;
        // Every answer within the same bounds, but for a few that take much longer.
        let way = || {
            let slow = plan.place == Place::Remote && world.chance(plan.faults.min(3)) && !self.state().calm;
            let longest = if slow { plan.latency * 40 } else { plan.latency };
            world.between(Duration::from_micros(50), longest)
        };
        let fault = self.fault(call);
        {
            let mut state = self.state();
            state.calls += 1;
            state.faults += u64::from(fault.is_some());
        }
        let outcome = fault.unwrap_or(Outcome::Answered);
        let fate = Fate {
            there: way(),
            outcome,
            back: way(),
        };
        if outcome != Outcome::Answered || super::is_verbose() {
            world.note(&format!("{} {} {:?}", call.client, call.operation, fate.outcome));
        }
        fate
    }

    fn ran(&self, effect: &Effect<'_>) {
        self.0.world.note(&format!(
            "{} {} {}",
            effect.call.client, effect.call.operation, effect.status
        ));
        if super::is_verbose()
            && !matches!(
                effect.call.operation,
                "Query" | "GetItem" | "DescribeStream" | "DescribeTable" | "Scan"
            )
        {
            let answer = String::from_utf8_lossy(effect.answer).into_owned();
            super::say(&format!(
                "    {} -> {}",
                effect.request,
                answer.chars().take(300).collect::<String>()
            ));
        }
        self.ledger().ran(&self.0.engine, effect);
    }

    fn runtime(&self) -> Runtime {
        self.0.world.runtime(OUTSIDE)
    }
}
