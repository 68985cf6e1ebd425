//! A whole process on the embedded defaults: engines, log, projections, both services, and the listeners in front of them.

use crate::{
    admin, contexts,
    data_folder::{DataFolder, Holder, Keys},
    metrics,
};
use anyhow::{Context, Result};
use axum::{Router, routing::get};
use headwater_command_service::CommandBus;
use headwater_dynamo_repository::{Generations, Repository};
use headwater_dynamodb::{Databases, tables};
use headwater_edge::{Edge, Limits, OpenApi, Schemas, serve_http};
use headwater_event_log::{EventLog, Options};
use headwater_kernel::{Region, TenantId};
use headwater_projectors::{Projections, Runner, RunnerOptions, Stores};
use headwater_query_service::QueryService;
use headwater_read_models::{product_search, search::SearchDocument};
use headwater_runtime::{Runtime, Task};
use headwater_search::{IndexName, SearchIndex, tantivy::TantivyIndex};
use headwater_tenancy::{Authenticator, TenantDirectory, TenantScope, WorkerAuthority, tenants_table};
use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc};
use tokio::{net::TcpListener, sync::watch};

/// Where a process listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
}

/// A running process.
pub(crate) struct Server {
    addresses: Addresses,
    is_new: bool,
    bus: CommandBus,
    demo: TenantScope,
    stop: watch::Sender<bool>,
    listeners: Vec<Task>,
    runner: Runner,
    databases: Databases,
    /// Held until the engines are closed.
    _folder: DataFolder,
}

/// The region of the embedded stores' default tenant.
const HOME: Region = Region::Us;

/// The first generation; rebuilds make others.
const GENERATION: u32 = 1;

impl Server {
    /// Opens the folder and starts everything; returns once both listeners accept.
    pub(crate) async fn start(data: &Path, wanted: Addresses, empty: bool, runtime: &Runtime) -> Result<Self> {
        let mut folder = DataFolder::open(data)?;
        let http = TcpListener::bind(wanted.http)
            .await
            .with_context(|| in_use("HTTP", "--http", wanted.http))?;
        let grpc = TcpListener::bind(wanted.grpc)
            .await
            .with_context(|| in_use("gRPC", "--grpc", wanted.grpc))?;
        let addresses = Addresses {
            http: http.local_addr()?,
            grpc: grpc.local_addr()?,
        };
        let Keys { token, sealing } = folder.keys(runtime)?;
        let operator = token.operator();
        let databases = Databases::embedded(folder.path(), runtime.clone())?;
        ensure_tables(&databases).await?;

        let directory = TenantDirectory::new(databases.durable.clone(), runtime.clone());
        let demo = TenantId::new("demo")?;
        if directory.find(&demo).await?.is_none() {
            directory.create(&operator, &demo, HOME).await?;
        }
        let demo = directory.scope(&operator, &demo).await?;
        let log = EventLog::new(
            databases.durable.clone(),
            sealing.clone(),
            Options::default(),
            runtime.clone(),
        );
        let generations = Generations::new(databases.rebuildable.clone(), runtime.clone());
        let repository = {
            let (views, sealing) = (databases.rebuildable.clone(), sealing.clone());
            move |projection| Repository::new(views.clone(), projection, generations.clone(), sealing.clone())
        };
        let products: Arc<dyn SearchIndex> = Arc::new(TantivyIndex::open(
            &folder.path().join("search"),
            &IndexName::new(
                product_search::ProductDocument::KIND,
                product_search::PROJECTION,
                GENERATION,
            ),
            product_search::ProductDocument::mapping(),
            sealing.clone(),
            runtime.clone(),
        )?);
        let indexes: BTreeMap<&'static str, Arc<dyn SearchIndex>> =
            BTreeMap::from([(product_search::ProductDocument::KIND, Arc::clone(&products))]);
        let mut projections = Projections::new(
            Stores {
                log: log.clone(),
                views: databases.rebuildable.clone(),
                repository: Arc::new(repository.clone()),
                indexes,
            },
            GENERATION,
        );
        headwater_read_models::register(&mut projections);
        let runner = Runner::start(
            &log,
            &WorkerAuthority::new(&operator, HOME),
            contexts::NAMES.iter().map(|name| (*name).to_owned()),
            &projections.consumers(),
            RunnerOptions::default(),
            runtime,
        );

        let mut bus = CommandBus::builder(log.clone(), sealing.clone(), runtime.clone());
        contexts::register(&mut bus);
        let bus = bus.build();
        let mut queries = QueryService::builder(log, Arc::new(repository), sealing, runtime.clone());
        contexts::register(&mut queries);
        headwater_read_models::register(&mut queries);
        let queries = queries
            .search_index(product_search::ProductDocument::KIND, products)
            .build();
        let edge = Edge::new(
            Authenticator::new(Arc::new(token), directory.clone(), runtime.clone()),
            Limits::default(),
            runtime.clone(),
        );
        let (stop, stopped) = watch::channel(false);
        let schemas = Schemas::of(bus.aggregates());
        let routes = headwater_command_service::router(bus.clone(), edge.clone())
            .merge(headwater_query_service::router(queries.clone(), edge.clone()))
            .merge(admin::router(directory, edge.clone()))
            .merge(headwater_edge::docs(&describe(&bus, &queries), schemas.clone()))
            .merge(health(databases.clone()));
        let mut services = tonic::service::Routes::builder();
        services
            .add_service(headwater_command_service::grpc(bus.clone(), edge.clone()))
            .add_service(headwater_query_service::grpc(queries, edge.clone()))
            .add_service(schemas.grpc(edge.clone()))
            .add_service(health_service().await)
            .add_service(reflection().build_v1()?)
            // What older clients ask for.
            .add_service(reflection().build_v1alpha()?);
        let apps = [(http, edge.http(routes)), (grpc, edge.grpc(services.routes()))];
        let listeners = apps
            .into_iter()
            .map(|(listener, app)| {
                let (edge, mut stopped) = (edge.clone(), stopped.clone());
                runtime.spawn(async move {
                    let shutdown = async move { drop(stopped.wait_for(|stop| *stop).await) };
                    if let Err(error) = serve_http(listener, app, &edge, shutdown).await {
                        tracing::error!(%error, "a listener ended");
                    }
                })
            })
            .collect();
        folder.announce(&Holder {
            pid: std::process::id(),
            http: addresses.http.to_string(),
            grpc: addresses.grpc.to_string(),
        })?;
        let is_new = folder.is_new() && !empty;
        Ok(Self {
            addresses,
            is_new,
            bus,
            demo,
            stop,
            listeners,
            runner,
            databases,
            _folder: folder,
        })
    }

