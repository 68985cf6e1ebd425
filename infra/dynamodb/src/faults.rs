//! Failures on demand: a connector that tests put between the SDK and the engine, or between the SDK and AWS.
//!
//! ```
//! use headwater_dynamodb::faults::{Fault, Faults, Rule};
//! let faults = Faults::seeded(7);
//! faults.add(Rule::new(Fault::TimeoutAfter).operation("PutItem").nth(3));
//! faults.add(Rule::new(Fault::Throttle).probability(0.05));
//! faults.add(Rule::new(Fault::ReorderRecords));
//! ```
//!
//! The SDK's own retries stand above it, as they do on AWS: one lost answer to a conditional put comes back as a failed condition.

mod connector;
mod records;

use aws_sdk_dynamodb::config::SharedHttpClient;
use connector::FaultyClient;
use headwater_runtime::Runtime;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call is refused with `ProvisionedThroughputExceededException`; nothing happens.
    Throttle,
    /// The call never arrives: a timeout, and nothing happens.
    TimeoutBefore,
    /// The call has its effect and the answer is lost: a timeout.
    TimeoutAfter,
    /// The call is answered with status 500; nothing happens.
    InternalError,
    /// The call has its effect and is answered with status 500.
    InternalErrorAfter,
    /// The call is sent later.
    Delay(Duration),
    /// The records of a `GetRecords` answer come in another order, each item's own in theirs: all that DynamoDB promises.
    ReorderRecords,
    /// Some records of a `GetRecords` answer come twice.
    DuplicateRecords,
}

/// When a fault happens: at all calls, unless narrowed.
#[derive(Debug, Clone)]
pub struct Rule {
    fault: Fault,
    operation: Option<String>,
    table: Option<String>,
    nth: Option<u64>,
    times: Option<u64>,
    probability: Option<f64>,
}

impl Rule {
    /// A fault at every call.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            operation: None,
            table: None,
            nth: None,
            times: None,
            probability: None,
        }
    }

    /// Only at calls of one operation, such as `PutItem`.
    pub fn operation(self, operation: &str) -> Self {
        Self {
            operation: Some(operation.to_owned()),
            ..self
        }
    }

    /// Only at calls that name this table, prefix included. `GetRecords` names none.
    pub fn table(self, table: &str) -> Self {
        Self {
            table: Some(table.to_owned()),
            ..self
        }
    }

    /// Only at the nth call, from 1, of those that match operation and table.
    pub fn nth(self, nth: u64) -> Self {
        Self { nth: Some(nth), ..self }
    }

    /// At most so many times.
    pub fn times(self, times: u64) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    /// Only with this probability, from the seed.
    pub fn probability(self, probability: f64) -> Self {
        Self {
            probability: Some(probability),
            ..self
        }
    }
}

/// A set of rules, shared by its clones: rules may be added and cleared while calls are made.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    rules: Vec<Armed>,
    random: Random,
    injected: u64,
}

#[derive(Debug)]
struct Armed {
    rule: Rule,
    seen: u64,
    fired: u64,
}

impl Faults {
    /// No rules yet. The same seed and the same calls give the same faults.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            rules: Vec::new(),
            random: Random(seed),
            injected: 0,
        })))
    }

    /// Adds a rule. The first rule that matches a call decides.
    pub fn add(&self, rule: Rule) {
        self.lock().rules.push(Armed {
            rule,
            seen: 0,
            fired: 0,
        });
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.lock().rules.clear();
    }

    /// How many faults have happened.
    pub fn injected(&self) -> u64 {
        self.lock().injected
    }

    /// Puts the faults in front of a client.
    pub fn around(
        &self,
        inner: SharedHttpClient,
        runtime: Runtime,
    ) -> impl aws_sdk_dynamodb::config::HttpClient + use<> {
        FaultyClient::new(inner, self.clone(), runtime)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which fault a call meets.
    fn decide(&self, operation: &str, body: &[u8]) -> Option<Fault> {
        let state = &mut *self.lock();
        for armed in &mut state.rules {
            let rule = &armed.rule;
            let records_only = matches!(rule.fault, Fault::ReorderRecords | Fault::DuplicateRecords);
            let matches = rule.operation.as_deref().is_none_or(|wanted| wanted == operation)
                && (!records_only || operation == "GetRecords")
                && rule.table.as_deref().is_none_or(|table| names_table(body, table));
            if !matches {
                continue;
            }
            armed.seen += 1;
            let due = rule.nth.is_none_or(|nth| nth == armed.seen)
                && rule.times.is_none_or(|times| armed.fired < times)
                && rule
                    .probability
                    .is_none_or(|probability| state.random.unit() < probability);
            if due {
                armed.fired += 1;
                state.injected += 1;
                return Some(rule.fault);
            }
        }
        None
    }

    /// A seed for shuffling one answer.
    fn draw(&self) -> Random {
        Random(self.lock().random.next())
    }
}

fn names_table(body: &[u8], table: &str) -> bool {
    fn within(value: &serde_json::Value, table: &str) -> bool {
        match value {
            serde_json::Value::Object(fields) => fields.iter().any(|(name, value)| match name.as_str() {
                "TableName" => value == table,
                // BatchGetItem and BatchWriteItem name their tables as keys.
                "RequestItems" => value.get(table).is_some(),
                _ => within(value, table),
            }),
            serde_json::Value::Array(values) => values.iter().any(|value| within(value, table)),
            _ => false,
        }
    }
    serde_json::from_slice(body).is_ok_and(|body| within(&body, table))
}

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or(0)
    }
}
