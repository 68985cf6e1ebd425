//! Both services over the stores, and the routes of the roles that a process has.

use super::{indexes, stores::Stores};
use crate::{
    admin::{self, Admin, DeclaredFolds},
    config::{Adapter, Config, Role},
    contexts,
    exporting::{self, Exporter},
};
use anyhow::Result;
use axum::Router;
use headwater_command_service::CommandBus;
use headwater_edge::{Edge, OpenApi, Refusals, Schemas, Surroundings};
use headwater_projectors::LiveMetrics;
use headwater_query_service::QueryService;
use headwater_runtime::Runtime;
use std::{collections::BTreeSet, sync::Arc};
use tonic_health::{ServingStatus, server::HealthReporter};

/// What answers requests.
pub(crate) struct Services {
    pub(super) bus: CommandBus,
    pub(super) edge: Edge,
    pub(super) queries: QueryService,
    pub(super) admin: Admin,
    pub(super) exporter: Option<Exporter>,
    /// What is refused, on its way to the audit log.
    pub(super) refusals: Option<Refusals>,
    roles: BTreeSet<Role>,
}

impl Services {
    pub(super) async fn new(config: &Config, stores: &Stores, runtime: &Runtime) -> Self {
        let mut bus = CommandBus::builder(stores.log.clone(), stores.sealing.clone(), runtime.clone());
        contexts::register(&mut bus);
        let mut queries = QueryService::builder(
            stores.log.clone(),
            Arc::clone(&stores.repository),
            stores.sealing.clone(),
            runtime.clone(),
        );
        contexts::register(&mut queries);
        headwater_read_models::register(&mut queries);
        for (kind, index) in indexes::live(&stores.indexes, &stores.generations) {
            queries = queries.search_index(kind, index);
        }
        if let Some(place) = &config.audit_log {
            queries = queries.audit_log(super::objects::open(place, runtime).await);
        }
        if stores.metrics.are_kept() {
            queries = queries.metric_store(Arc::new(LiveMetrics {
                stores: stores.metrics.clone(),
                generations: stores.generations.clone(),
            }));
        }
        let bus = bus.build();
        let refusals = config.tells_refusals.then(Refusals::default);
        let surroundings = Surroundings {
            proxies: config.proxies.clone(),
            refusals: refusals.clone(),
        };
        let edge = Edge::with(
            surroundings,
            stores.authenticator.clone(),
            config.limits.clone(),
            runtime.clone(),
        );
        let mut folds = DeclaredFolds::default();
        headwater_read_models::register(&mut folds);
        let destination = match &config.export {
            Some(export) => Some(super::objects::open(&export.to, runtime).await),
            None => None,
        };
        let exporter = destination.map(|store| {
            Exporter::new(exporting::Parts {
                log: stores.log.clone(),
                directory: stores.directory.clone(),
                operator: stores.operator.clone(),
                store,
                region: config.home,
                runtime: runtime.clone(),
            })
        });
        let admin = Admin::new(admin::Parts {
            directory: stores.directory.clone(),
            log: stores.log.clone(),
            views: stores.databases.rebuildable.clone(),
            sealing: stores.sealing.clone(),
            generations: stores.generations.clone(),
            aggregates: bus.aggregates().copied().collect(),
            folds,
            edge: edge.clone(),
            runtime: runtime.clone(),
            // The embedded stores take all.
            region: matches!(config.adapter, Adapter::Aws { .. }).then_some(config.home),
            exporter: exporter.clone(),
        });
        Self {
            bus,
            queries: queries.build(),
            admin,
            exporter,
            refusals,
            edge,
            roles: config.roles.clone(),
        }
    }

    fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// All HTTP routes but those without a token.
    pub(super) fn http(&self) -> Router {
        let (bus, queries, edge) = (&self.bus, &self.queries, &self.edge);
        let mut document = OpenApi::new();
        admin::describe_tenants(&mut document);
        let mut routes = admin::tenant_routes(self.admin.clone());
        if self.has(Role::Project) {
            admin::describe_projecting(&mut document);
            routes = routes.merge(admin::projecting_routes(self.admin.clone()));
        }
        if self.has(Role::Command) {
            headwater_command_service::describe(bus, &mut document);
            routes = routes.merge(headwater_command_service::router(bus.clone(), edge.clone()));
        }
        if self.has(Role::Query) {
            headwater_query_service::describe(queries, &mut document);
            routes = routes.merge(headwater_query_service::router(queries.clone(), edge.clone()));
        }
        let schemas = Schemas::of(bus.aggregates());
        routes.merge(headwater_edge::docs(&document.finish(), schemas))
    }

    /// All gRPC services, and what says of each whether it serves.
    pub(super) async fn grpc(&self) -> Result<(tonic::service::Routes, Health)> {
        let (bus, edge) = (&self.bus, &self.edge);
        let (reporter, health) = tonic_health::server::health_reporter();
        let mut names = vec!["", "headwater.v1.SchemaService", "headwater.v1.AdminService"];
        let mut services = tonic::service::Routes::builder();
        services
            .add_service(Schemas::of(bus.aggregates()).grpc(edge.clone()))
            .add_service(admin::grpc(self.admin.clone(), self.has(Role::Project)))
            .add_service(health)
            .add_service(reflection().build_v1()?)
            // What older clients ask for.
            .add_service(reflection().build_v1alpha()?);
        if self.has(Role::Command) {
            names.push("headwater.v1.CommandService");
            services.add_service(headwater_command_service::grpc(bus.clone(), edge.clone()));
        }
        if self.has(Role::Query) {
            names.push("headwater.v1.QueryService");
            services.add_service(headwater_query_service::grpc(self.queries.clone(), edge.clone()));
        }
        let health = Health { reporter, names };
        health.set(ServingStatus::NotServing).await;
        Ok((services.routes(), health))
    }
}

/// The standard health service's answers.
pub(super) struct Health {
    reporter: HealthReporter,
    names: Vec<&'static str>,
}

impl Health {
    /// Says the same of all services of the process.
    pub(super) async fn set(&self, status: ServingStatus) {
        for name in &self.names {
            self.reporter.set_service_status(*name, status).await;
        }
    }
}

/// All services by their descriptions.
fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(headwater_edge::v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}
