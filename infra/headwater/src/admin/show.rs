//! One parked aggregate, with the events of the commit that stops it as the history shows them.

use super::{
    Admin,
    operator::Operator,
    parked::{Address, ParkedAggregate, not_parked},
    problem::{of_apply, of_log},
};
use headwater_edge::Problem;
use headwater_kernel::{Commit, Personal};
use serde::Serialize;
use serde_json::{Value, json};

/// What is shown of one.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    pub(super) parked: ParkedAggregate,
    /// Of the commit that stops it; none when the log cannot say which that is.
    pub(super) events: Vec<Value>,
}

impl Admin {
    /// 404 `not-parked` when it is not. Personal data is plain: an operator acts within a tenant as its owner would.
    pub(super) async fn show(&self, operator: &Operator, address: &Address) -> Result<Shown, Problem> {
        let scope = self.scope(operator, &address.source.tenant).await?;
        let Address {
            consumer,
            context,
            source,
        } = address;
        let found = self.parking().find(&consumer.name(), context, source).await;
        let parked = found.map_err(of_apply)?.ok_or_else(|| not_parked(source.id.as_str()))?;
        let aggregate = self
            .parts
            .aggregates
            .iter()
            .find(|known| known.context == context && known.name == source.aggregate);
        let mut events = Vec::new();
        if let Some(aggregate) = aggregate.filter(|_| parked.first_sequence > 0) {
            let page = self
                .parts
                .log
                .commits_page(&scope, aggregate, &source.id, parked.first_sequence)
                .await;
            match page {
                Ok((commits, _)) => {
                    let stopping = commits
                        .into_iter()
                        .find(|one| one.first_sequence == parked.first_sequence);
                    events.extend(stopping.iter().flat_map(events_of));
                }
                Err(error) if error.is_retryable() => return Err(of_log(error)),
                // That it cannot be read may be why it is parked.
                Err(error) => {
                    tracing::warn!(error = ?error, "the commit that stops a parked aggregate cannot be shown")
                }
            }
        }
        Ok(Shown {
            parked: parked.into(),
            events,
        })
    }
}

fn events_of(commit: &Commit) -> Vec<Value> {
    let event = |recorded: headwater_kernel::RecordedEvent<'_>| {
        let mut data: Value = serde_json::from_str(recorded.event.data.get()).unwrap_or_default();
        Personal::reveal(&mut data);
        json!({
            "sequence": recorded.sequence,
            "type": recorded.event.event_type,
            "schema_version": recorded.event.schema_version,
            "occurred_at": recorded.time,
            "actor": commit.actor.as_str(),
            "data": data
        })
    };
    commit.recorded().map(event).collect()
}
