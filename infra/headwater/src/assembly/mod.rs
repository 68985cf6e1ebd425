//! One process put together from its configuration, whether `dev` made that up or `serve` read it: stores, then services, then listeners. Roles
//! select the parts.
//!
//! `stores.rs` opens what holds data, `services.rs` makes routes of it, `projecting.rs` starts the projections, `listeners.rs` serves and drains,
//! `readiness.rs` answers `/readyz`.

mod audit;
mod health;
mod in_flight;
pub(crate) mod indexes;
#[cfg(feature = "lambda")]
pub(crate) mod lambda;
mod listeners;
pub(crate) mod metric_stores;
pub(crate) mod objects;
pub(crate) mod projecting;
mod readiness;
mod refusals;
mod services;
mod stores;
pub(crate) mod tables;

use crate::{
    config::{Config, Role},
    exporting::Exporter,
};
use anyhow::Result;
use audit::Auditing;
use headwater_command_service::CommandBus;
use headwater_kernel::TenantId;
use headwater_runtime::{Runtime, Task};
use headwater_tenancy::TenantScope;
use listeners::{Listeners, Sockets};
use projecting::Projecting;
use readiness::Readiness;
use refusals::Refusing;
use services::Services;
use std::{fmt, net::SocketAddr, time::Duration};
use stores::Stores;

/// Where a process listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    /// Of its own, unless `/metrics` is on the public listener.
    pub(crate) metrics: Option<SocketAddr>,
}

/// A running process.
pub(crate) struct Process {
    addresses: Addresses,
    drain: Duration,
    bus: CommandBus,
    readiness: Readiness,
    listeners: Listeners,
    projecting: Option<Projecting>,
    auditing: Option<Auditing>,
    refusing: Option<Refusing>,
    exports: Option<Exports>,
    stores: Stores,
    runtime: Runtime,
}

/// Exports of a process, and what begins them by itself.
struct Exports {
    exporter: Exporter,
    repeated: Option<Task>,
}

impl Exports {
    fn begin(exporter: Exporter, config: &Config) -> Self {
        let every = config.export.as_ref().and_then(|export| export.every);
        Self {
            repeated: every.map(|every| exporter.repeat(every)),
            exporter,
        }
    }

    /// Nothing reads the log any more afterwards.
    async fn end(self) {
        if let Some(task) = self.repeated {
            task.abort();
            let _ = task.join().await;
        }
        self.exporter.stop().await;
    }
}

impl Process {
    /// Starts everything the roles ask for and returns once requests are served; its projections may still be catching up, which
    /// `/readyz` tells. From the first moment on it listens and answers `/healthz` and `/readyz`; while a store cannot be reached it
    /// tries again, and says so there.
    ///
    /// # Errors
    /// What no patience mends: an address in use, a table that is missing or different, another installation's sealing key.
    pub(crate) async fn start(config: Config, runtime: &Runtime) -> Result<Self> {
        let mut stores = Stores::open(&config, runtime).await?;
        let sockets = Sockets::bind(&config).await?;
        let addresses = sockets.addresses()?;
        let readiness = Readiness::new("starting");
        let services = Services::new(&config, &stores, runtime).await;
        let mut listeners = Listeners::serve(sockets, &config, &services, &stores, &readiness).await?;
        stores.prepare(&config, &readiness).await?;
        let projecting = config
            .has(Role::Project)
            .then(|| projecting::start(&config, &stores, runtime));
        if let Some(projecting) = &projecting {
            if config.ready_with_projections {
                readiness.depends_on(projecting.check(config.ready_lag, runtime));
            }
            services.admin.keeps(projecting.kept());
        }
        let auditing = match config.has(Role::Project) {
            true => audit::start(&config, &stores, runtime).await?,
            false => None,
        };
        let kept = services.refusals.clone();
        let refusing = kept.map(|kept| Refusing::start(kept, &config, &stores, runtime));
        let exports = services.exporter.map(|exporter| Exports::begin(exporter, &config));
        stores.announce(&config, &addresses)?;
        readiness.started();
        listeners.started().await;
        Ok(Self {
            addresses,
            drain: config.limits.drain,
            bus: services.bus,
            readiness,
            listeners,
            projecting,
            auditing,
            refusing,
            exports,
            stores,
            runtime: runtime.clone(),
        })
    }

    /// Where it listens.
    pub(crate) fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Whether the first start on its data folder is over, so that no samples are owed.
    pub(crate) fn is_settled(&self) -> bool {
        self.stores.is_settled()
    }

    /// It is over: the samples are there, or shall not be.
    pub(crate) fn settle(&self) -> Result<()> {
        self.stores.settle()
    }

    /// The command bus, in this process.
    pub(crate) fn bus(&self) -> &CommandBus {
        &self.bus
    }

    /// A tenant, as the operator of this process acts within it.
    pub(crate) async fn scope(&self, tenant: &TenantId) -> Result<TenantScope> {
        Ok(self.stores.directory.scope(&self.stores.operator, tenant).await?)
    }

    /// Accepts nothing more, answers what is in work, hands the projections over, closes the stores: within the time to drain.
    pub(crate) async fn stop(self) -> Stopped {
        self.readiness.draining();
        let Self {
            drain,
            listeners,
            projecting,
            auditing,
            refusing,
            exports,
            stores,
            runtime,
            ..
        } = self;
        let listening = async {
            let cut = listeners.drain().await;
            if let Some(refusing) = refusing
                && runtime.timeout(drain, refusing.shut_down()).await.is_err()
            {
                tracing::warn!("the last refusals had no time to be written down");
            }
            cut
        };
        let projections = async {
            match projecting {
                Some(projecting) => runtime.timeout(drain, projecting.shut_down()).await.is_ok(),
                None => true,
            }
        };
        let (cut, handed_over) = futures::join!(listening, projections);
        // After the feeds have got what was read.
        if let Some(auditing) = auditing
            && runtime.timeout(drain, auditing.shut_down()).await.is_err()
        {
            tracing::warn!("the audit log had no time to write all that is new; it does at the next start");
        }
        if let Some(exports) = exports {
            exports.end().await;
        }
        stores.close().await;
        Stopped { cut, handed_over }
    }
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Stopped {
    /// Requests that were still in work when the time was over: how many of each route.
    pub(crate) cut: Vec<(String, usize)>,
    /// Whether the projections wrote their positions down.
    pub(crate) handed_over: bool,
}

impl fmt::Display for Stopped {
    /// What was cut; nothing when nothing was.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut what: Vec<String> = self
            .cut
            .iter()
            .map(|(route, count)| format!("{count} × {route}"))
            .collect();
        if !self.handed_over {
            what.push("projections that were still writing (they resume from their last position)".into());
        }
        f.write_str(&what.join(", "))
    }
}
