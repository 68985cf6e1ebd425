//! Reading a request's body: bounded in size and time, never more than is allowed.

use crate::{Edge, Problem};
use ::http::{
    HeaderMap, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

impl Edge {
    /// The whole body of a request.
    ///
    /// # Errors
    /// 413 `payload-too-large` (by `Content-Length` before a byte is read), 408 `request-timeout`, 400 when it breaks off.
    pub async fn read_body(&self, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
        self.read_at_most(self.limits().max_body, headers, body).await
    }

    /// The same with another bound in bytes.
    pub(crate) async fn read_at_most(&self, limit: usize, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
        let announced = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|bytes| bytes > limit as u64) {
            return Err(too_large(limit));
        }
        let read = read(body, limit);
        self.runtime()
            .timeout(self.limits().body_timeout, read)
            .await
            .unwrap_or_else(|_| {
                let detail = format!(
                    "the body did not arrive within {} s",
                    self.limits().body_timeout.as_secs_f32()
                );
                Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "request-timeout", detail))
            })
    }
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("the body is larger than the {limit} bytes that are taken; split it");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload-too-large", detail)
}

async fn read(mut body: Body, limit: usize) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let broken = |_| Problem::new(StatusCode::BAD_REQUEST, "incomplete-body", "the body broke off");
        let Ok(data) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        if first.len() + rest.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        // Most bodies come in one piece, which needs no copy.
        if first.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    Ok([&first[..], &rest[..]].concat().into())
}

/// Whether the request says that its body has one of these media types.
///
/// # Errors
/// 415 `unsupported-media-type`, naming the first.
pub fn require_media_type(headers: &HeaderMap, taken: &[&str]) -> Result<(), Problem> {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if taken.iter().any(|taken| essence.eq_ignore_ascii_case(taken)) {
        return Ok(());
    }
    let wanted = taken.first().copied().unwrap_or_default();
    let detail = match essence {
        "" => format!("there is no Content-Type; send Content-Type: {wanted}"),
        other => format!("the Content-Type is {other}; send {wanted}"),
    };
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        detail,
    ))
}
