//! Where the SDK's HTTP client ends: a queue to the engine's thread. No tokio worker ever runs the engine.

use super::{
    engine::{Engine, Message},
    operations::{prepare, refuse},
};
use crate::Error;
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use std::{fmt, sync::mpsc, thread};
use tokio::sync::{oneshot, watch};

/// The way to one engine. The engine stops when the last one is dropped, or when told to.
#[derive(Clone)]
pub(crate) struct EngineHandle {
    requests: mpsc::Sender<Message>,
    activity: watch::Receiver<u64>,
}

impl EngineHandle {
    /// Gives an engine its thread.
    pub(super) fn start(engine: Engine) -> Result<Self, Error> {
        let (requests, queue) = mpsc::channel();
        let (activity, path) = (engine.activity(), engine.path().to_owned());
        let name = format!("engine {}", path.file_stem().unwrap_or_default().to_string_lossy());
        thread::Builder::new()
            .name(name)
            .spawn(move || engine.run(&queue))
            .map_err(|source| Error::File { path, source })?;
        Ok(Self { requests, activity })
    }

    pub(super) fn activity(&self) -> watch::Receiver<u64> {
        self.activity.clone()
    }

    /// Ends the engine after what was asked so far, with everything synced.
    pub(crate) async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.requests.send(Message::Stop(done)).is_ok() {
            let _ = stopped.await;
        }
    }
}

impl fmt::Debug for EngineHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineHandle")
    }
}

impl HttpClient for EngineHandle {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for EngineHandle {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, answered) = oneshot::channel();
        let operation = operation(&request);
        let job = match prepare(operation, request.body().bytes().unwrap_or_default(), answer) {
            Ok(job) => job,
            Err(error) => return HttpConnectorFuture::ready(Ok(refuse(&error))),
        };
        if self.requests.send(Message::Run(job)).is_err() {
            return HttpConnectorFuture::ready(Err(ConnectorError::user("the embedded engine has stopped".into())));
        }
        HttpConnectorFuture::new(async move {
            let print = answered
                .await
                .map_err(|_| ConnectorError::io("the embedded engine gave no answer".into()))?;
            Ok(print())
        })
    }
}

/// The operation a request names.
pub(crate) fn operation(request: &HttpRequest) -> &str {
    request
        .headers()
        .get("x-amz-target")
        .and_then(|target| target.rsplit_once('.'))
        .map_or("", |(_, operation)| operation)
}
