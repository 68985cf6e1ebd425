//! Serving, as a client sees it: failures of handlers, refusals of the framework, the end of a server.

#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

use axum::{
    Router,
    extract::Query,
    routing::{get, post},
};
use headwater_edge::{Authenticated, Edge, Limits, Problem, Surroundings, TrustedProxies, serve_http};
use headwater_kernel::{Region, TenantId};
use headwater_runtime::{Runtime, Task};
use headwater_tenancy::{Authenticator, DevelopmentKey, Role, TenantDirectory, TokenRequest};
use serde_json::Value;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::oneshot};

struct Server {
    address: SocketAddr,
    token: String,
    stop: Option<oneshot::Sender<()>>,
    served: Option<Task>,
    runtime: Runtime,
}

#[derive(serde::Deserialize)]
struct Page {
    limit: u32,
}

fn routes(runtime: &Runtime) -> Router {
    let slow = runtime.clone();
    Router::new()
        .route(
            "/v1/panics",
            get(|| async { panic!("the secret of {}", "acme") as &'static str }),
        )
        .route("/v1/panics", post(|| async { panic!("the secret") as &'static str }))
        .route(
            "/v1/page",
            get(|Query(page): Query<Page>| async move { page.limit.to_string() }),
        )
        .route(
            "/v1/who",
            get(|Authenticated(caller): Authenticated| async move { caller.scope.tenant().to_string() }),
        )
        .route("/v1/fails", get(|| async { Problem::internal("the secret") }))
        .route(
            "/v1/slow",
            get(move || async move { slow.sleep(Duration::from_millis(300)).await }),
        )
        .route("/v1/never", get(std::future::pending::<()>))
        .route(
            "/v1/from",
            get(|Authenticated(caller): Authenticated| async move {
                let client = caller.scope.client().and_then(|client| client.known()).copied();
                assert!(!format!("{:?}", caller.scope).contains("127.0.0.1"), "not in a log");
                client.map(|client| client.to_string()).unwrap_or_default()
            }),
        )
        .route("/who", get(|Authenticated(_): Authenticated| async { "nobody" }))
}

async fn start(limits: Limits) -> Server {
    start_behind(TrustedProxies::default(), limits).await
}

async fn start_behind(proxies: TrustedProxies, limits: Limits) -> Server {
    let runtime = Runtime::tokio();
    let tenant = TenantId::new("acme").unwrap();
    let key = Arc::new(DevelopmentKey::new(runtime.random()));
    let ttl = Duration::from_secs(60);
    let token = key.sign(
        &TokenRequest {
            tenant: tenant.clone(),
            subject: "ann".into(),
            roles: vec![Role::Owner],
            ttl,
        },
        &runtime,
    );
    let directory = TenantDirectory::fixed([(tenant, Region::Us)], runtime.clone());
    let edge = Edge::with(
        Surroundings {
            proxies,
            ..Surroundings::default()
        },
        Authenticator::new(key, directory, runtime.clone()),
        limits,
        runtime.clone(),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let app = edge.http(routes(&runtime));
    let served = runtime.spawn(async move {
        serve_http(listener, app, &edge, async { stopped.await.unwrap_or_default() })
            .await
            .unwrap();
    });
    Server {
        address,
        token,
        stop: Some(stop),
        served: Some(served),
        runtime,
    }
}

impl Server {
    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        headwater_runtime::tls::use_ring();
        let url = format!("http://{}{path}", self.address);
        reqwest::Client::new().request(method, url).bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let response = self.request(reqwest::Method::GET, path).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn problem(&self, path: &str) -> (u16, Value) {
        let (status, text) = self.get(path).await;
        (status, serde_json::from_str(&text).unwrap())
    }
}

#[tokio::test]
async fn what_goes_wrong_inside_is_a_problem_that_tells_nothing() {
    let server = start(Limits::default()).await;
    for path in ["/v1/panics", "/v1/fails"] {
        let (status, problem) = server.problem(path).await;
        assert_eq!((status, &problem["code"]), (500, &"internal".into()));
        assert!(!problem.to_string().contains("secret"), "{problem}");
        assert_eq!(problem["trace_id"].as_str().map(str::len), Some(32));
    }
    let response = server
        .request(reqwest::Method::POST, "/v1/panics")
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 500);
    assert_eq!(server.get("/v1/who").await, (200, "acme".into()));
    assert_eq!(server.problem("/who").await.0, 401, "outside of /v1 nobody is a caller");
}

#[tokio::test]
async fn refusals_of_the_framework_are_problems() {
    let server = start(Limits::default()).await;
    let (status, problem) = server.problem("/v1/page?limit=many").await;
    assert_eq!((status, &problem["code"]), (400, &"bad-request".into()));
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("limit")),
        "{problem}"
    );
}

#[tokio::test]
async fn a_query_has_a_deadline() {
    let server = start(Limits {
        deadline: Duration::from_millis(100),
        ..Limits::default()
    })
    .await;
    let (status, problem) = server.problem("/v1/never").await;
    assert_eq!((status, &problem["code"]), (503, &"deadline-exceeded".into()));
}

#[tokio::test]
async fn stopping_lets_requests_in_work_end_and_takes_no_new_ones() {
    let mut server = start(Limits::default()).await;
    let slow = server.request(reqwest::Method::GET, "/v1/slow");
    let (answered, answer) = oneshot::channel();
    drop(
        server
            .runtime
            .spawn(async move { answered.send(slow.send().await.unwrap().status()).unwrap() }),
    );
    server.runtime.sleep(Duration::from_millis(100)).await;
    server.stop.take().unwrap().send(()).unwrap();
    let served = server.served.take().unwrap().join();
    server
        .runtime
        .timeout(Duration::from_secs(5), served)
        .await
        .expect("it drains")
        .unwrap();
    assert_eq!(answer.await.unwrap(), 200);
    assert!(server.request(reqwest::Method::GET, "/v1/who").send().await.is_err());
}

#[tokio::test]
async fn a_caller_comes_from_its_peer_or_from_where_a_trusted_proxy_says() {
    let of = async |server: &Server| {
        let request = server.request(reqwest::Method::GET, "/v1/from");
        let request = request.header("x-forwarded-for", "1.2.3.4, 198.51.100.1");
        request.send().await.unwrap().text().await.unwrap()
    };
    let direct = start(Limits::default()).await;
    assert_eq!(of(&direct).await, "127.0.0.1", "whoever is not trusted is not believed");
    let proxies = TrustedProxies {
        networks: vec!["127.0.0.0/8".parse().unwrap()],
        ..TrustedProxies::default()
    };
    let behind = start_behind(proxies, Limits::default()).await;
    assert_eq!(of(&behind).await, "198.51.100.1");
}
