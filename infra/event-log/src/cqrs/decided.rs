//! Committing what was decided elsewhere. cqrs-es decides between load and commit; the log decides inside its append. So what cqrs-es
//! decided becomes the command of an aggregate that decides exactly that, and there is no second append.

use headwater_kernel::{Aggregate, Claim, Facts, Rejection, Upcast};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `A` with its decisions made. States, snapshots, claims and events are those of `A`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub(crate) struct Decided<A: Aggregate>(pub(crate) A);

impl<A: Aggregate> Aggregate for Decided<A> {
    const CONTEXT: &'static str = A::CONTEXT;
    const NAME: &'static str = A::NAME;
    const STATE_VERSION: u32 = A::STATE_VERSION;
    type Command = Vec<A::Event>;
    type Event = A::Event;

    fn decide(&self, command: Vec<A::Event>, _: &Facts) -> Result<Vec<A::Event>, Rejection> {
        Ok(command)
    }

    fn apply(&mut self, event: &A::Event) {
        self.0.apply(event);
    }

    fn claims(&self) -> Vec<Claim> {
        self.0.claims()
    }

    fn schema_version(event_type: &str) -> u32 {
        A::schema_version(event_type)
    }

    fn upcast(event_type: &str, version: u32, data: Value) -> Option<Upcast> {
        A::upcast(event_type, version, data)
    }
}
