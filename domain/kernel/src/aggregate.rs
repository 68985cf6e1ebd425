//! What a consistency boundary must provide. Where it is stored and how it is reached is not its business.

use crate::{Claim, Facts, Rejection};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::fmt::Debug;

/// A consistency boundary: decides commands into events and folds events into state, purely and synchronously.
///
/// `Default` is the state before the first event. `Serialize` is what a snapshot holds.
pub trait Aggregate: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The bounded context, as in the route and in the table names: `catalog`.
    const CONTEXT: &'static str;
    /// The plural name, as in the route and in the keys: `products`.
    const NAME: &'static str;
    /// Raised whenever the serialised form of the state changes, so that older snapshots are ignored.
    const STATE_VERSION: u32 = 1;

    /// An externally tagged enum with struct variants in kebab case: one variant is one command.
    type Command: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static;
    /// An enum tagged `type`/`data` with struct variants in the past tense.
    type Event: Serialize + DeserializeOwned + JsonSchema + Clone + Debug + Send + Sync + 'static;

    /// Decides a command against the current state. No event means that nothing had to change.
    ///
    /// # Errors
    /// A [`Rejection`] when a rule of the domain forbids the command.
    fn decide(&self, command: Self::Command, facts: &Facts) -> Result<Vec<Self::Event>, Rejection>;

    /// Folds one event into the state. It never fails: what was recorded has happened.
    fn apply(&mut self, event: &Self::Event);

    /// The values that this state holds alone within its tenant. The log releases what a commit drops and takes what it adds.
    fn claims(&self) -> Vec<Claim> {
        Vec::new()
    }

    /// The schema version that this build writes for an event type.
    fn schema_version(_event_type: &str) -> u32 {
        1
    }

    /// Brings a stored event of an older version one step forward. The default refuses, because an aggregate whose versions are
    /// all 1 has nothing to upcast.
    fn upcast(_event_type: &str, _version: u32, _data: Value) -> Option<Upcast> {
        None
    }
}

/// A stored event brought one schema version forward.
#[derive(Debug, Clone, PartialEq)]
pub struct Upcast {
    /// The type it has now; a rename changes it.
    pub event_type: String,
    /// The version it has now; greater than before.
    pub version: u32,
    /// The data in the shape of that version.
    pub data: Value,
}
