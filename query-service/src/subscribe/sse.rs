//! Subscriptions as server-sent events (the HTML standard's `text/event-stream`).

use super::subscription::{Message, Subscription};
use ::http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use futures::stream;
use serde_json::json;
use std::{convert::Infallible, fmt::Write};

/// Where a client that comes back says what it saw last.
pub(crate) const LAST_EVENT_ID: &str = "last-event-id";
/// Asks proxies of nginx's kind not to hold events back.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");
/// Bytes of events that go out together when they are there together.
const TOGETHER: usize = 16 * 1024;

/// The stream of a subscription.
pub(crate) fn response(subscription: Subscription) -> Response {
    let frames = stream::unfold(subscription, async |mut subscription| {
        let mut frames = String::new();
        write(&mut frames, &subscription.next().await?);
        while frames.len() < TOGETHER
            && let Some(message) = subscription.ready()
        {
            write(&mut frames, &message);
        }
        Some((Ok::<_, Infallible>(frames), subscription))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (UNBUFFERED, HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(frames)).into_response()
}

/// An id without data sets what a client sends as `Last-Event-ID`, and is no event. JSON has no line breaks, nor has a cursor.
fn write(frames: &mut String, message: &Message) {
    // Writing to a string does not fail.
    let _ = match message {
        Message::Event { cursor, event } => {
            write!(
                frames,
                "id: {cursor}\nevent: {}\ndata: {}\n\n",
                event.event_type, event.json
            )
        }
        Message::Heartbeat { cursor } => write!(frames, ":\nid: {cursor}\n\n"),
        Message::End { cursor, reason } => {
            let data = json!({ "code": reason.code(), "detail": reason.detail(), "cursor": cursor });
            write!(frames, "id: {cursor}\nevent: end\ndata: {data}\n\n")
        }
    };
}
