//! Snapshots: a state and its window at a version, so that a load need not begin at the beginning. They are never the truth: one that
//! cannot be used is ignored.
//!
//! The table `<context>-snapshots` has `PK` as in the event table, `SK = STATE#<state version>`, and the attributes `v` (N, 1),
//! `version` (N), `state` (S, JSON), `window` (B, 24 bytes a command, oldest first).

use crate::{Error, EventLog, cache::Loaded, codec, item, log::failed, window::Window};
use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use headwater_dynamodb::AccessPattern;
use headwater_kernel::{Aggregate, AggregateType, Id};
use headwater_tenancy::TenantScope;

/// The layout that this build writes.
const LAYOUT: &str = "1";

/// A state past this size is not snapshot; DynamoDB's items end at 400 KB.
const MAX_BYTES: usize = 350_000;

fn sort_key<A: Aggregate>() -> AttributeValue {
    item::text(format!("STATE#{:010}", A::STATE_VERSION))
}

/// What a snapshot item holds, or `None` when it is not usable.
pub(crate) fn read<A: Aggregate>(item: &item::Item) -> Option<Loaded<A>> {
    if item.get("v")?.as_n().ok()? != LAYOUT {
        return None;
    }
    let state = item.get("state")?.as_s().ok()?;
    let version = item.get("version")?.as_n().ok()?.parse().ok()?;
    Some(Loaded {
        state: codec::from_text(state).ok()?,
        version,
        window: Window::from_bytes(item.get("window")?.as_b().ok()?.as_ref())?,
        snapshot: version,
        weight: state.len(),
    })
}

/// The item of a snapshot, or `None` when the state is too large for one.
pub(crate) fn write<A: Aggregate>(
    scope: &TenantScope,
    id: &Id,
    loaded: &Loaded<A>,
) -> Result<Option<item::Item>, Error> {
    let state = codec::to_text(&loaded.state)?;
    let window = loaded.window.to_bytes();
    if state.len() + window.len() > MAX_BYTES {
        return Ok(None);
    }
    Ok(Some(item::Item::from([
        (
            "PK".to_owned(),
            item::text(item::partition_key(scope.tenant(), A::NAME, id)),
        ),
        ("SK".to_owned(), sort_key::<A>()),
        ("v".to_owned(), AttributeValue::N(LAYOUT.to_owned())),
        ("version".to_owned(), item::number(loaded.version)),
        ("state".to_owned(), item::text(state)),
        ("window".to_owned(), AttributeValue::B(Blob::new(window))),
    ])))
}

impl EventLog {
    pub(crate) async fn read_snapshot<A: Aggregate>(
        &self,
        scope: &TenantScope,
        aggregate: &AggregateType,
        id: &Id,
    ) -> Result<Option<Loaded<A>>, Error> {
        let answer = self
            .0
            .database
            .client()
            .get_item()
            .table_name(self.snapshots_table(aggregate.context))
            .key(
                "PK",
                item::text(item::partition_key(scope.tenant(), aggregate.name, id)),
            )
            .key("SK", sort_key::<A>())
            .customize()
            .interceptor(AccessPattern::of("event-log.snapshot-read", scope.tenant()))
            .send()
            .await
            .map_err(failed)?;
        Ok(answer.item().and_then(read::<A>))
    }

    /// Writes a snapshot in the background. A failure costs the next load some reads and nothing else.
    pub(crate) fn snapshot_soon<A: Aggregate>(&self, scope: &TenantScope, id: &Id, loaded: &Loaded<A>) {
        let item = match write(scope, id, loaded) {
            Ok(Some(item)) => item,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(aggregate = A::NAME, %error, "a state could not be written as a snapshot");
                return;
            }
        };
        let (log, tenant, version) = (self.clone(), scope.tenant().clone(), loaded.version);
        self.0.runtime.spawn(async move {
            let sent = log
                .0
                .database
                .client()
                .put_item()
                .table_name(log.snapshots_table(A::CONTEXT))
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(PK) OR version < :version")
                .expression_attribute_values(":version", item::number(version))
                .customize()
                .interceptor(AccessPattern::of("event-log.snapshot-write", &tenant))
                .send()
                .await;
            if let Err(error) = sent
                && !error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception())
            {
                tracing::warn!(aggregate = A::NAME, %error, "a snapshot was not written");
            }
        });
    }
}
