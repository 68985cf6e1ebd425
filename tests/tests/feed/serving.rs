//! A query service with the feed of the test context, in process and behind real sockets.

use crate::{
    given::{Given, pump},
    notes::Note,
};
use axum::{
    body::{Body, BodyDataStream},
    http::Request,
};
use headwater_dynamo_repository::{Generations, Repository};
use headwater_edge::{Edge, Limits, serve_http, v1::query_service_client::QueryServiceClient};
use headwater_event_log::FeedWriter;
use headwater_kernel::{AggregateRegistry, Region, TenantId};
use headwater_query_service::{self as queries, Message, QueryService, Subscription, SubscriptionOptions};
use headwater_runtime::Runtime;
use headwater_tenancy::{Authenticator, DevelopmentKey, Role, TenantDirectory, TokenRequest};
use headwater_tests::{account::Account, sealing_key};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tonic::transport::Channel;
use tower::ServiceExt;

/// An event as (context, id, sequence, type).
pub(crate) type Seen = (String, String, u64, String);

pub(crate) fn service(given: &Given, options: SubscriptionOptions) -> QueryService {
    let views = given.databases.rebuildable.clone();
    let generations = Generations::new(views.clone(), given.runtime.clone());
    let repository = move |projection| Repository::new(views.clone(), projection, generations.clone(), sealing_key());
    let mut builder = QueryService::builder(
        given.log.clone(),
        Arc::new(repository),
        sealing_key(),
        given.runtime.clone(),
    );
    builder.aggregate::<Account>();
    builder.aggregate::<Note>();
    builder.subscriptions(options).build()
}

pub(crate) fn options() -> SubscriptionOptions {
    SubscriptionOptions::default()
}

/// Of events, the aggregate and the sequence.
pub(crate) fn ids(seen: Vec<Seen>) -> Vec<(String, u64)> {
    seen.into_iter().map(|(_, id, sequence, _)| (id, sequence)).collect()
}

pub(crate) fn parameters(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect()
}

/// Reads until `count` events have come; gives them and the last cursor.
pub(crate) async fn take(subscription: &mut Subscription, count: usize) -> (Vec<Seen>, String) {
    let mut seen = Vec::new();
    let mut last = String::new();
    while seen.len() < count {
        match subscription.next().await.expect("the subscription goes on") {
            Message::Event { cursor, event } => {
                seen.push((
                    event.context.clone(),
                    event.id.clone(),
                    event.sequence,
                    event.event_type.clone(),
                ));
                last = cursor;
            }
            Message::Heartbeat { cursor } => last = cursor,
            Message::End { reason, .. } => panic!("ended: {reason:?} after {}", seen.len()),
        }
    }
    (seen, last)
}

/// Moves what is new in the stream into the feed.
pub(crate) async fn feed(given: &Given, writer: &FeedWriter) {
    pump(writer, "s1", 1, &given.records().await, 10).await.unwrap();
}

/// An edge for the tenants of the tests, and the key that signs for it.
fn edge(given: &Given) -> (Edge, Arc<DevelopmentKey>) {
    let key = Arc::new(DevelopmentKey::new(given.runtime.random()));
    let tenants = ["acme", "other"].map(|tenant| (TenantId::new(tenant).unwrap(), Region::Us));
    let directory = TenantDirectory::fixed(tenants, given.runtime.clone());
    let authenticator = Authenticator::new(key.clone(), directory, given.runtime.clone());
    (Edge::new(authenticator, Limits::default(), given.runtime.clone()), key)
}

fn bearer(key: &DevelopmentKey, runtime: &Runtime, tenant: &str, ttl: Duration) -> String {
    let request = TokenRequest {
        tenant: TenantId::new(tenant).unwrap(),
        subject: "ann".into(),
        roles: vec![Role::Auditor],
        ttl,
    };
    format!("Bearer {}", key.sign(&request, runtime))
}

/// An answer without a socket: nothing of its body is made before it is read.
pub(crate) async fn unread(given: &Given, service: &QueryService, path: &str) -> BodyDataStream {
    let (edge, key) = edge(given);
    let routes = edge.http(queries::router(service.clone(), edge.clone()));
    let token = bearer(&key, &given.runtime, "acme", Duration::from_secs(600));
    let request = Request::get(path).header("authorization", token);
    let answer = routes.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    answer.into_body().into_data_stream()
}

pub(crate) struct Served {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    key: Arc<DevelopmentKey>,
    given: Runtime,
}

impl Served {
    pub(crate) async fn start(given: &Given, service: &QueryService) -> Self {
        let (edge, key) = edge(given);
        let routes = edge.http(queries::router(service.clone(), edge.clone()));
        let mut services = tonic::service::Routes::builder();
        services.add_service(queries::grpc(service.clone(), edge.clone()));
        let mut addresses = Vec::new();
        for app in [routes, edge.grpc(services.routes())] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            addresses.push(listener.local_addr().unwrap());
            let edge = edge.clone();
            drop(given.runtime.spawn(async move {
                serve_http(listener, app, &edge, std::future::pending()).await.unwrap();
            }));
        }
        Self {
            http: addresses[0],
            grpc: addresses[1],
            key,
            given: given.runtime.clone(),
        }
    }

    pub(crate) fn token(&self, tenant: &str) -> String {
        self.token_for(tenant, Duration::from_secs(600))
    }

    pub(crate) fn token_for(&self, tenant: &str, ttl: Duration) -> String {
        bearer(&self.key, &self.given, tenant, ttl)
    }

    pub(crate) fn get(&self, tenant: &str, path: &str) -> reqwest::RequestBuilder {
        self.get_with(&self.token(tenant), path)
    }

    pub(crate) fn get_with(&self, token: &str, path: &str) -> reqwest::RequestBuilder {
        headwater_runtime::tls::use_ring();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client
            .get(format!("http://{}{path}", self.http))
            .header("authorization", token)
    }

    pub(crate) async fn queries(&self) -> QueryServiceClient<Channel> {
        let channel = Channel::from_shared(format!("http://{}", self.grpc)).unwrap();
        QueryServiceClient::new(channel.connect().await.unwrap())
    }
}

/// One frame of server-sent events.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) data: serde_json::Value,
}

/// Reads frames off an answer, as an `EventSource` would.
pub(crate) struct Frames {
    answer: reqwest::Response,
    text: String,
}

impl Frames {
    pub(crate) fn of(answer: reqwest::Response) -> Self {
        assert_eq!(answer.status().as_u16(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self {
            answer,
            text: String::new(),
        }
    }

    /// The next frame, also one without an event; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let mut read = Frame::default();
                for line in frame.lines() {
                    match line.split_once(": ") {
                        Some(("id", value)) => read.id = value.into(),
                        Some(("event", value)) => read.event = value.into(),
                        Some(("data", value)) => read.data = serde_json::from_str(value).unwrap(),
                        _ => assert_eq!(line, ":"),
                    }
                }
                self.text = rest.to_owned();
                return Some(read);
            }
            let chunk = self.answer.chunk().await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next events, without heartbeats.
    pub(crate) async fn events(&mut self, count: usize) -> Vec<Frame> {
        let mut events = Vec::new();
        while events.len() < count {
            let frame = self.next().await.expect("the stream goes on");
            if !frame.event.is_empty() {
                events.push(frame);
            }
        }
        events
    }
}
