//! Commands and appends a second beside raw conditional puts through the same SDK and engine, in one run at 1, 8 and 32 at a time.
//!
//! `cargo xtask bench append [SECONDS]`. Every line writes to a folder of its own on the same disk.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement of real time"
)]
#![allow(clippy::print_stdout, reason = "its output")]

use aws_sdk_dynamodb::types::AttributeValue;
use headwater_command_service::{CommandBus, Submission};
use headwater_edge::{Edge, Limits, serve_http, v1};
use headwater_kernel::{AggregateRegistry, Id};
use headwater_tenancy::{Authenticator, DevelopmentKey, Role, TenantDirectory, TokenRequest};
use headwater_tests::{LogFixture, account::Account, sealing_key};
use serde_json::json;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const AT_A_TIME: [usize; 3] = [1, 8, 32];

/// Runs `work(worker, n)` again and again with `workers` at a time; what it did a second.
async fn rate<F: Future<Output = ()> + Send>(
    seconds: f64,
    workers: usize,
    work: impl Fn(usize, u64) -> F + Send + Sync + 'static,
) -> f64 {
    let (work, done, started) = (Arc::new(work), Arc::new(AtomicU64::new(0)), Instant::now());
    let until = started + Duration::from_secs_f64(seconds);
    let tasks: Vec<_> = (0..workers)
        .map(|worker| {
            let (work, done) = (Arc::clone(&work), Arc::clone(&done));
            tokio::task::spawn(async move {
                let mut n = 0;
                while Instant::now() < until {
                    work(worker, n).await;
                    n += 1;
                }
                done.fetch_add(n, Ordering::Relaxed);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

async fn raw(seconds: f64, workers: usize) -> f64 {
    let fixture = LogFixture::new().await;
    let database = fixture.databases.durable.clone();
    // The item of a commit of one small event, attribute by attribute.
    rate(seconds, workers, move |worker, n| {
        let database = database.clone();
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let number = |number: u64| AttributeValue::N(number.to_string());
        async move {
            database
                .client()
                .put_item()
                .table_name("bank-events")
                .item("PK", AttributeValue::S(format!("TENANT#acme#raw#A{worker}")))
                .item("SK", AttributeValue::S(format!("{n:020}")))
                .item("v", number(1))
                .item("events", text(r#"[{"type":"Deposited","v":3,"data":{"cents":1}}]"#))
                .item("n", number(1))
                .item("command_id", text("01a20667-2a12-763b-8a14-8955aa1da6d0"))
                .item("tag", text("0123456789abcdef0123456789abcdef"))
                .item("actor", text("user:tester"))
                .item("time", number(1_795_000_000_000_000_000 + n))
                .item("writer", number(123_456_789_012_345))
                .condition_expression("attribute_not_exists(PK)")
                .send()
                .await
                .unwrap();
        }
    })
    .await
}

fn submission(worker: usize, command: &str, payload: serde_json::Value) -> Submission {
    Submission {
        context: "bank".into(),
        aggregate: "accounts".into(),
        id: format!("A{worker}"),
        command: command.into(),
        payload,
        command_id: None,
        expected_version: None,
        if_match: false,
        correlation_id: None,
        causation_id: None,
    }
}

fn bus(fixture: &LogFixture) -> CommandBus {
    let mut builder = CommandBus::builder(fixture.log.clone(), sealing_key(), fixture.runtime.clone());
    builder.aggregate::<Account>();
    builder.build()
}

/// Gives every worker's aggregate `events` events to begin with.
async fn fill(bus: &CommandBus, fixture: &LogFixture, workers: usize, events: usize) {
    for worker in 0..workers {
        let payload = json!({ "cents": 1, "times": events });
        bus.submit(&fixture.scope, submission(worker, "deposit-times", payload))
            .await
            .unwrap();
    }
}

async fn append(seconds: f64, workers: usize) -> f64 {
    let fixture = LogFixture::new().await;
    let store = fixture.accounts();
    let scope = fixture.scope.clone();
    rate(seconds, workers, move |worker, n| {
        let (store, scope) = (store.clone(), scope.clone());
        async move {
            let id = Id::new(format!("A{worker}")).unwrap();
            let request = headwater_tests::request(&format!("c{n}"), "deposit", b"{}");
            let command = || Ok(headwater_tests::account::Command::Deposit { cents: 1 });
            store.execute(&scope, &id, request, command).await.unwrap();
        }
    })
    .await
}

async fn in_process(seconds: f64, workers: usize, events: usize) -> f64 {
    let fixture = LogFixture::new().await;
    let bus = bus(&fixture);
    fill(&bus, &fixture, workers, events).await;
    let scope = fixture.scope.clone();
    rate(seconds, workers, move |worker, _| {
        let (bus, scope) = (bus.clone(), scope.clone());
        async move {
            bus.submit(&scope, submission(worker, "deposit", json!({ "cents": 1 })))
                .await
                .unwrap();
        }
    })
    .await
}

/// A server with its address and a bearer token.
async fn serve(fixture: &LogFixture, grpc: bool) -> (String, String) {
    let runtime = fixture.runtime.clone();
    let key = Arc::new(DevelopmentKey::new([3; 32]));
    let tenant = fixture.scope.tenant().clone();
    let token = key.sign(
        &TokenRequest {
            tenant: tenant.clone(),
            subject: "bench".into(),
            roles: vec![Role::Owner],
            ttl: Duration::from_secs(3_600),
        },
        &runtime,
    );
    let directory = TenantDirectory::fixed([(tenant, fixture.scope.region())], runtime.clone());
    let edge = Edge::new(
        Authenticator::new(key, directory, runtime.clone()),
        Limits::default(),
        runtime,
    );
    let bus = bus(fixture);
    let app = if grpc {
        let mut services = tonic::service::Routes::builder();
        services.add_service(headwater_command_service::grpc(bus, edge.clone()));
        edge.grpc(services.routes())
    } else {
        edge.http(headwater_command_service::router(bus, edge.clone()))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::task::spawn(async move { serve_http(listener, app, &edge, std::future::pending()).await });
    (url, format!("Bearer {token}"))
}

async fn over_grpc(seconds: f64, workers: usize) -> f64 {
    let fixture = LogFixture::new().await;
    let (url, token) = serve(&fixture, true).await;
    let channel = tonic::transport::Channel::from_shared(url)
        .unwrap()
        .connect()
        .await
        .unwrap();
    rate(seconds, workers, move |worker, _| {
        let mut client = v1::command_service_client::CommandServiceClient::new(channel.clone());
        let mut request = tonic::Request::new(v1::SubmitRequest {
            context: "bank".into(),
            aggregate: "accounts".into(),
            id: format!("A{worker}"),
            command: "deposit".into(),
            payload_json: br#"{"cents":1}"#.to_vec().into(),
            ..Default::default()
        });
        request.metadata_mut().insert("authorization", token.parse().unwrap());
        async move {
            client.submit(request).await.unwrap();
        }
    })
    .await
}

async fn over_http(seconds: f64, workers: usize) -> f64 {
    let fixture = LogFixture::new().await;
    let (url, token) = serve(&fixture, false).await;
    headwater_runtime::tls::use_ring();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    rate(seconds, workers, move |worker, _| {
        let request = client
            .post(format!("{url}/v1/bank/accounts/A{worker}/deposit"))
            .header("authorization", &token)
            .header("content-type", "application/json")
            .body(r#"{"cents":1}"#);
        async move {
            let answer = request.send().await.unwrap();
            assert!(answer.status().is_success());
            answer.bytes().await.unwrap();
        }
    })
    .await
}

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let seconds = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(2.0);
    // `ONLY=append` runs one line alone at 32 at a time, for a profiler.
    let only = std::env::var("ONLY").ok();
    if let Some(n) = only.and_then(|only| NAMES.iter().position(|name| name.starts_with(&only))) {
        println!("{:<34}  {:>8.0}", NAMES[n], cell(n, seconds, 32).await);
        return;
    }
    println!(
        "a second, at a time:                {:>8} {:>8} {:>8}   of raw at 32 (median of {ROUNDS} rounds, each beside its own raw)",
        1, 8, 32
    );
    // All lines in turn, round by round: what else the machine does meets all of them.
    let mut rates = vec![[const { Vec::new() }; AT_A_TIME.len()]; NAMES.len()];
    for _ in 0..ROUNDS {
        for (place, workers) in AT_A_TIME.into_iter().enumerate() {
            for (n, rates) in rates.iter_mut().enumerate() {
                rates[place].push(cell(n, seconds, workers).await);
            }
        }
    }
    let raw: Vec<f64> = rates[0][2].clone();
    for (name, rates) in NAMES.into_iter().zip(rates) {
        let shares = rates[2].iter().zip(&raw).map(|(rate, raw)| rate / raw).collect();
        let [one, eight, many] = rates.map(median);
        println!(
            "{name:<34}  {one:>8.0} {eight:>8.0} {many:>8.0}   {:.2}",
            median(shares)
        );
    }
}

const ROUNDS: usize = 3;

const NAMES: [&str; 6] = [
    "raw conditional PutItem",
    "append (decide, append)",
    "bus in process, 20 events",
    "bus in process, 200 events",
    "gRPC end to end",
    "HTTP end to end",
];

async fn cell(n: usize, seconds: f64, workers: usize) -> f64 {
    match n {
        0 => raw(seconds, workers).await,
        1 => append(seconds, workers).await,
        2 => in_process(seconds, workers, 20).await,
        3 => in_process(seconds, workers, 200).await,
        4 => over_grpc(seconds, workers).await,
        _ => over_http(seconds, workers).await,
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
