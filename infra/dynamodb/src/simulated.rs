//! The stores of a simulation: the engine in memory, called inline, and a model of what a DynamoDB stream does that the engine does not
//! show. Everything happens on the thread that polls the SDK, and what becomes of each call is decided by whoever holds the seed.
//!
//! The SDK's HTTP client ends in [`connector`], as it does for the other two. A request travels on a task of the network: it arrives
//! although its sender is gone by then, as on a real one. [`engine`] runs it; [`streams`] answers the three reads of a stream from the
//! writes that the engine has taken.

mod connector;
mod engine;
mod streams;

pub use engine::SimulatedEngine;
pub use streams::{StreamRecord, StreamRules};

use crate::{
    Accounting, Database, Databases, Store, aws,
    client::{Target, clients},
};
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_sdk_dynamodb::config::retry::RetryPartition;
use aws_smithy_types::timeout::TimeoutConfig;
use connector::SimulatedClient;
use headwater_runtime::Runtime;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// A request on its way.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Who sends it.
    pub client: &'a str,
    /// `PutItem`.
    pub operation: &'a str,
    /// The store that it goes to.
    pub store: Store,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// How long it is under way.
    pub there: Duration,
    /// What happens when it arrives.
    pub outcome: Outcome,
    /// How long the answer is under way.
    pub back: Duration,
}

/// What happens when a request arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It has its effect and is answered.
    Answered,
    /// It is refused with `ProvisionedThroughputExceededException`; nothing happens.
    Throttled,
    /// It is answered with status 500; nothing happens.
    Failed,
    /// It has its effect and is answered with status 500.
    FailedAfter,
    /// It never arrives, and nobody says so.
    Lost,
    /// It has its effect, and the answer never comes.
    AnswerLost,
    /// The connection breaks at once; the request has its effect all the same, so much later.
    Late(Duration),
    /// The connection breaks and nothing happens.
    Broken,
    /// A transaction is cancelled because of another one.
    Contended,
}

/// A request that has been run.
#[derive(Debug)]
pub struct Effect<'a> {
    /// Whose it was.
    pub call: Call<'a>,
    /// Its body.
    pub request: &'a Value,
    /// The status that answers it.
    pub status: u16,
    /// The body that answers it.
    pub answer: &'a [u8],
}

/// Decides about requests, and sees what they do.
pub trait Network: Send + Sync {
    /// What becomes of this one.
    fn fate(&self, call: Call<'_>) -> Fate;

    /// Called after each request that was run, whether it was refused or not.
    fn ran(&self, effect: &Effect<'_>);

    /// Carries requests. Its clock is the service's.
    fn runtime(&self) -> Runtime;
}

/// Whether requests can get lost on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// As on AWS: over a network, with its timeouts; a retried transaction is known by its token.
    Remote,
    /// In the process: no timeouts, and transactions have no tokens.
    Embedded,
}

/// Both stores of `engine` for one process: its clock and its name.
pub fn databases(
    engine: &SimulatedEngine,
    client: &str,
    place: Place,
    runtime: &Runtime,
    network: &Arc<dyn Network>,
) -> Databases {
    let accounting = Accounting::default();
    let database = |store: Store| {
        let http = SimulatedClient {
            engine: engine.clone(),
            client: client.into(),
            store,
            place,
            network: Arc::clone(network),
        };
        let target = Target {
            http: SharedHttpClient::new(http),
            region: "simulation".to_owned(),
            endpoint: Some("http://simulated.invalid".to_owned()),
            credentials: None,
            timeouts: match place {
                Place::Remote => aws::timeouts(),
                Place::Embedded => TimeoutConfig::disabled(),
            },
            // The SDK's own is shared by all clients of the process, so that one seed would hang on those before it.
            retries: Some(RetryPartition::custom(format!("{client} {store:?}")).build()),
        };
        let (dynamodb, streams) = clients(&target, runtime, &accounting);
        Database::new(
            dynamodb,
            streams,
            String::new(),
            accounting.clone(),
            None,
            runtime.clone(),
        )
    };
    Databases {
        durable: database(Store::Durable),
        rebuildable: database(Store::Rebuildable),
        engines: Vec::new(),
    }
}
