//! Serving HTTP/1 and HTTP/2 (without TLS, which ends before) on a listener, until told to stop.

use crate::{Edge, client::Peer, socket::Socket};
use ::http::Request;
use axum::{Router, response::Response};
use futures::future::{Either, select};
use headwater_runtime::Runtime;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use std::{convert::Infallible, future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};
use tower::{Service, ServiceExt};

/// How often a quiet HTTP/2 connection is asked whether it lives.
const PING: Duration = Duration::from_secs(20);
/// How many requests one HTTP/2 connection may have in work.
const MAX_STREAMS: u32 = 250;

/// Spawns hyper's tasks through the injected runtime.
#[derive(Clone)]
struct Executor(Runtime);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Executor {
    fn execute(&self, task: F) {
        drop(self.0.spawn(task));
    }
}

/// Serves `app` (made by [`Edge::http`]) on `listener` until `shutdown` ends; then requests in work have the time of
/// [`crate::Limits::drain`] to end.
///
/// # Errors
/// None at present: what goes wrong with one connection ends that connection alone.
pub async fn serve_http(
    listener: TcpListener,
    app: Router,
    edge: &Edge,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let (runtime, limits) = (edge.runtime().clone(), edge.limits().clone());
    let mut builder = Builder::new(Executor(runtime.clone()));
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(limits.header_timeout)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(16 * 1024);
    let connections = Arc::new(Semaphore::new(limits.max_connections));
    let graceful = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let next = pin!(accept(&listener, &connections, &runtime));
        let Either::Left((accepted, _)) = select(next, shutdown.as_mut()).await else {
            break;
        };
        let (stream, peer, place) = accepted;
        let io = TokioIo::new(Socket::new(stream, runtime.clone(), &limits));
        let connection = builder
            .serve_connection(io, TowerToHyperService::new(from(peer, app.clone())))
            .into_owned();
        let connection = graceful.watch(connection);
        drop(runtime.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        }));
    }
    drop(listener);
    if runtime.timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still in work when the time to drain was over");
    }
    Ok(())
}

/// Says of every request of a connection who its peer is.
fn from(
    peer: SocketAddr,
    app: Router,
) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Clone {
    let peer = Peer(peer.ip().to_canonical());
    app.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request
    })
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
    runtime: &Runtime,
) -> (
    tokio::net::TcpStream,
    SocketAddr,
    Option<tokio::sync::OwnedSemaphorePermit>,
) {
    // The semaphore is never closed.
    let place = Arc::clone(connections).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small and wanted now. A socket that refuses the option works without.
                let _ = stream.set_nodelay(true);
                return (stream, peer, place);
            }
            Err(error) => {
                // A peer that gave up, or no file descriptor left: the latter passes only with time.
                tracing::debug!(%error, "a connection was not accepted");
                runtime.sleep(Duration::from_millis(20)).await;
            }
        }
    }
}
