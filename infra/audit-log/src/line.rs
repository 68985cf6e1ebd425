//! One line: one event, as it was committed.

use crate::ledger::Take;
use headwater_event_log::Reference;
use headwater_kernel::{Commit, Timestamp};
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
    /// `committed`; `gone` for a commit that the log did not have any more, which then has no `data`.
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
    /// The event as it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<RawValue>>,
}

/// The lines of a commit.
pub(crate) fn of_commit(commit: &Commit) -> impl Iterator<Item = Line> + '_ {
    commit.recorded().map(|recorded| Line {
        time: recorded.time,
        tenant: commit.tenant.as_str().to_owned(),
        context: commit.context.clone(),
        aggregate: commit.aggregate.clone(),
        id: commit.id.as_str().to_owned(),
        sequence: recorded.sequence,
        event_type: recorded.event.event_type.clone(),
        schema_version: recorded.event.schema_version,
        event_id: recorded.id.to_string(),
        actor: commit.actor.as_str().to_owned(),
        outcome: "committed".to_owned(),
        command_id: Some(commit.command_id.clone()),
        correlation_id: commit.correlation_id.clone(),
        causation_id: commit.causation_id.clone(),
        client: commit.client.clone(),
        data: Some(recorded.event.data.clone()),
    })
}

/// What is left of a commit that the log does not have any more.
pub(crate) fn gone(take: &Take, reference: &Reference) -> Line {
    Line {
        time: reference.time,
        tenant: take.tenant.as_str().to_owned(),
        context: take.context.clone(),
        aggregate: reference.aggregate.clone(),
        id: reference.id.as_str().to_owned(),
        sequence: reference.first_sequence,
        event_type: String::new(),
        schema_version: 0,
        event_id: String::new(),
        actor: String::new(),
        outcome: "gone".to_owned(),
        command_id: None,
        correlation_id: None,
        causation_id: None,
        client: None,
        data: None,
    }
}
