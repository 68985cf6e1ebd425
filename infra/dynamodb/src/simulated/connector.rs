//! Where the SDK's HTTP client ends in a simulation: each request is a task of the network, which outlives whoever sent it.

use super::{Call, Effect, Fate, Network, Outcome, Place, SimulatedEngine};
use crate::{Store, embedded::operation, embedded::respond};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use serde_json::Value;
use std::{fmt, sync::Arc};
use tokio::sync::oneshot;

/// One process's way to one store.
#[derive(Clone)]
pub(super) struct SimulatedClient {
    pub(super) engine: SimulatedEngine,
    pub(super) client: Arc<str>,
    pub(super) store: Store,
    pub(super) place: Place,
    pub(super) network: Arc<dyn Network>,
}

impl fmt::Debug for SimulatedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedClient")
    }
}

impl HttpClient for SimulatedClient {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for SimulatedClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, answered) = oneshot::channel();
        let operation = operation(&request).to_owned();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let fate = self.network.fate(Call {
            client: &self.client,
            operation: &operation,
            store: self.store,
        });
        let travel = self.clone().travel(operation, body, fate, answer);
        drop(self.network.runtime().spawn(travel));
        HttpConnectorFuture::new(async move {
            match answered.await {
                Ok(answer) => answer,
                // Nobody will ever answer; the caller's patience ends it.
                Err(_) => std::future::pending().await,
            }
        })
    }
}

type Answer = Result<HttpResponse, ConnectorError>;

impl SimulatedClient {
    async fn travel(self, operation: String, body: Value, fate: Fate, answer: oneshot::Sender<Answer>) {
        let Fate { there, outcome, back } = fate;
        let runtime = self.network.runtime();
        let error = |code: &str, status| Ok(injected(status, code));
        if let Outcome::Late(_) | Outcome::Broken = outcome {
            runtime.sleep(back).await;
            // Whoever crashed does not wait for it.
            let _ = answer.send(Err(ConnectorError::io("the connection broke".into())));
            if let Outcome::Late(later) = outcome {
                runtime.sleep(later).await;
                self.run(&operation, &body);
            }
            return;
        }
        runtime.sleep(there).await;
        let answered = match outcome {
            Outcome::Answered => {
                let (status, printed) = self.run(&operation, &body);
                Ok(respond(status, printed))
            }
            Outcome::FailedAfter => {
                self.run(&operation, &body);
                error("InternalServerError", 500)
            }
            Outcome::AnswerLost => {
                self.run(&operation, &body);
                return;
            }
            Outcome::Throttled => error("ProvisionedThroughputExceededException", 400),
            Outcome::Failed => error("InternalServerError", 500),
            Outcome::Contended if operation == "TransactWriteItems" => Ok(contended()),
            Outcome::Contended => error("TransactionConflictException", 400),
            Outcome::Lost | Outcome::Late(_) | Outcome::Broken => return,
        };
        runtime.sleep(back).await;
        let _ = answer.send(answered);
    }

    fn run(&self, operation: &str, request: &Value) -> (u16, Vec<u8>) {
        let now = self.network.runtime().now();
        let remote = self.place == Place::Remote;
        let (status, answer, ran) = self.engine.run(self.store, operation, request, now, remote);
        if !ran {
            return (status, answer);
        }
        self.network.ran(&Effect {
            call: Call {
                client: &self.client,
                operation,
                store: self.store,
            },
            request,
            status,
            answer: &answer,
        });
        (status, answer)
    }
}

fn injected(status: u16, code: &str) -> HttpResponse {
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"simulated"}}"#);
    respond(status, body.into_bytes())
}

fn contended() -> HttpResponse {
    let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]","CancellationReasons":[{"Code":"TransactionConflict","Message":"simulated"}]}"#;
    respond(400, body.into())
}
