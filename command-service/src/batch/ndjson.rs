//! A batch as NDJSON: a command a line in, a result a line out, both streaming.

use super::{Entry, Outcome, Work, lines::Lines, pipeline};
use crate::{CommandBus, Submission};
use ::http::HeaderMap;
use axum::body::Body;
use bytes::Bytes;
use futures::{
    Stream, StreamExt,
    future::{Either, select},
    stream,
};
use headwater_edge::{Called, Edge, Problem};
use headwater_tenancy::TenantScope;
use serde_json::json;
use std::{convert::Infallible, pin::pin, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::UnboundedReceiverStream;

/// How many bytes of results wait for a client that first writes everything and then reads, which many do: without them both sides would
/// wait for each other. Enough for 150,000 lines; who sends more has to read meanwhile.
const WAITING_BYTES: usize = 64 << 20;
/// How many results go out in one piece when they are there.
const TOGETHER: usize = 64;

/// Runs the batch in `body`; the results as they come.
pub(crate) async fn ndjson(
    bus: CommandBus,
    edge: Edge,
    scope: TenantScope,
    called: Option<Called>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Body, Problem> {
    let place = edge.admit_batch(scope.tenant())?;
    let mut trace = HeaderMap::new();
    trace.extend(
        headers
            .get("traceparent")
            .map(|parent| (::http::HeaderName::from_static("traceparent"), parent.clone())),
    );
    let mut lines = Lines::new(body, edge.limits().max_body);
    if headers.contains_key(::http::header::EXPECT) {
        // What does not come in time is missed by the batch itself.
        let _ = edge.runtime().timeout(edge.limits().body_timeout, lines.begin()).await;
    }
    let entries = stream::unfold(lines, |mut lines| async move {
        let (number, line) = lines.next().await?;
        let bytes = line.as_ref().map(Bytes::len).unwrap_or_default();
        let submission = line.and_then(|line| Submission::from_line(&line));
        Some((
            Entry {
                number,
                bytes,
                submission,
            },
            lines,
        ))
    });
    let work = Work {
        bus,
        edge: edge.clone(),
        scope,
        called,
        trace,
    };
    let outcomes = pipeline(work, place, entries);
    let (results, waiting) = mpsc::unbounded_channel();
    drop(edge.runtime().spawn(write(edge.clone(), outcomes, results)));
    let pieces = UnboundedReceiverStream::new(waiting).ready_chunks(TOGETHER);
    Ok(Body::from_stream(pieces.map(
        |piece: Vec<(Bytes, Option<OwnedSemaphorePermit>)>| {
            let lines: Vec<_> = piece.iter().map(|(line, _)| &line[..]).collect();
            Ok::<_, Infallible>(Bytes::from(lines.concat()))
        },
    )))
}

async fn write(
    edge: Edge,
    outcomes: impl Stream<Item = Outcome>,
    results: mpsc::UnboundedSender<(Bytes, Option<OwnedSemaphorePermit>)>,
) {
    let memory = Arc::new(Semaphore::new(WAITING_BYTES));
    let mut outcomes = pin!(outcomes);
    loop {
        let next = match select(outcomes.next(), pin!(results.closed())).await {
            Either::Left((next, _)) => next,
            Either::Right(_) => return,
        };
        let Some(outcome) = next else { return };
        let line = encode(&outcome);
        let bytes = u32::try_from(line.len().min(WAITING_BYTES)).unwrap_or(u32::MAX);
        let taken = Arc::clone(&memory).acquire_many_owned(bytes);
        let Ok(permit) = edge.runtime().timeout(edge.limits().idle_timeout, taken).await else {
            return;
        };
        if results.send((line, permit.ok())).is_err() {
            return;
        }
    }
}

fn encode(outcome: &Outcome) -> Bytes {
    let line = match &outcome.result {
        Ok(accepted) => json!({
            "line": outcome.number,
            "status": 200,
            "receipt": accepted.receipt,
            "replayed": accepted.replayed,
            "current_version": accepted.current_version,
        }),
        Err(problem) => json!({
            "line": outcome.number,
            "status": problem.status().as_u16(),
            "problem": problem.document(),
        }),
    };
    Bytes::from(format!("{line}\n"))
}
