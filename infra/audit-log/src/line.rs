//! One line: one event, as it was committed.

use crate::ledger::Take;
use headwater_analytics::refusal::{Addressed, Refusals};
use headwater_event_log::Reference;
use headwater_kernel::{Aggregate, Commit, RecordedEvent, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One event. Personal data is as the log has it: what is encrypted there is encrypted here, so forgetting a subject reaches it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    /// When it was committed.
    pub time: Timestamp,
    /// Whose it is.
    pub tenant: String,
    /// The bounded context.
    pub context: String,
    /// The plural name of the aggregate.
    pub aggregate: String,
    /// The aggregate's id.
    pub id: String,
    /// Its place in the aggregate's history.
    pub sequence: u64,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The schema version of `data`.
    pub schema_version: u32,
    /// The event's id, unique everywhere.
    pub event_id: String,
    /// Who asked for it.
    pub actor: String,
    /// `done`; `refused` for what a caller asked for and did not get; `gone` for a commit that the log did not have any more, which then has no
    /// `data`.
    pub outcome: String,
    /// The command that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_id: Option<String>,
    /// What ties together what one request set in motion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The command or event that caused the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// The address that the command came from: an envelope of personal data of the actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Box<RawValue>>,
    /// Of what was refused: method and path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Of what was refused: the command's name, if it was one and could be read. Its context, aggregate and id are then those of the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Of what was refused: the status by HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Of what was refused: the problem's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Of what was refused: by which the caller and the process's log name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The event as it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<RawValue>>,
}

impl Line {
    /// What every line has.
    fn of(time: Timestamp, tenant: &TenantId, outcome: &str) -> Self {
        Self {
            time,
            tenant: tenant.as_str().to_owned(),
            context: String::new(),
            aggregate: String::new(),
            id: String::new(),
            sequence: 0,
            event_type: String::new(),
            schema_version: 0,
            event_id: String::new(),
            actor: String::new(),
            outcome: outcome.to_owned(),
            command_id: None,
            correlation_id: None,
            causation_id: None,
            client: None,
            route: None,
            command: None,
            status: None,
            code: None,
            trace_id: None,
            data: None,
        }
    }

    /// The same for an event.
    fn of_event(commit: &Commit, recorded: &RecordedEvent<'_>, outcome: &str) -> Self {
        Self {
            event_type: recorded.event.event_type.clone(),
            schema_version: recorded.event.schema_version,
            event_id: recorded.id.to_string(),
            data: Some(recorded.event.data.clone()),
            ..Self::of(recorded.time, &commit.tenant, outcome)
        }
    }
}

/// The lines of a commit.
pub(crate) fn of_commit(commit: &Commit) -> impl Iterator<Item = Line> + '_ {
    let tells_refusals = (commit.context.as_str(), commit.aggregate.as_str()) == (Refusals::CONTEXT, Refusals::NAME);
    commit.recorded().map(move |recorded| {
        if tells_refusals {
            return refused(commit, &recorded);
        }
        Line {
            context: commit.context.clone(),
            aggregate: commit.aggregate.clone(),
            id: commit.id.as_str().to_owned(),
            sequence: recorded.sequence,
            actor: commit.actor.as_str().to_owned(),
            command_id: Some(commit.command_id.clone()),
            correlation_id: commit.correlation_id.clone(),
            causation_id: commit.causation_id.clone(),
            client: commit.client.clone(),
            ..Line::of_event(commit, &recorded, "done")
        }
    })
}

/// A refused request as it is stored, with the address as it is there.
#[derive(Deserialize)]
struct Refused {
    time: Timestamp,
    actor: String,
    client: Option<Box<RawValue>>,
    route: String,
    status: u16,
    code: String,
    trace_id: Option<String>,
    correlation_id: Option<String>,
    command: Option<Addressed>,
}

/// The line of something that was refused: who asked, when and for what is in the event. Of what was left out it has the numbers.
fn refused(commit: &Commit, recorded: &RecordedEvent<'_>) -> Line {
    let line = Line::of_event(commit, recorded, "refused");
    let Ok(refused) = serde_json::from_str::<Refused>(recorded.event.data.get()) else {
        return line;
    };
    let line = Line {
        time: refused.time,
        actor: refused.actor,
        correlation_id: refused.correlation_id,
        client: refused.client,
        route: Some(refused.route),
        status: Some(refused.status),
        code: Some(refused.code),
        trace_id: refused.trace_id,
        data: None,
        ..line
    };
    match refused.command {
        Some(command) => Line {
            context: command.context,
            aggregate: command.aggregate,
            id: command.id,
            command: Some(command.name),
            ..line
        },
        None => line,
    }
}

/// What is left of a commit that the log does not have any more.
pub(crate) fn gone(take: &Take, reference: &Reference) -> Line {
    Line {
        context: take.context.clone(),
        aggregate: reference.aggregate.clone(),
        id: reference.id.as_str().to_owned(),
        sequence: reference.first_sequence,
        ..Line::of(reference.time, &take.tenant, "gone")
    }
}
