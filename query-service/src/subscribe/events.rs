//! Events as subscribers get them: rendered once, however many get them.

use crate::{history, service::ByAggregate};
use headwater_edge::Problem;
use headwater_event_log::upcast_commit;
use headwater_kernel::{AggregateType, Commit};
use serde_json::{Value, json};
use std::sync::Arc;

/// One event of the feed, as the history shows it.
#[derive(Debug)]
pub struct FeedEvent {
    /// The bounded context: `catalog`.
    pub context: String,
    /// The plural name of the aggregate: `products`.
    pub aggregate: String,
    /// The aggregate's id.
    pub id: String,
    /// The event's place in the aggregate's history.
    pub sequence: u64,
    /// What happened.
    pub event_type: String,
    /// The schema version of `data`.
    pub schema_version: u32,
    /// When, in RFC 3339.
    pub occurred_at: String,
    /// Who asked for it.
    pub actor: String,
    /// The event's data, as JSON.
    pub data: String,
    /// All of it, as JSON.
    pub json: String,
}

impl FeedEvent {
    /// Bytes that it takes in memory, about.
    pub(super) fn weight(&self) -> usize {
        self.json.len() + self.data.len() + 300
    }
}

/// The events of a commit as it was stored.
pub(super) fn render(aggregates: &ByAggregate<AggregateType>, commit: Commit) -> Result<Vec<Arc<FeedEvent>>, Problem> {
    // Refusals tell addresses; they are for auditors.
    if commit.is_internal() {
        return Ok(Vec::new());
    }
    let aggregate = aggregates
        .get(commit.context.as_str())
        .and_then(|of_context| of_context.get(commit.aggregate.as_str()));
    let commit = match aggregate.map(|aggregate| upcast_commit(aggregate, commit.clone())) {
        Some(Ok(current)) => current,
        // What this build does not know goes out as it was stored and says its version: one event must not hold up all that follow.
        Some(Err(error)) => {
            tracing::warn!(%error, "an event goes to subscribers as it was stored");
            commit
        }
        None => commit,
    };
    let event = |recorded| {
        let mut json = history::item(&commit, &recorded)?;
        let data = json.get("data").map(Value::to_string).unwrap_or_default();
        if let Some(members) = json.as_object_mut() {
            members.insert("context".into(), json!(commit.context));
            members.insert("aggregate".into(), json!(commit.aggregate));
            members.insert("id".into(), json!(commit.id));
        }
        Ok(Arc::new(FeedEvent {
            context: commit.context.clone(),
            aggregate: commit.aggregate.clone(),
            id: commit.id.to_string(),
            sequence: recorded.sequence,
            event_type: recorded.event.event_type.clone(),
            schema_version: recorded.event.schema_version,
            occurred_at: recorded.time.to_string(),
            actor: commit.actor.to_string(),
            data,
            json: json.to_string(),
        }))
    };
    commit.recorded().map(event).collect()
}
