//! What travels in the metadata map of cqrs-es, by its keys. A commit holds no other.
//!
//! | key | given with a command | read with an event |
//! |---|---|---|
//! | [`COMMAND_ID`] | the same id is the same command; made up when absent | always |
//! | [`CORRELATION_ID`] | what ties together all that one request sets in motion | when given |
//! | [`CAUSATION_ID`] | the command or event that caused this one | when given |
//! | [`ACTOR`] | may be the scope's actor, never another | always |
//! | [`EVENT_ID`] | refused | always: the event's name everywhere |
//! | [`TIME`] | refused | always: RFC 3339 in UTC, to the nanosecond |
//! | [`REPLAYED`] | refused | `true` when a repeated command answers with events that were dispatched before, maybe |

use crate::execute::Request;
use headwater_kernel::{Commit, RecordedEvent, Rejection};
use headwater_tenancy::TenantScope;
use std::collections::HashMap;

/// The command's id: 1 to 255 bytes without spaces and control characters, as are the other ids.
pub const COMMAND_ID: &str = "command_id";
/// What ties together all that one request sets in motion.
pub const CORRELATION_ID: &str = "correlation_id";
/// The command or event that caused the command.
pub const CAUSATION_ID: &str = "causation_id";
/// Who asked for it.
pub const ACTOR: &str = "actor";
/// The event's name everywhere.
pub const EVENT_ID: &str = "event_id";
/// When the event was recorded.
pub const TIME: &str = "time";
/// That the event is the receipt of an earlier commit.
pub const REPLAYED: &str = "replayed";

/// Most bytes of an id, as at the edges.
const MAX_NAME: usize = 255;

/// What the caller said about a command.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) command_id: Option<String>,
    correlation_id: Option<String>,
    causation_id: Option<String>,
}

impl Given {
    /// Reads the map; refuses what a commit could not keep, so that nothing is lost silently.
    pub(crate) fn read(metadata: HashMap<String, String>, scope: &TenantScope) -> Result<Self, Rejection> {
        let mut given = Self::default();
        for (key, value) in metadata {
            let place = match key.as_str() {
                COMMAND_ID => &mut given.command_id,
                CORRELATION_ID => &mut given.correlation_id,
                CAUSATION_ID => &mut given.causation_id,
                ACTOR if value == scope.actor().as_str() => continue,
                ACTOR => {
                    let detail = "the actor is the scope's; leave it out of the metadata";
                    return Err(Rejection::rule("invalid-metadata", detail));
                }
                other => {
                    let detail = format!(
                        "a commit has no place for the metadata {other:?}; it keeps {COMMAND_ID}, {CORRELATION_ID} and {CAUSATION_ID}"
                    );
                    return Err(Rejection::rule("invalid-metadata", detail));
                }
            };
            if value.is_empty() || value.len() > MAX_NAME || value.chars().any(|c| c.is_control() || c.is_whitespace())
            {
                let detail = format!("{key} is 1 to {MAX_NAME} bytes without spaces and control characters");
                return Err(Rejection::rule("invalid-metadata", detail));
            }
            *place = Some(value);
        }
        Ok(given)
    }

    /// The request to append under; `command_id` makes one up when none was given.
    pub(crate) fn request<'a>(
        self,
        name: &'a str,
        payload: &'a [u8],
        expected_version: Option<u64>,
        command_id: impl FnOnce() -> String,
    ) -> Request<'a> {
        Request {
            command_id: self.command_id.unwrap_or_else(command_id),
            name,
            payload,
            expected_version,
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
        }
    }
}

/// The metadata of one event of a commit.
pub(crate) fn of_event(commit: &Commit, recorded: &RecordedEvent<'_>) -> HashMap<String, String> {
    let always = [
        (COMMAND_ID, commit.command_id.clone()),
        (ACTOR, commit.actor.as_str().to_owned()),
        (EVENT_ID, recorded.id.to_string()),
        (TIME, recorded.time.to_string()),
    ];
    let ids = [
        (CORRELATION_ID, &commit.correlation_id),
        (CAUSATION_ID, &commit.causation_id),
    ];
    let given = ids.into_iter().filter_map(|(key, id)| Some((key, id.clone()?)));
    let all = always.into_iter().chain(given);
    all.map(|(key, value)| (key.to_owned(), value)).collect()
}
