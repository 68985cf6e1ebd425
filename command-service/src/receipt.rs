//! What a caller gets for a command: the same bytes for the same command, however often it is sent.

use headwater_edge::ConsistencyToken;
use headwater_event_log::Executed;
use headwater_kernel::{AggregateType, Commit, Id};
use headwater_tenancy::{SealingKey, TenantScope};
use serde::Serialize;

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The command's id.
    pub command_id: String,
    /// The bounded context.
    pub context: String,
    /// The plural name of the aggregates.
    pub aggregate: String,
    /// The aggregate's id.
    pub id: String,
    /// The aggregate's version after the command.
    pub version: u64,
    /// What happened; empty when nothing had to change.
    pub events: Vec<ReceiptEvent>,
    /// The consistency token: a read that brings it sees at least this version.
    pub token: String,
}

/// One event of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptEvent {
    /// What happened, in the past tense: `PriceChanged`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Its place in the aggregate's history, from 1.
    pub sequence: u64,
    /// Its name everywhere.
    pub id: String,
}

/// An executed command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What it did.
    pub receipt: Receipt,
    /// It was done before, and this is the receipt of that time.
    pub replayed: bool,
    /// Where the aggregate stands now, as far as this process knows.
    pub current_version: u64,
}

impl Accepted {
    pub(crate) fn new(
        executed: Executed,
        aggregate: &AggregateType,
        id: &Id,
        command_id: String,
        scope: &TenantScope,
        key: &SealingKey,
    ) -> Self {
        let (version, events, replayed, current_version) = match executed {
            Executed::Committed(commit) => (commit.version(), events(&commit), false, commit.version()),
            Executed::Replayed { commit, version } => {
                (commit.version(), events(&commit), true, version.max(commit.version()))
            }
            Executed::Unchanged { version } => (version, Vec::new(), false, version),
        };
        let token = ConsistencyToken {
            tenant: scope.tenant().clone(),
            context: aggregate.context.to_owned(),
            aggregate: aggregate.name.to_owned(),
            id: id.clone(),
            version,
        };
        let receipt = Receipt {
            command_id,
            context: aggregate.context.to_owned(),
            aggregate: aggregate.name.to_owned(),
            id: id.as_str().to_owned(),
            version,
            events,
            token: token.mint(key),
        };
        Self {
            receipt,
            replayed,
            current_version,
        }
    }
}

fn events(commit: &Commit) -> Vec<ReceiptEvent> {
    let event = |recorded: headwater_kernel::RecordedEvent<'_>| ReceiptEvent {
        event_type: recorded.event.event_type.clone(),
        sequence: recorded.sequence,
        id: recorded.id.to_string(),
    };
    commit.recorded().map(event).collect()
}
