//! The operators' routes over a log whose projection can be poisoned, served by HTTP and gRPC in this process.

use super::super::{Admin, DeclaredFolds, Kept, Parts, grpc, projecting_routes, tenant_routes};
use headwater_edge::{Edge, Limits, serve_http, v1::admin_service_client::AdminServiceClient};
use headwater_kernel::{AggregateType, Id, Region, TenantId};
use headwater_projectors::{Catalogue, Keeper, ReplayOptions, Replays, RunnerOptions, Sources, Stores};
use headwater_tenancy::{Authenticator, DevelopmentKey, Role, TenantDirectory, TokenRequest, WorkerAuthority};
use headwater_tests::{
    LogFixture,
    account::{Account, CONTEXT, Command},
    bytes,
    projections::{Keeping, poison, register},
    request, sealing_key,
};
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;

pub(super) struct World {
    pub(super) fixture: LogFixture,
    pub(super) keeping: Keeping,
    pub(super) admin: Admin,
    keeper: Keeper,
    key: Arc<DevelopmentKey>,
    http: SocketAddr,
    grpc: SocketAddr,
    client: reqwest::Client,
}

fn options() -> ReplayOptions {
    ReplayOptions {
        poll: Duration::from_millis(20),
        segments: 2,
        save_every: Duration::from_millis(20),
        outlive: Duration::ZERO,
        settle: Duration::from_millis(50),
        ..ReplayOptions::default()
    }
}

impl World {
    pub(super) async fn start() -> Self {
        headwater_runtime::tls::use_ring();
        let fixture = LogFixture::new().await;
        let (log, runtime, views) = (&fixture.log, &fixture.runtime, &fixture.databases.rebuildable);
        let keeping = Keeping::new(log.clone(), views.clone(), runtime.clone()).await;
        let key = Arc::new(DevelopmentKey::new(runtime.random()));
        let repositories = keeping.clone();
        let mut catalogue = Catalogue::new(Stores {
            log: log.clone(),
            views: views.clone(),
            repository: Arc::new(move |projection| repositories.repository(projection)),
            indexes: headwater_projectors::Indexes::none(),
            metrics: headwater_projectors::Metrics::none(),
        });
        register(&mut catalogue);
        let sources = Sources {
            log: log.clone(),
            views: views.clone(),
            authority: WorkerAuthority::new(&key.operator(), Region::Us),
            contexts: vec![CONTEXT.to_owned()],
        };
        let replays = Replays::new(sources, catalogue, options(), runtime.clone());
        let keeper = Keeper::start(&replays, RunnerOptions::embedded(), runtime);

        let tenants = ["acme", "globex"].map(|tenant| (TenantId::new(tenant).unwrap(), Region::Us));
        let directory = TenantDirectory::fixed(tenants, runtime.clone());
        let authenticator = Authenticator::new(Arc::clone(&key), directory.clone(), runtime.clone());
        let edge = Edge::new(authenticator, Limits::default(), runtime.clone());
        let mut folds = DeclaredFolds::default();
        register(&mut folds);
        let admin = Admin::new(Parts {
            directory,
            log: log.clone(),
            views: views.clone(),
            sealing: sealing_key(),
            generations: headwater_dynamo_repository::Generations::new(views.clone(), runtime.clone()),
            aggregates: vec![AggregateType::of::<Account>()],
            folds,
            edge: edge.clone(),
            runtime: runtime.clone(),
            region: None,
            exporter: None,
        });
        admin.keeps(Kept {
            consumers: Box::new(keeper.kept()),
            watcher: keeper.watcher(),
            worker: keeper.worker().to_owned(),
            replays,
        });
        let routes = tenant_routes(admin.clone()).merge(projecting_routes(admin.clone()));
        let mut services = tonic::service::Routes::builder();
        services.add_service(grpc(admin.clone(), true));
        Self {
            http: serve(&fixture, &edge, edge.http(routes)).await,
            grpc: serve(&fixture, &edge, edge.grpc(services.routes())).await,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            fixture,
            keeping,
            admin,
            keeper,
            key,
        }
    }

    pub(super) async fn stop(self) {
        self.keeper.shut_down().await;
        self.fixture.databases.shutdown().await;
    }

    pub(super) fn token(&self, tenant: &str, roles: &[Role]) -> String {
        let request = TokenRequest {
            tenant: TenantId::new(tenant).unwrap(),
            subject: "ann".into(),
            roles: roles.to_vec(),
            ttl: Duration::from_secs(600),
        };
        self.key.sign(&request, &self.fixture.runtime)
    }

    /// Asks as an operator whose token names the tenant `globex`.
    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        self.get_as(&self.token("globex", &[Role::Operator]), path).await
    }

    pub(super) async fn get_as(&self, token: &str, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("http://{}{path}", self.http));
        answer(request.bearer_auth(token)).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.post_as(&self.token("globex", &[Role::Operator]), path, body).await
    }

    pub(super) async fn post_as(&self, token: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client.post(format!("http://{}{path}", self.http));
        answer(request.bearer_auth(token).json(body)).await
    }

    /// The lines of an answer.
    pub(super) async fn lines(&self, path: &str) -> Vec<Value> {
        let request = self.client.get(format!("http://{}{path}", self.http));
        let request = request.bearer_auth(self.token("globex", &[Role::Operator]));
        let text = request.send().await.unwrap().text().await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(super) async fn grpc(&self) -> AdminServiceClient<tonic::transport::Channel> {
        let channel = tonic::transport::Channel::from_shared(format!("http://{}", self.grpc)).unwrap();
        AdminServiceClient::new(channel.connect().await.unwrap())
    }

    /// A message with an operator's token.
    pub(super) fn message<T>(&self, message: T) -> tonic::Request<T> {
        self.message_as(&self.token("globex", &[Role::Operator]), message)
    }

    pub(super) fn message_as<T>(&self, token: &str, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        request
    }

    pub(super) async fn command(&self, id: &str, command: Command) {
        let command_id = self.fixture.runtime.uuid().to_string();
        let payload = bytes(&json!(command));
        let (accounts, id) = (self.fixture.accounts(), Id::new(id).unwrap());
        let request = request(&command_id, "c", &payload);
        let done = accounts
            .execute(&self.fixture.scope, &id, request, || Ok(command.clone()))
            .await;
        done.unwrap();
    }

    pub(super) async fn deposit(&self, id: &str, cents: i64) {
        self.command(id, Command::Deposit { cents }).await;
    }

    /// An account that the balances cannot follow: its withdrawal of `cents` makes the fold panic. Ends once it is parked.
    pub(super) async fn poisoned(&self, id: &str, cents: i64) {
        poison(cents, true);
        self.deposit(id, 5_000).await;
        self.command(id, Command::Withdraw { cents }).await;
        let path = format!("/v1/admin/parked/balances.1/acme/bank/accounts/{id}");
        for _ in 0..600 {
            if self.get(&path).await.0 == 200 {
                return;
            }
            self.fixture.runtime.sleep(Duration::from_millis(50)).await;
        }
        panic!("{id} was not parked");
    }

    /// Asks until the answer is as it should be.
    pub(super) async fn until(&self, path: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..600 {
            last = self.get(path).await.1;
            if is_right(&last) {
                return last;
            }
            self.fixture.runtime.sleep(Duration::from_millis(50)).await;
        }
        panic!("{path} stays {last:#}");
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
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
