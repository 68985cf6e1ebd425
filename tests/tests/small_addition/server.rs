//! A server in this process, put together as `infra/headwater/src/server.rs` does, with the addition registered.

use headwater_command_service::{self as commands, CommandBus};
use headwater_dynamo_repository::{Generations, Repository};
use headwater_dynamodb::tables;
use headwater_edge::{
    Edge, Limits, OpenApi, Schemas, docs, serve_http,
    v1::{ListSchemasRequest, schema_service_client::SchemaServiceClient},
};
use headwater_kernel::{Region, TenantId};
use headwater_projectors::{Projections, Runner, RunnerOptions, Sources, Stores};
use headwater_query_service::{self as queries, QueryService};
use headwater_tenancy::{Authenticator, DevelopmentKey, Role, TenantDirectory, TokenRequest, WorkerAuthority};
use headwater_tests::{LogFixture, sealing_key};
use serde_json::Value;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;

const TENANT: &str = "acme";

pub(crate) struct Server {
    fixture: LogFixture,
    runner: Runner,
    http: SocketAddr,
    grpc: SocketAddr,
    token: String,
    client: reqwest::Client,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) json: Value,
}

impl Server {
    pub(crate) async fn start() -> Self {
        headwater_runtime::tls::use_ring();
        let fixture = LogFixture::new().await;
        let (log, runtime, views) = (&fixture.log, &fixture.runtime, &fixture.databases.rebuildable);
        log.ensure_tables(crate::CONTEXT).await.unwrap();
        for table in [tables::views_table(crate::CONTEXT), tables::checkpoints_table()] {
            fixture.databases.ensure_table(&table).await.unwrap();
        }
        let key = Arc::new(DevelopmentKey::new(runtime.random()));
        let generations = Generations::new(views.clone(), runtime.clone());
        let of = views.clone();
        let repository = move |projection| Repository::new(of.clone(), projection, generations.clone(), sealing_key());

        let stores = Stores {
            log: log.clone(),
            views: views.clone(),
            repository: Arc::new(repository.clone()),
            indexes: headwater_projectors::Indexes::none(),
            metrics: headwater_projectors::Metrics::none(),
        };
        let mut projections = Projections::new(stores, 1);
        crate::register_projections(&mut projections);
        let sources = Sources {
            log: log.clone(),
            views: views.clone(),
            authority: WorkerAuthority::new(&key.operator(), Region::Us),
            contexts: vec![crate::CONTEXT.to_owned()],
        };
        let runner = Runner::start(sources, projections.consumers(), RunnerOptions::embedded(), runtime);

        let mut bus = CommandBus::builder(log.clone(), sealing_key(), runtime.clone());
        crate::register(&mut bus);
        let bus = bus.build();
        let mut reads = QueryService::builder(log.clone(), Arc::new(repository), sealing_key(), runtime.clone());
        crate::register(&mut reads);
        crate::register_projections(&mut reads);
        let reads = reads.build();

        let tenant = TenantId::new(TENANT).unwrap();
        let directory = TenantDirectory::fixed([(tenant.clone(), Region::Us)], runtime.clone());
        let token = TokenRequest {
            tenant,
            subject: "ann".into(),
            roles: vec![Role::Member],
            ttl: Duration::from_secs(600),
        };
        let token = key.sign(&token, runtime);
        let edge = Edge::new(
            Authenticator::new(key, directory, runtime.clone()),
            Limits::default(),
            runtime.clone(),
        );
        let mut document = OpenApi::new();
        commands::describe(&bus, &mut document);
        queries::describe(&reads, &mut document);
        let schemas = Schemas::of(bus.aggregates());
        let routes = commands::router(bus, edge.clone())
            .merge(queries::router(reads, edge.clone()))
            .merge(docs(&document.finish(), schemas.clone()));
        let mut services = tonic::service::Routes::builder();
        services.add_service(schemas.grpc(edge.clone()));
        let http = serve(&fixture, &edge, edge.http(routes)).await;
        let grpc = serve(&fixture, &edge, edge.grpc(services.routes())).await;
        Self {
            fixture,
            runner,
            http,
            grpc,
            token,
            client: reqwest::Client::new(),
        }
    }

    pub(crate) async fn stop(self) {
        self.runner.shut_down().await;
        self.fixture.databases.shutdown().await;
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    pub(crate) async fn post(&self, path: &str, payload: &Value) -> Answer {
        self.answer(self.client.post(self.url(path)).json(payload)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.answer(self.client.get(self.url(path))).await
    }

    /// The view as soon as it shows what the receipt `after` says.
    pub(crate) async fn view(&self, path: &str, after: &Answer) -> Answer {
        let token = after.json["token"].as_str().unwrap_or_default();
        let request = self.client.get(self.url(path)).header("headwater-wait", "10s");
        self.answer(request.header("headwater-consistency", token)).await
    }

    /// The lines that answer to a batch.
    pub(crate) async fn batch(&self, lines: String) -> Vec<Value> {
        let request = self.client.post(self.url("/v1/commands")).bearer_auth(&self.token);
        let request = request.header("content-type", "application/x-ndjson").body(lines);
        let text = request.send().await.unwrap().text().await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) async fn schema_names(&self) -> Vec<String> {
        let channel = tonic::transport::Channel::from_shared(format!("http://{}", self.grpc)).unwrap();
        let mut schemas = SchemaServiceClient::new(channel.connect().await.unwrap());
        let mut request = tonic::Request::new(ListSchemasRequest {});
        let bearer = format!("Bearer {}", self.token).parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        schemas.list_schemas(request).await.unwrap().into_inner().names
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.bearer_auth(&self.token).send().await.unwrap();
        let etag = response
            .headers()
            .get("etag")
            .map(|tag| tag.to_str().unwrap().to_owned());
        Answer {
            status: response.status().as_u16(),
            etag,
            json: response.json().await.unwrap(),
        }
    }
}

async fn serve(fixture: &LogFixture, edge: &Edge, app: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, edge) = (listener.local_addr().unwrap(), edge.clone());
    drop(
        fixture
            .runtime
            .spawn(async move { serve_http(listener, app, &edge, std::future::pending()).await.unwrap() }),
    );
    address
}
