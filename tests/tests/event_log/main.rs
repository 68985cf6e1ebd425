//! The event log on the embedded engine: order, races, idempotency, claims, exact costs.
#![allow(clippy::unwrap_used, reason = "a test")]

mod claims;
mod costs;
mod histories;
mod idempotency;
mod races;

use headwater_event_log::{AggregateStore, Executed, Refusal};
use headwater_kernel::Id;
use headwater_tenancy::TenantScope;
use headwater_tests::{
    account::{Account, Command},
    bytes, request,
};

fn id(id: &str) -> Id {
    Id::new(id).unwrap()
}

async fn send(
    store: &AggregateStore<Account>,
    scope: &TenantScope,
    to: &str,
    command_id: &str,
    command: Command,
) -> Result<Executed, Refusal> {
    let (name, payload) = headwater_kernel::encode_command(&command).unwrap();
    let payload = bytes(&payload);
    store
        .execute(scope, &id(to), request(command_id, &name, &payload), || {
            Ok(command.clone())
        })
        .await
}

fn committed(executed: Executed) -> u64 {
    match executed {
        Executed::Committed(commit) => commit.version(),
        other => panic!("not committed: {other:?}"),
    }
}
