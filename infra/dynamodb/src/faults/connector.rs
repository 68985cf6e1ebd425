//! The HTTP client that carries faults out.

use super::{Fault, Faults, records};
use crate::embedded::{operation, respond};
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use headwater_runtime::Runtime;

#[derive(Debug)]
pub(super) struct FaultyClient {
    inner: SharedHttpClient,
    faults: Faults,
    runtime: Runtime,
}

impl FaultyClient {
    pub(super) fn new(inner: SharedHttpClient, faults: Faults, runtime: Runtime) -> Self {
        Self { inner, faults, runtime }
    }
}

impl HttpClient for FaultyClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(FaultyConnector {
            inner,
            faults: self.faults.clone(),
            runtime: self.runtime.clone(),
        })
    }
}

#[derive(Debug)]
struct FaultyConnector {
    inner: SharedHttpConnector,
    faults: Faults,
    runtime: Runtime,
}

impl HttpConnector for FaultyConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some(fault) = self
            .faults
            .decide(operation(&request), request.body().bytes().unwrap_or_default())
        else {
            return self.inner.call(request);
        };
        let inner = self.inner.clone();
        match fault {
            Fault::Throttle => HttpConnectorFuture::ready(Ok(error(400, "ProvisionedThroughputExceededException"))),
            Fault::InternalError => HttpConnectorFuture::ready(Ok(error(500, "InternalServerError"))),
            Fault::TimeoutBefore => HttpConnectorFuture::ready(Err(timeout())),
            Fault::TimeoutAfter => HttpConnectorFuture::new(async move {
                inner.call(request).await?;
                Err(timeout())
            }),
            Fault::InternalErrorAfter => HttpConnectorFuture::new(async move {
                inner.call(request).await?;
                Ok(error(500, "InternalServerError"))
            }),
            Fault::Delay(duration) => {
                let pause = self.runtime.sleep(duration);
                HttpConnectorFuture::new(async move {
                    pause.await;
                    inner.call(request).await
                })
            }
            Fault::ReorderRecords | Fault::DuplicateRecords => {
                let mut random = self.faults.draw();
                HttpConnectorFuture::new(async move {
                    let response = inner.call(request).await?;
                    Ok(rewrite(response, |body| match fault {
                        Fault::ReorderRecords => records::reorder(body, &mut random),
                        _ => records::duplicate(body, &mut random),
                    }))
                })
            }
        }
    }
}

fn timeout() -> ConnectorError {
    ConnectorError::timeout("a timeout was injected".into())
}

fn error(status: u16, code: &str) -> HttpResponse {
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"injected"}}"#);
    respond(status, body.into_bytes())
}

/// Changes the body of a successful answer that is in memory. One that streams in from a network is passed on as it is.
fn rewrite(mut response: HttpResponse, change: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> HttpResponse {
    if response.status().is_success()
        && let Some(changed) = response.body().bytes().and_then(change)
    {
        *response.body_mut() = SdkBody::from(changed);
    }
    response
}
