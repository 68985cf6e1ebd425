//! Refusals: what a tenant's callers asked for and did not get, for the tenant's audit log.
//!
//! It is internal, which the `~` of its name says: no service registers it, so no route, list, history, subscription or export has it. The processes
//! that refuse write it, some lines at a time.

use headwater_kernel::{Aggregate, Facts, Personal, Rejection, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::IpAddr};

/// What one process refused on one day. It remembers nothing: it is only ever added to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusals {}

/// What can be asked of it, within a process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Notes what was refused.
    Note {
        /// The requests.
        requests: Vec<Request>,
        /// Of more of them only how many there were.
        left_out: Option<LeftOut>,
    },
}

/// What can happen to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// A request was refused.
    RequestRefused(Box<Request>),
    /// More requests were refused than are noted one by one.
    RequestsLeftOut(LeftOut),
}

/// A request that was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Request {
    /// When.
    pub time: Timestamp,
    /// Who asked.
    pub actor: String,
    /// The address that it came from: personal data of the actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Personal<IpAddr>>,
    /// Method and path by HTTP, the method's path by gRPC; without parameters.
    pub route: String,
    /// The status by HTTP, or what it would be there.
    pub status: u16,
    /// The problem's code: `forbidden`.
    pub code: String,
    /// By which the caller and the process's log name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// What the caller ties its requests together with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The command, if it was one and could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Addressed>,
}

/// A command, as it was addressed: nothing of it need exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Addressed {
    /// The bounded context.
    pub context: String,
    /// The plural name of the aggregate.
    pub aggregate: String,
    /// The aggregate's id.
    pub id: String,
    /// The command's name.
    pub name: String,
}

/// Requests of which only the number is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct LeftOut {
    /// The first of them was refused then.
    pub since: Timestamp,
    /// How many by the problem's code.
    pub counts: BTreeMap<String, u64>,
}

impl Aggregate for Refusals {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "~refusals";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, _: &Facts) -> Result<Vec<Event>, Rejection> {
        let Command::Note { requests, left_out } = command;
        let requests = requests
            .into_iter()
            .map(|request| Event::RequestRefused(Box::new(request)));
        Ok(requests.chain(left_out.map(Event::RequestsLeftOut)).collect())
    }

    fn apply(&mut self, _: &Event) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What was stored stays readable: a change of these types adds a case, and changes none.
    #[test]
    fn events_are_read_and_written_as_ever() {
        let client = json!({ "$pd": { "v": 0, "subject": "user:ada", "value": "203.0.113.7" } });
        let command = json!({ "context": "catalog", "aggregate": "products", "id": "P1", "name": "create" });
        for stored in [
            json!({ "type": "RequestRefused", "data": {
                "time": "2026-11-24T01:10:00.000000007Z", "actor": "user:ada", "client": client,
                "route": "POST /v1/catalog/products/P1/create", "status": 422, "code": "already-exists",
                "trace_id": "t", "correlation_id": "c", "command": command
            } }),
            json!({ "type": "RequestRefused", "data": {
                "time": "2026-11-24T01:10:00Z", "actor": "user:ada", "route": "GET /v1/x", "status": 404, "code": "not-found"
            } }),
            json!({ "type": "RequestsLeftOut", "data": {
                "since": "2026-11-24T01:10:00Z", "counts": { "forbidden": 7 }
            } }),
        ] {
            let event: Event = serde_json::from_value(stored.clone()).unwrap();
            assert_eq!(serde_json::to_value(event).unwrap(), stored);
        }
    }
}
