//! Refusals of a process, written into the log of their tenants every few seconds; from there they come into the audit log as every event does. What
//! waits here is lost when the process is killed.

use super::stores::Stores;
use crate::config::{Adapter, Config};
use anyhow::Context;
use headwater_analytics::refusal::{Command, Refusals as OfProcess};
use headwater_edge::{Refusals, Refused};
use headwater_event_log::{AggregateStore, Refusal, Request};
use headwater_kernel::{Aggregate, Id, Region};
use headwater_runtime::{Runtime, Task};
use headwater_tenancy::{DirectoryError, OperatorScope, TenantDirectory};
use std::time::Duration;
use tokio::sync::watch;

/// How often what was refused is written.
const PACE: Duration = Duration::from_secs(2);

/// Refusals that are being written.
pub(super) struct Refusing {
    stop: watch::Sender<bool>,
    task: Task,
}

struct Writer {
    refusals: Refusals,
    aggregates: AggregateStore<OfProcess>,
    directory: TenantDirectory,
    operator: OperatorScope,
    /// Whose tenants may be written here; the embedded stores take all.
    region: Option<Region>,
    /// Names this process; none before it.
    process: String,
    /// What was taken and is not known to be written, with the id of its command.
    pending: Vec<(String, Refused)>,
    runtime: Runtime,
}

impl Refusing {
    pub(super) fn start(refusals: Refusals, config: &Config, stores: &Stores, runtime: &Runtime) -> Self {
        let mut writer = Writer {
            refusals,
            aggregates: AggregateStore::new(stores.log.clone()),
            directory: stores.directory.clone(),
            operator: stores.operator.clone(),
            region: matches!(config.adapter, Adapter::Aws { .. }).then_some(config.home),
            process: runtime.uuid().simple().to_string(),
            pending: Vec::new(),
            runtime: runtime.clone(),
        };
        let (stop, mut stopped) = watch::channel(false);
        let task = runtime.spawn(async move {
            let mut ends = false;
            while !ends {
                tokio::select! {
                    () = writer.runtime.sleep(PACE) => {}
                    _ = stopped.wait_for(|stop| *stop) => {}
                }
                ends = *stopped.borrow();
                writer.write(ends).await;
            }
        });
        Self { stop, task }
    }

    /// Writes what waits, and ends.
    pub(super) async fn shut_down(self) {
        self.stop.send_replace(true);
        let _ = self.task.join().await;
    }
}

impl Writer {
    async fn write(&mut self, ends: bool) {
        // While something cannot be written the rest waits where its number is bounded.
        if self.pending.is_empty() {
            let taken = self.refusals.take(self.runtime.monotonic(), ends);
            let named = |refused| (self.runtime.uuid().to_string(), refused);
            self.pending = taken.into_iter().map(named).collect();
        }
        let mut waiting = Vec::new();
        for (command_id, refused) in std::mem::take(&mut self.pending) {
            match self.write_one(&command_id, &refused).await {
                Ok(()) => {}
                Err(error) if may_pass(&error) => {
                    tracing::debug!(error = %format!("{error:#}"), "refusals wait");
                    waiting.push((command_id, refused));
                }
                Err(error) => {
                    let (tenant, error) = (&refused.tenant, format!("{error:#}"));
                    tracing::error!(%tenant, error, "refusals of a tenant are not in its audit log");
                }
            }
        }
        self.pending = waiting;
    }

    async fn write_one(&self, command_id: &str, refused: &Refused) -> anyhow::Result<()> {
        let scope = self.directory.scope(&self.operator, &refused.tenant).await?;
        if self.region.is_some_and(|region| region != scope.region()) {
            return Ok(());
        }
        let command = Command::Note {
            requests: refused.requests.clone(),
            left_out: refused.left_out.clone(),
        };
        // A day each, so that no history grows for ever.
        let day = self.runtime.now().to_string();
        let day = day.get(..10).unwrap_or_default();
        let id = Id::new(format!("{day}-{}", self.process)).context("an id of refusals")?;
        let payload = serde_json::to_vec(&command)?;
        let request = Request {
            command_id: command_id.to_owned(),
            name: OfProcess::NAME,
            payload: &payload,
            expected_version: None,
            correlation_id: None,
            causation_id: None,
        };
        let executed = self.aggregates.execute(&scope, &id, request, || Ok(command.clone()));
        executed.await?;
        Ok(())
    }
}

/// Whether another try may succeed.
fn may_pass(error: &anyhow::Error) -> bool {
    match (error.downcast_ref::<Refusal>(), error.downcast_ref::<DirectoryError>()) {
        (Some(Refusal::Log(error)), _) => error.is_retryable(),
        (Some(Refusal::Contended), _) | (_, Some(DirectoryError::Store(_))) => true,
        _ => false,
    }
}
