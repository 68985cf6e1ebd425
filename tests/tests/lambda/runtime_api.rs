//! The real loop against a small stand-in for the runtime API of AWS Lambda: `next`, then `response` or `error`. The loop takes its
//! address from the environment, so it runs in a process of its own: this test's executable, asked for [`function`] alone.

use super::Function;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderName, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use headwater_dynamodb::{Databases, faults::Faults};
use headwater_runtime::Runtime;
use headwater_tests::stores::TestStores;
use serde_json::{Value, json};
use std::{
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Mutex, mpsc};

/// Where the function's tables are. Set for the process that is one.
const FOLDER: &str = "HEADWATER_TEST_LAMBDA_FOLDER";

type Answer = (String, String, Value);

#[derive(Clone)]
struct Api {
    events: Arc<Mutex<mpsc::Receiver<(String, Value)>>>,
    answers: mpsc::Sender<Answer>,
    runtime: Runtime,
}

async fn next(State(api): State<Api>) -> Response {
    let Some((id, event)) = api.events.lock().await.recv().await else {
        return std::future::pending().await;
    };
    let deadline = api.runtime.now().nanos() / 1_000_000 + 30_000;
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:projections".to_owned(),
        ),
        ("lambda-runtime-trace-id", "Root=1-0".to_owned()),
    ];
    let headers = headers.map(|(name, value)| (HeaderName::from_static(name), value));
    (headers, Json(event)).into_response()
}

/// The body is JSON, whatever its type says.
async fn answered(State(api): State<Api>, Path((id, kind)): Path<(String, String)>, body: Bytes) -> StatusCode {
    let body = serde_json::from_slice(&body).unwrap();
    api.answers.send((id, kind, body)).await.unwrap();
    StatusCode::ACCEPTED
}

/// Ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invocations_are_answered_one_by_one() {
    let runtime = Runtime::tokio();
    let dir = tempfile::tempdir().unwrap();
    let made = Function::on(embedded(dir, &runtime)).await;
    let insert: Value = serde_json::from_str(include_str!("single_insert.json")).unwrap();
    let other = include_str!("single_insert.json").replace("bank-events", "others");
    let TestStores { dir, databases, .. } = made.stores;
    databases.shutdown().await;

    let (events, queue) = mpsc::channel(8);
    let (answers, mut answered_with) = mpsc::channel(8);
    let api = Api {
        events: Arc::new(Mutex::new(queue)),
        answers,
        runtime: runtime.clone(),
    };
    let routes = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(answered))
        .with_state(api);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = runtime.spawn(async move { drop(axum::serve(listener, routes).await) });

    let child = Command::new(std::env::current_exe().unwrap())
        .args(["runtime_api::function", "--exact", "--nocapture"])
        .env(FOLDER, dir.path())
        .env("AWS_LAMBDA_RUNTIME_API", address)
        .env("AWS_LAMBDA_FUNCTION_NAME", "projections")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let child = Process(child);
    let mut invoke = async |id: &str, event: Value| {
        events.send((id.to_owned(), event)).await.unwrap();
        let answer = runtime.timeout(Duration::from_secs(30), answered_with.recv()).await;
        let (of, kind, body) = answer.expect("an answer in time").unwrap();
        assert_eq!(of, id);
        (kind, body)
    };
    let response = |body| ("response".to_owned(), body);
    assert_eq!(invoke("1", insert.clone()).await, response(super::done()));
    let (kind, body) = invoke("2", json!({ "Records": [{ "kinesis": {} }] })).await;
    assert_eq!(kind, "error", "{body}");
    let (kind, body) = invoke("3", serde_json::from_str(&other).unwrap()).await;
    assert_eq!(
        (kind.as_str(), &body["errorType"]),
        ("error", &json!("Headwater.OtherStream"))
    );
    let duplicates = serde_json::from_str(include_str!("duplicate_delivery.json")).unwrap();
    assert_eq!(invoke("4", duplicates).await, response(super::done()));
    drop(child);
    server.abort();

    let found = Function::on(embedded(dir, &runtime)).await;
    assert_eq!(found.balance("A").await, Some((501, 2, 2)));
}

fn embedded(dir: tempfile::TempDir, runtime: &Runtime) -> TestStores {
    TestStores {
        databases: Databases::embedded(dir.path(), runtime.clone()).unwrap(),
        faults: Faults::seeded(0),
        dir,
    }
}

/// The function itself, in the process that the test above starts; elsewhere there is nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn function() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let runtime = Runtime::tokio();
    let databases = Databases::embedded(folder.as_ref(), runtime.clone()).unwrap();
    let log = headwater_event_log::EventLog::new(
        databases.durable.clone(),
        headwater_tests::sealing_key(),
        headwater_event_log::Options::default(),
        runtime.clone(),
    );
    let keeping = headwater_tests::projections::Keeping::over(log, databases.rebuildable.clone(), runtime);
    let ended = headwater_projectors::lambda::serve(super::handler(&keeping)).await;
    panic!("the loop ended: {ended:?}");
}
