//! gRPC calls by a client that sends headers and then takes its time: who may come in is decided without waiting for a body.

#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

use h2::{SendStream, client::SendRequest};
use headwater_edge::{Edge, Limits, Schemas, error_info, serve_http};
use headwater_kernel::{AggregateType, Region, TenantId};
use headwater_runtime::Runtime;
use headwater_tenancy::{Authenticator, DevelopmentKey, Role, TenantDirectory, TokenRequest};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tonic::{Code, Status};

const LIST: &str = "/headwater.v1.SchemaService/ListSchemas";
/// An empty message, in its frame.
const EMPTY: &[u8] = &[0, 0, 0, 0, 0];

struct Server {
    address: SocketAddr,
    token: String,
    runtime: Runtime,
}

async fn start(limits: Limits) -> Server {
    let runtime = Runtime::tokio();
    let tenant = TenantId::new("acme").unwrap();
    let key = Arc::new(DevelopmentKey::new(runtime.random()));
    let request = TokenRequest {
        tenant: tenant.clone(),
        subject: "ann".into(),
        roles: vec![Role::Owner],
        ttl: Duration::from_secs(60),
    };
    let token = key.sign(&request, &runtime);
    let directory = TenantDirectory::fixed([(tenant, Region::Us)], runtime.clone());
    let authenticator = Authenticator::new(key, directory, runtime.clone());
    let edge = Edge::new(authenticator, limits, runtime.clone());
    let (_, health) = tonic_health::server::health_reporter();
    let mut services = tonic::service::Routes::builder();
    services
        .add_service(Schemas::of(&[] as &[AggregateType]).grpc(edge.clone()))
        .add_service(health);
    let app = edge.grpc(services.routes());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(runtime.spawn(async move { serve_http(listener, app, &edge, std::future::pending()).await.unwrap() }));
    Server {
        address,
        token,
        runtime,
    }
}

/// A call whose body is still to come.
struct Call {
    body: SendStream<bytes::Bytes>,
    answer: h2::client::ResponseFuture,
}

impl Server {
    async fn connect(&self) -> SendRequest<bytes::Bytes> {
        let socket = TcpStream::connect(self.address).await.unwrap();
        let (client, connection) = h2::client::handshake(socket).await.unwrap();
        drop(self.runtime.spawn(async move { drop(connection.await) }));
        client
    }

    async fn begin(&self, path: &str, token: Option<&str>) -> Call {
        let mut request = http::Request::post(format!("http://{}{path}", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut client = self.connect().await.ready().await.unwrap();
        let (answer, body) = client.send_request(request.body(()).unwrap(), false).unwrap();
        Call { body, answer }
    }

    /// A call of the schemas' list with a token.
    async fn list(&self) -> Call {
        self.begin(LIST, Some(&self.token)).await
    }

    /// How the call ends, which must not take long.
    async fn end(&self, Call { body, answer }: Call) -> Status {
        let end = async {
            let mut response = answer.await.unwrap();
            let status = match Status::from_header_map(response.headers()) {
                Some(status) => status,
                None => {
                    while let Some(data) = response.body_mut().data().await {
                        drop(data.unwrap());
                    }
                    let trailers = response.body_mut().trailers().await.unwrap().unwrap();
                    Status::from_header_map(&trailers).unwrap()
                }
            };
            drop(body);
            status
        };
        let end = self.runtime.timeout(Duration::from_secs(5), end).await;
        end.expect("the server answers")
    }
}

fn refusal(status: &Status) -> (Code, String) {
    (status.code(), error_info(status).unwrap().reason)
}

#[tokio::test]
async fn who_may_not_come_in_is_told_before_a_body_comes() {
    let server = start(Limits::default()).await;
    for (token, reason) in [(None, "unauthenticated"), (Some("forged"), "invalid-token")] {
        for path in [LIST, "/headwater.v1.CommandService/SubmitMany", "/no.such/Service"] {
            let status = server.end(server.begin(path, token).await).await;
            assert_eq!(refusal(&status), (Code::Unauthenticated, reason.into()), "{path}");
        }
    }
    let mut call = server.list().await;
    call.body.send_data(EMPTY.into(), true).unwrap();
    assert_eq!(server.end(call).await.code(), Code::Ok);
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_the_call() {
    let server = start(Limits {
        body_timeout: Duration::from_millis(200),
        ..Limits::default()
    })
    .await;
    let nothing = server.list().await;
    let mut part = server.list().await;
    part.body.send_data(EMPTY[..3].into(), false).unwrap();
    let mut endless = server.list().await;
    endless.body.send_data(EMPTY.into(), false).unwrap();
    for call in [nothing, part, endless] {
        let status = server.end(call).await;
        assert_eq!(refusal(&status), (Code::DeadlineExceeded, "request-timeout".into()));
    }
    // Health needs no token, and its callers get no more time for it.
    let status = server
        .end(server.begin("/grpc.health.v1.Health/Check", None).await)
        .await;
    assert_eq!(refusal(&status), (Code::DeadlineExceeded, "request-timeout".into()));
}

#[tokio::test]
async fn health_is_answered_without_a_token() {
    let server = start(Limits::default()).await;
    let mut call = server.begin("/grpc.health.v1.Health/Check", None).await;
    call.body.send_data(EMPTY.into(), true).unwrap();
    assert_eq!(server.end(call).await.code(), Code::Ok);
}

#[tokio::test]
async fn calls_without_a_body_count_as_work() {
    let server = start(Limits {
        max_in_flight: 1,
        ..Limits::default()
    })
    .await;
    let mut first = server.list().await;
    // Whichever is let in, the other is refused at once, and the place is free again after the first.
    server.runtime.sleep(Duration::from_millis(100)).await;
    let status = server.end(server.list().await).await;
    assert_eq!(refusal(&status), (Code::Unavailable, "overloaded".into()));
    first.body.send_data(EMPTY.into(), true).unwrap();
    assert_eq!(server.end(first).await.code(), Code::Ok);
    let mut next = server.list().await;
    next.body.send_data(EMPTY.into(), true).unwrap();
    assert_eq!(server.end(next).await.code(), Code::Ok);
}

#[tokio::test]
async fn a_message_larger_than_any_body_is_not_kept() {
    let server = start(Limits {
        max_body: 1 << 10,
        ..Limits::default()
    })
    .await;
    let mut call = server.list().await;
    let mut data = vec![0, 0, 16, 0, 0];
    data.resize(1 << 19, 0);
    call.body.send_data(data.into(), false).unwrap();
    let status = server.end(call).await;
    assert_eq!(refusal(&status), (Code::InvalidArgument, "payload-too-large".into()));
}
