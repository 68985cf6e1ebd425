//! The history of one aggregate, page by page, from the log itself: it is always current.

use crate::{
    QueryService,
    consistency::Consistency,
    parameters::{DEFAULT_LIMIT, MAX_LIMIT, Parameters},
    refusal::{bad_request, not_found, of_log},
    service::{Listed, may_read, registered},
};
use headwater_edge::{Problem, id_of};
use headwater_kernel::{AggregateType, Commit, Id, Personal, RecordedEvent};
use headwater_tenancy::TenantScope;
use serde_json::{Value, json};

const CURSOR: &str = "history-cursor";

impl QueryService {
    /// A page of the events of an aggregate, as the caller may see them.
    pub(crate) async fn history(
        &self,
        scope: &TenantScope,
        [context, aggregate, id]: [&str; 3],
        parameters: &Parameters,
        consistency: Option<&Consistency>,
    ) -> Result<Listed, Problem> {
        may_read(scope)?;
        parameters.only(&["limit", "cursor"], None)?;
        let aggregate = registered(&self.inner().aggregates, context, aggregate)?;
        let id = id_of(id)?;
        self.check(scope, consistency)?;
        let limit = parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
        let mut from = match parameters.text("cursor")? {
            Some(cursor) => self.open(scope, aggregate, &id, cursor)?,
            None => 1,
        };
        let mut items = Vec::new();
        loop {
            // One event more than is shown tells whether there are more.
            let wanted = limit - items.len() + 1;
            let page = self.inner().log.history_page(scope, aggregate, &id, from, wanted).await;
            let (commits, more) = page.map_err(of_log)?;
            for commit in &commits {
                for recorded in commit.recorded().filter(|recorded| recorded.sequence >= from) {
                    if items.len() == limit {
                        let next_cursor = Some(self.seal(scope, aggregate, &id, recorded.sequence));
                        return Ok(Listed { items, next_cursor });
                    }
                    items.push(item(commit, &recorded)?);
                }
            }
            match commits.last() {
                Some(last) if more => from = last.version() + 1,
                _ => break,
            }
        }
        if items.is_empty() {
            return Err(not_found(&format!("{}/{}/{id}", aggregate.context, aggregate.name)));
        }
        Ok(Listed {
            items,
            next_cursor: None,
        })
    }

    fn seal(&self, scope: &TenantScope, aggregate: &AggregateType, id: &Id, next: u64) -> String {
        let place = json!([aggregate.context, aggregate.name, id, next]);
        self.inner()
            .key
            .seal(CURSOR, scope.tenant(), place.to_string().as_bytes())
    }

    fn open(&self, scope: &TenantScope, aggregate: &AggregateType, id: &Id, cursor: &str) -> Result<u64, Problem> {
        let opened = || {
            let data = self.inner().key.open(CURSOR, scope.tenant(), cursor).ok()?;
            let (context, name, of, next): (String, String, String, u64) = serde_json::from_slice(&data).ok()?;
            (context == aggregate.context && name == aggregate.name && of == id.as_str()).then_some(next)
        };
        opened().ok_or_else(|| {
            let detail = "the cursor is not of this history; send next_cursor back unchanged";
            bad_request("invalid-cursor", detail).at("/cursor", detail)
        })
    }
}

pub(crate) fn item(commit: &Commit, recorded: &RecordedEvent<'_>) -> Result<Value, Problem> {
    let event = recorded.event;
    let mut data: Value = serde_json::from_str(event.data.get())
        .map_err(|error| Problem::internal(format!("event {} is no JSON: {error}", recorded.id)))?;
    Personal::reveal(&mut data);
    Ok(json!({
        "sequence": recorded.sequence,
        "type": event.event_type,
        "schema_version": event.schema_version,
        "occurred_at": recorded.time,
        "actor": commit.actor.as_str(),
        "data": data
    }))
}
