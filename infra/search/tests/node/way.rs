//! The way to a node: passes requests on, and on demand answers in its place, before or after the node has done what was asked.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What happens to a request.
#[derive(Debug, Clone)]
pub struct Fault {
    status: u16,
    body: Value,
    /// Whether the node has done what was asked all the same.
    done: bool,
    /// How many requests; then it is over.
    times: usize,
}

impl Fault {
    /// The node never hears of it.
    pub fn answer(status: u16, body: Value) -> Self {
        Self {
            status,
            body,
            done: false,
            times: usize::MAX,
        }
    }

    /// The node does it, and the answer is lost.
    pub fn after_the_effect(self) -> Self {
        Self { done: true, ..self }
    }

    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }
}

#[derive(Default)]
struct Faults {
    /// The end of the path, and what happens there.
    at: Mutex<Vec<(String, Fault)>>,
    passed: AtomicUsize,
    /// The last request's, passed on or not.
    authorization: Mutex<Option<String>>,
}

#[derive(Clone)]
struct To {
    endpoint: String,
    client: reqwest::Client,
    faults: Arc<Faults>,
}

/// A way to a node, in use until it is dropped.
pub struct Way {
    address: SocketAddr,
    faults: Arc<Faults>,
    serving: tokio::task::JoinHandle<()>,
}

impl Way {
    pub async fn to(endpoint: String) -> Self {
        headwater_runtime::tls::use_ring();
        let faults = Arc::new(Faults::default());
        let to = To {
            endpoint,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            faults: Arc::clone(&faults),
        };
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(pass).with_state(to);
        #[allow(clippy::disallowed_methods, reason = "a test's own server")]
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            faults,
            serving,
        }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What happens to requests whose path ends so; nothing with `None`.
    pub fn at(&self, end: &str, fault: Option<Fault>) {
        let mut at = self.faults.at.lock().unwrap();
        at.retain(|(of, _)| of != end);
        at.extend(fault.map(|fault| (end.to_owned(), fault)));
    }

    /// How the last request asked to be let in.
    pub fn authorization(&self) -> Option<String> {
        self.faults.authorization.lock().unwrap().clone()
    }

    /// How many requests have reached the node.
    pub fn passed(&self) -> usize {
        self.faults.passed.load(Ordering::Relaxed)
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass(State(to): State<To>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let authorization = headers
        .get("authorization")
        .map(|value| value.to_str().unwrap().to_owned());
    *to.faults.authorization.lock().unwrap() = authorization;
    let fault = {
        let mut at = to.faults.at.lock().unwrap();
        let fault = at
            .iter_mut()
            .find(|(end, fault)| uri.path().ends_with(end.as_str()) && fault.times > 0);
        fault.map(|(_, fault)| {
            fault.times -= 1;
            fault.clone()
        })
    };
    let instead = |fault: &Fault| {
        let status = StatusCode::from_u16(fault.status).unwrap();
        (status, axum::Json(fault.body.clone())).into_response()
    };
    if let Some(fault) = fault.as_ref().filter(|fault| !fault.done) {
        return instead(fault);
    }
    let mut request = to.client.request(method, format!("{}{uri}", to.endpoint)).body(body);
    if let Some(value) = headers.get("content-type") {
        request = request.header("content-type", value.clone());
    }
    to.faults.passed.fetch_add(1, Ordering::Relaxed);
    let Ok(answer) = request.send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    if let Some(fault) = &fault {
        return instead(fault);
    }
    let status = answer.status();
    (status, Body::from(answer.bytes().await.unwrap_or_default())).into_response()
}
