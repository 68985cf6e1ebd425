//! A server of reads in this process, with a folder of its own.

use axum::{Router, routing::post};
use headwater_dynamo_repository::{Generations, Repository};
use headwater_dynamodb::{Database, Databases, tables};
use headwater_edge::{
    ConsistencyToken, Edge, Limits, OpenApi, Problem, serve_http, v1::query_service_client::QueryServiceClient,
};
use headwater_event_log::{EventLog, Options};
use headwater_kernel::{Region, TenantId};
use headwater_metrics::sqlite::SqliteStore;
use headwater_query_service::{self as queries, QueryService};
use headwater_read_models::{
    invoice_search::{self, InvoiceDocument},
    order_search::{self, OrderDocument},
    product_search::{self, ProductDocument},
    search::SearchDocument,
};
use headwater_runtime::Runtime;
use headwater_search::{IndexName, tantivy::TantivyIndex};
use headwater_tenancy::{Authenticator, DevelopmentKey, Role, SealingKey, TenantDirectory, TokenRequest};
use serde_json::Value;
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tonic::{metadata::MetadataValue, transport::Channel};

pub(crate) struct Server {
    _dir: tempfile::TempDir,
    pub(crate) http: SocketAddr,
    grpc: SocketAddr,
    client: reqwest::Client,
    pub(crate) runtime: Runtime,
    pub(crate) log: EventLog,
    pub(crate) views: Database,
    pub(crate) indexes: BTreeMap<&'static str, Arc<TantivyIndex>>,
    pub(crate) metrics: Arc<SqliteStore>,
    pub(crate) document: Value,
    repositories: Arc<dyn Fn(&'static str) -> Repository + Send + Sync>,
    sealing: SealingKey,
    key: Arc<DevelopmentKey>,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"));
        Self { status, headers, json }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// That it is a problem with this status and code; and which.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(
            (self.status, self.json["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.json
        );
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        self.json
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.json);
        self.json
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        headwater_runtime::tls::use_ring();
        let dir = tempfile::tempdir().unwrap();
        let runtime = Runtime::tokio();
        let databases = Databases::embedded(dir.path(), runtime.clone()).unwrap();
        let sealing = SealingKey::new([3; 32]);
        let log = EventLog::new(
            databases.durable.clone(),
            sealing.clone(),
            Options::default(),
            runtime.clone(),
        );
        for context in ["catalog", "crm", "orders", "billing", "analytics"] {
            log.ensure_tables(context).await.unwrap();
            databases.ensure_table(&tables::views_table(context)).await.unwrap();
        }
        databases.ensure_table(&tables::checkpoints_table()).await.unwrap();
        let views = databases.rebuildable.clone();
        let generations = Generations::new(views.clone(), runtime.clone());
        let (of, key) = (views.clone(), sealing.clone());
        let repositories: Arc<dyn Fn(&'static str) -> Repository + Send + Sync> =
            Arc::new(move |projection| Repository::new(of.clone(), projection, generations.clone(), key.clone()));
        let kinds = [
            (product_search::PROJECTION, ProductDocument::mapping()),
            (order_search::PROJECTION, OrderDocument::mapping()),
            (invoice_search::PROJECTION, InvoiceDocument::mapping()),
        ];
        let indexes: BTreeMap<_, _> = kinds
            .into_iter()
            .map(|(projection, mapping)| {
                let name = IndexName::new(mapping.kind, projection, 1);
                let folder = dir.path().join("search");
                let index = TantivyIndex::open(&folder, &name, mapping, sealing.clone(), runtime.clone());
                (mapping.kind, Arc::new(index.unwrap()))
            })
            .collect();
        let mut builder =
            QueryService::builder(log.clone(), Arc::clone(&repositories), sealing.clone(), runtime.clone());
        headwater_read_models::register(&mut builder);
        headwater_catalog::register(&mut builder);
        headwater_crm::register(&mut builder);
        headwater_orders::register(&mut builder);
        headwater_billing::register(&mut builder);
        headwater_analytics::register(&mut builder);
        let metrics = Arc::new(SqliteStore::open(&dir.path().join("metrics.db"), runtime.clone()).unwrap());
        builder = builder.metric_store(metrics.clone());
        for (kind, index) in &indexes {
            builder = builder.search_index(kind, index.clone());
        }
        let service = builder.build();

        let key = Arc::new(DevelopmentKey::new(runtime.random()));
        let tenants = ["demo", "other"].map(|tenant| (TenantId::new(tenant).unwrap(), Region::Us));
        let directory = TenantDirectory::fixed(tenants, runtime.clone());
        let authenticator = Authenticator::new(key.clone(), directory, runtime.clone());
        let edge = Edge::new(authenticator, Limits::default(), runtime.clone());
        let mut document = OpenApi::new();
        queries::describe(&service, &mut document);
        // The routes of commands, beside which these have to live.
        let commands = Router::new()
            .route("/v1/commands", post(async || "\"commands\""))
            .route(
                "/v1/{context}/{aggregates}/{id}/{command}",
                post(async || Ok::<_, Problem>("\"command\"")),
            );
        let routes = queries::router(service.clone(), edge.clone()).merge(commands);
        let mut services = tonic::service::Routes::builder();
        services.add_service(queries::grpc(service, edge.clone()));
        let http = serve(&runtime, &edge, edge.http(routes)).await;
        let grpc = serve(&runtime, &edge, edge.grpc(services.routes())).await;
        Self {
            _dir: dir,
            http,
            grpc,
            client: reqwest::Client::new(),
            runtime,
            log,
            views,
            indexes,
            metrics,
            document: document.finish(),
            repositories,
            sealing,
            key,
        }
    }

    pub(crate) fn repository(&self, projection: &'static str) -> Repository {
        (self.repositories)(projection)
    }

    pub(crate) fn token_of(&self, tenant: &str, roles: &[Role]) -> String {
        let request = TokenRequest {
            tenant: TenantId::new(tenant).unwrap(),
            subject: "ann".into(),
            roles: roles.to_vec(),
            ttl: Duration::from_secs(600),
        };
        self.key.sign(&request, &self.runtime)
    }

    pub(crate) fn request(&self, method: reqwest::Method, tenant: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.http);
        self.client
            .request(method, url)
            .bearer_auth(self.token_of(tenant, &[Role::Auditor]))
    }

