//! Sockets and what is served on them. TLS ends before this process, at the load balancer.

use super::{
    Addresses, health,
    in_flight::{self, InFlight},
    readiness::Readiness,
    services::{Health, Services},
    stores::Stores,
};
use crate::{config::Config, metrics::Exporter};
use anyhow::{Context, Result};
use axum::{Router, middleware::from_fn_with_state};
use headwater_edge::{Edge, serve_http};
use headwater_query_service::QueryService;
use headwater_runtime::Task;
use std::net::SocketAddr;
use tokio::{net::TcpListener, sync::watch};
use tonic_health::ServingStatus;

/// Bound, and not served yet.
pub(super) struct Sockets {
    http: TcpListener,
    grpc: TcpListener,
    metrics: Option<TcpListener>,
}

impl Sockets {
    pub(super) async fn bind(config: &Config) -> Result<Self> {
        let metrics = match config.metrics {
            Some(address) => Some(bind("metrics", address).await?),
            None => None,
        };
        Ok(Self {
            http: bind("http", config.http).await?,
            grpc: bind("grpc", config.grpc).await?,
            metrics,
        })
    }

    pub(super) fn addresses(&self) -> Result<Addresses> {
        Ok(Addresses {
            http: self.http.local_addr()?,
            grpc: self.grpc.local_addr()?,
            metrics: self.metrics.as_ref().map(TcpListener::local_addr).transpose()?,
        })
    }
}

async fn bind(what: &str, address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("{what} cannot listen on {address}; choose another address (dev: --{what}, serve: the key {what})")
    })
}

/// Being served.
pub(super) struct Listeners {
    queries: QueryService,
    stop: watch::Sender<bool>,
    public: Vec<Task>,
    /// Answers until the very end, so that a drain can be watched.
    stop_metrics: watch::Sender<bool>,
    metrics: Option<Task>,
    in_flight: InFlight,
    health: Health,
}

impl Listeners {
    /// Serves from now on; what needs the stores is refused until the process has started.
    pub(super) async fn serve(
        sockets: Sockets,
        config: &Config,
        services: &Services,
        stores: &Stores,
        readiness: &Readiness,
    ) -> Result<Self> {
        let edge = &services.edge;
        let (stop, stopped) = watch::channel(false);
        let (stop_metrics, metrics_stopped) = watch::channel(false);
        let in_flight = InFlight::default();
        let public = |app: Router| {
            app.layer(from_fn_with_state(in_flight.clone(), in_flight::count))
                .layer(from_fn_with_state((readiness.clone(), edge.clone()), health::admit))
        };
        let mut routes = services.http().merge(health::router(readiness));
        let exporter = Exporter::new(&stores.databases, &services.admin, &stores.metrics, edge.runtime());
        if config.metrics.is_none() {
            routes = routes.merge(health::metrics(&exporter));
        }
        let (grpc, health) = services.grpc().await?;
        let public = vec![
            serve(sockets.http, public(edge.http(routes)), edge, stopped.clone()),
            serve(sockets.grpc, public(edge.grpc(grpc)), edge, stopped),
        ];
        let metrics = sockets.metrics.map(|listener| {
            let routes = health::metrics(&exporter).merge(health::router(readiness));
            serve(listener, edge.http(routes), edge, metrics_stopped)
        });
        Ok(Self {
            queries: services.queries.clone(),
            stop,
            public,
            stop_metrics,
            metrics,
            in_flight,
            health,
        })
    }

    /// Says so to who asks by gRPC.
    pub(super) async fn started(&mut self) {
        self.health.set(ServingStatus::Serving).await;
    }

    /// Accepts nothing more and lets requests in work end; what did not in time, by route.
    pub(super) async fn drain(self) -> Vec<(String, usize)> {
        self.health.set(ServingStatus::NotServing).await;
        let _ = self.stop.send(true);
        // They would go on for ever; each is told where to resume.
        self.queries.close_subscriptions();
        for listener in self.public {
            let _ = listener.join().await;
        }
        let cut = self.in_flight.now();
        let _ = self.stop_metrics.send(true);
        if let Some(metrics) = self.metrics {
            metrics.abort();
        }
        cut
    }
}

fn serve(listener: TcpListener, app: Router, edge: &Edge, mut stopped: watch::Receiver<bool>) -> Task {
    let owned = edge.clone();
    edge.runtime().spawn(async move {
        let shutdown = async move { drop(stopped.wait_for(|stop| *stop).await) };
        if let Err(error) = serve_http(listener, app, &owned, shutdown).await {
            tracing::error!(%error, "a listener ended");
        }
    })
}
