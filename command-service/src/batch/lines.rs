//! A body as lines, none longer than allowed, whatever comes.

use ::http::StatusCode;
use axum::body::{Body, BodyDataStream};
use bytes::{Buf, Bytes, BytesMut};
use futures::StreamExt;
use headwater_edge::Problem;

/// Reads a body line by line.
pub(crate) struct Lines {
    body: BodyDataStream,
    buffer: BytesMut,
    /// How much of the buffer is known to have no line's end.
    scanned: usize,
    /// The line was found too long; its rest is dropped as it comes.
    skipping: bool,
    ended: bool,
    number: u64,
    limit: usize,
}

impl Lines {
    pub(crate) fn new(body: Body, limit: usize) -> Self {
        let body = body.into_data_stream();
        Self {
            body,
            buffer: BytesMut::new(),
            scanned: 0,
            skipping: false,
            ended: false,
            number: 0,
            limit,
        }
    }

    /// Reads until there is something. Whoever waits for `100 Continue` gets it by this, and must get it before the answer begins.
    pub(crate) async fn begin(&mut self) {
        if let Some(Ok(data)) = self.body.next().await {
            self.buffer.extend_from_slice(&data);
        }
    }

    /// The next line that is not blank, with its number from 1, or why it cannot be had; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<(u64, Result<Bytes, Problem>)> {
        loop {
            if let Some(end) = self.buffer[self.scanned..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.scanned + end).freeze();
                self.buffer.advance(1);
                self.scanned = 0;
                self.number += 1;
                if std::mem::take(&mut self.skipping) {
                    continue;
                }
                match self.checked(line) {
                    Some(line) => return Some((self.number, line)),
                    None => continue,
                }
            }
            self.scanned = self.buffer.len();
            if self.skipping {
                self.buffer.clear();
                self.scanned = 0;
            } else if self.buffer.len() > self.limit {
                self.skipping = true;
                return Some((self.number + 1, Err(self.too_long())));
            }
            if self.ended {
                let line = std::mem::take(&mut self.buffer).freeze();
                self.scanned = 0;
                self.number += 1;
                return self.checked(line).map(|line| (self.number, line));
            }
            match self.body.next().await {
                Some(Ok(data)) => self.buffer.extend_from_slice(&data),
                Some(Err(_)) => {
                    self.ended = true;
                    self.buffer.clear();
                    self.scanned = 0;
                    let problem = Problem::new(StatusCode::BAD_REQUEST, "incomplete-body", "the body broke off");
                    return Some((self.number + 1, Err(problem)));
                }
                None => self.ended = true,
            }
        }
    }

    fn checked(&self, line: Bytes) -> Option<Result<Bytes, Problem>> {
        if line.len() > self.limit {
            return Some(Err(self.too_long()));
        }
        (!line.iter().all(u8::is_ascii_whitespace)).then_some(Ok(line))
    }

    fn too_long(&self) -> Problem {
        let detail = format!("the line is longer than the {} bytes that are taken", self.limit);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload-too-large", detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(chunks: Vec<&'static str>) -> Vec<(u64, Result<String, &'static str>)> {
        let chunks = chunks
            .into_iter()
            .map(|chunk| Ok::<_, std::io::Error>(Bytes::from_static(chunk.as_bytes())));
        let mut lines = Lines::new(Body::from_stream(futures::stream::iter(chunks)), 8);
        let mut all = Vec::new();
        while let Some((number, line)) = lines.next().await {
            let text = line
                .map(|line| String::from_utf8(line.to_vec()).unwrap())
                .map_err(|problem| problem.code());
            all.push((number, text));
        }
        all
    }

    #[tokio::test]
    async fn lines_are_numbered_blank_ones_skipped_and_long_ones_refused() {
        let long = "payload-too-large";
        assert_eq!(
            read(vec!["a\n\n", " \r\nb", "c\n", "d"]).await,
            [(1, Ok("a".into())), (4, Ok("bc".into())), (5, Ok("d".into()))]
        );
        assert_eq!(
            read(vec!["123456789\n", "x\n"]).await,
            [(1, Err(long)), (2, Ok("x".into()))]
        );
        assert_eq!(
            read(vec!["12345", "67890", "12345", "\nx\n"]).await,
            [(1, Err(long)), (2, Ok("x".into()))]
        );
        assert_eq!(read(vec!["a\n123456789"]).await, [(1, Ok("a".into())), (2, Err(long))]);
        assert!(read(vec![]).await.is_empty());
    }
}