    pub(crate) async fn get_as(&self, tenant: &str, path: &str) -> Answer {
        Answer::of(self.request(reqwest::Method::GET, tenant, path)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_as("demo", path).await
    }

    /// A read that brings a consistency token.
    pub(crate) async fn get_after(&self, path: &str, token: &str, wait: &str) -> Answer {
        let request = self.request(reqwest::Method::GET, "demo", path);
        let request = request.header("headwater-consistency", token);
        Answer::of(request.header("headwater-wait", wait)).await
    }

    pub(crate) fn consistency(&self, tenant: &str, [context, aggregate, id]: [&str; 3], version: u64) -> String {
        let token = ConsistencyToken {
            tenant: TenantId::new(tenant).unwrap(),
            context: context.into(),
            aggregate: aggregate.into(),
            id: crate::given::id(id),
            version,
        };
        token.mint(&self.sealing)
    }

    pub(crate) async fn queries(&self) -> QueryServiceClient<Channel> {
        let channel = Channel::from_shared(format!("http://{}", self.grpc)).unwrap();
        QueryServiceClient::new(channel.connect().await.unwrap())
    }

    pub(crate) fn authorize<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        let token = self.token_of("demo", &[Role::Member]);
        let value = MetadataValue::try_from(format!("Bearer {token}")).unwrap();
        request.metadata_mut().insert("authorization", value);
        request
    }
}

async fn serve(runtime: &Runtime, edge: &Edge, app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let edge = edge.clone();
    drop(runtime.spawn(async move { serve_http(listener, app, &edge, std::future::pending()).await.unwrap() }));
    address
}