    /// Where it listens.
    pub(crate) fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Whether the sample catalog is still to be made.
    pub(crate) fn wants_samples(&self) -> bool {
        self.is_new
    }

    /// The bus and the tenant `demo`, for samples.
    pub(crate) fn demo(&self) -> (&CommandBus, &TenantScope) {
        (&self.bus, &self.demo)
    }

    /// Drains requests, lets projections write their positions down, closes the engines.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(true);
        for listener in self.listeners {
            let _ = listener.join().await;
        }
        self.runner.shut_down().await;
        self.databases.shutdown().await;
    }
}

fn in_use(what: &str, flag: &str, address: SocketAddr) -> String {
    format!("{what} cannot listen on {address}; choose another address with {flag}")
}

async fn ensure_tables(databases: &Databases) -> Result<()> {
    for context in contexts::NAMES {
        for table in EventLog::tables(context) {
            databases.ensure_table(&table).await?;
        }
        databases.ensure_table(&tables::views_table(context)).await?;
    }
    databases.ensure_table(&tables::checkpoints_table()).await?;
    databases.ensure_table(&tenants_table()).await?;
    Ok(())
}

/// The OpenAPI document of both services.
fn describe(bus: &CommandBus, queries: &QueryService) -> serde_json::Value {
    let mut document = OpenApi::new();
    headwater_command_service::describe(bus, &mut document);
    headwater_query_service::describe(queries, &mut document);
    document.finish()
}

fn health(databases: Databases) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(|| async { "ready" }))
        .route("/metrics", get(move || async move { metrics::exposition(&databases) }))
}

/// All services by their descriptions.
fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(headwater_edge::v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

async fn health_service() -> tonic_health::pb::health_server::HealthServer<impl tonic_health::pb::health_server::Health>
{
    let (reporter, service) = tonic_health::server::health_reporter();
    for name in ["", "headwater.v1.CommandService", "headwater.v1.QueryService"] {
        reporter
            .set_service_status(name, tonic_health::ServingStatus::Serving)
            .await;
    }
    service
}
