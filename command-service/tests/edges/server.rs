//! A server of commands in this process, with a folder of its own.

use headwater_command_service as commands;
use headwater_dynamodb::{Databases, faults::Faults};
use headwater_edge::{
    Edge, Limits, OpenApi, Refusals, Schemas, Surroundings, docs, serve_http,
    v1::command_service_client::CommandServiceClient,
};
use headwater_event_log::{EventLog, Options};
use headwater_kernel::{Region, TenantId};
use headwater_runtime::Runtime;
use headwater_tenancy::{Authenticator, DevelopmentKey, Role, SealingKey, TenantDirectory, TenantState, TokenRequest};
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tonic::{metadata::MetadataValue, transport::Channel};

pub(crate) struct Server {
    _dir: tempfile::TempDir,
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) client: reqwest::Client,
    pub(crate) runtime: Runtime,
    /// What goes wrong between the log and the engine.
    pub(crate) faults: Faults,
    pub(crate) log: EventLog,
    /// What is told to audit logs.
    pub(crate) refusals: Refusals,
    pub(crate) directory: TenantDirectory,
    pub(crate) key: Arc<DevelopmentKey>,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// That it is a whole problem document with this status and code; and which.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.json();
        assert_eq!(
            (self.status, problem["code"].as_str()),
            (status, Some(code)),
            "{problem}"
        );
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "detail", "trace_id"] {
            assert!(
                problem[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member} in {problem}"
            );
        }
        problem
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        headwater_runtime::tls::use_ring();
        let dir = tempfile::tempdir().unwrap();
        let runtime = Runtime::tokio();
        let faults = Faults::seeded(1);
        let databases = Databases::embedded_with_faults(dir.path(), runtime.clone(), faults.clone()).unwrap();
        let sealing = SealingKey::new([3; 32]);
        let log = EventLog::new(
            databases.durable.clone(),
            sealing.clone(),
            Options::default(),
            runtime.clone(),
        );
        log.ensure_tables(headwater_catalog::CONTEXT).await.unwrap();
        let mut builder = commands::CommandBus::builder(log.clone(), sealing, runtime.clone());
        headwater_catalog::register(&mut builder);
        let bus = builder.build();

        let key = Arc::new(DevelopmentKey::new(runtime.random()));
        databases
            .ensure_table(&headwater_tenancy::tenants_table())
            .await
            .unwrap();
        let directory = TenantDirectory::new(databases.durable.clone(), runtime.clone());
        for tenant in ["demo", "other"] {
            let tenant = TenantId::new(tenant).unwrap();
            directory.create(&key.operator(), &tenant, Region::Us).await.unwrap();
        }
        let refusals = Refusals::default();
        let surroundings = Surroundings {
            refusals: Some(refusals.clone()),
            ..Surroundings::default()
        };
        let edge = Edge::with(
            surroundings,
            Authenticator::new(key.clone(), directory.clone(), runtime.clone()),
            limits,
            runtime.clone(),
        );

        let schemas = Schemas::of(bus.aggregates());
        let mut document = OpenApi::new();
        commands::describe(&bus, &mut document);
        let routes = commands::router(bus.clone(), edge.clone()).merge(docs(&document.finish(), schemas.clone()));
        let mut services = tonic::service::Routes::builder();
        services
            .add_service(commands::grpc(bus, edge.clone()))
            .add_service(schemas.grpc(edge.clone()));
        let (http, grpc) = (edge.http(routes), edge.grpc(services.routes()));
        let http = serve(&runtime, &edge, http).await;
        let grpc = serve(&runtime, &edge, grpc).await;
        Self {
            _dir: dir,
            http,
            grpc,
            client: reqwest::Client::new(),
            runtime,
            faults,
            log,
            refusals,
            directory,
            key,
        }
    }

    /// Suspends `demo`, or lets it work again.
    pub(crate) async fn set_state(&self, state: TenantState) {
        let demo = TenantId::new("demo").unwrap();
        let operator = self.key.operator();
        self.directory.set_state(&operator, &demo, state).await.unwrap();
    }

    pub(crate) fn token_of(&self, tenant: &str, roles: &[Role], ttl: Duration) -> String {
        let request = TokenRequest {
            tenant: TenantId::new(tenant).unwrap(),
            subject: "ann".into(),
            roles: roles.to_vec(),
            ttl,
        };
        self.key.sign(&request, &self.runtime)
    }

    pub(crate) fn token(&self) -> String {
        self.token_of("demo", &[Role::Owner], Duration::from_secs(600))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// A POST with the token of `demo`.
    pub(crate) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(self.url(path)).bearer_auth(self.token())
    }

    pub(crate) async fn create(&self, id: &str) -> Answer {
        Answer::of(self.post(&format!("/v1/catalog/products/{id}/create")).json(&product())).await
    }

    pub(crate) async fn batch(&self, lines: impl Into<reqwest::Body>) -> Answer {
        let request = self
            .post("/v1/commands")
            .header("content-type", "application/x-ndjson")
            .body(lines);
        Answer::of(request).await
    }

    pub(crate) async fn commands(&self) -> CommandServiceClient<Channel> {
        let channel = Channel::from_shared(format!("http://{}", self.grpc))
            .unwrap()
            .connect()
            .await
            .unwrap();
        CommandServiceClient::new(channel)
    }

    pub(crate) fn authorize<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        let value = MetadataValue::try_from(format!("Bearer {}", self.token())).unwrap();
        request.metadata_mut().insert("authorization", value);
        request
    }
}

async fn serve(runtime: &Runtime, edge: &Edge, app: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let edge = edge.clone();
    drop(runtime.spawn(async move { serve_http(listener, app, &edge, std::future::pending()).await.unwrap() }));
    address
}

pub(crate) fn product() -> Value {
    json!({ "sku": "S-1", "title": "Kettle", "brand": "Acme", "price_cents": 1999 })
}

/// A line of a batch.
pub(crate) fn line(id: &str, command: &str, payload: &Value) -> String {
    json!({ "context": "catalog", "aggregate": "products", "id": id, "command": command, "payload": payload })
        .to_string()
}
