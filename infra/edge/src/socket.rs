//! A connection that nobody can pin: one that says nothing at first, or that reads nothing, is closed; and one that is closed while
//! its peer still sends is drained for a moment, so that the peer gets to read why.

use crate::Limits;
use futures::future::BoxFuture;
use headwater_runtime::Runtime;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// What HTTP/2 begins with. Until it is told apart from HTTP/1, no timeout of hyper's runs.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long a peer may go on sending after the answer, before the connection is cut.
const LINGER: Duration = Duration::from_secs(2);

pub(crate) struct Socket {
    stream: TcpStream,
    runtime: Runtime,
    idle_timeout: Duration,
    /// How much of [`PREFACE`] has come, and the time until it must be whole; `None` once the protocol is known.
    greeting: Option<(usize, BoxFuture<'static, ()>)>,
    /// Runs while the peer takes nothing.
    stalled: Option<BoxFuture<'static, ()>>,
    /// Runs while the peer's rest is drained.
    lingering: Option<BoxFuture<'static, ()>>,
    ended: bool,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, runtime: Runtime, limits: &Limits) -> Self {
        let greeting = Some((0, runtime.sleep(limits.header_timeout)));
        let idle_timeout = limits.idle_timeout;
        Self {
            stream,
            runtime,
            idle_timeout,
            greeting,
            stalled: None,
            lingering: None,
            ended: false,
        }
    }

    fn unstalled<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let (runtime, limit) = (&self.runtime, self.idle_timeout);
        let stalled = self.stalled.get_or_insert_with(|| runtime.sleep(limit));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        match &read {
            Poll::Ready(Ok(())) => {
                let new = &buf.filled()[before..];
                this.ended |= new.is_empty();
                if let Some((seen, _)) = &mut this.greeting {
                    let rest = &PREFACE[*seen..];
                    *seen += new.len().min(rest.len());
                    if *seen == PREFACE.len() || !rest.starts_with(new) {
                        this.greeting = None;
                    }
                }
            }
            Poll::Pending => {
                if let Some((_, time)) = &mut this.greeting
                    && time.as_mut().poll(cx).is_ready()
                {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            }
            Poll::Ready(Err(_)) => this.ended = true,
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, data);
        self.unstalled(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, data);
        self.unstalled(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Closing a socket with unread input resets it, and the peer may lose the answer. So: say that this side is done, then read the
    /// rest away until the peer is done too, or [`LINGER`] has passed.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let runtime = &this.runtime;
        let lingering = this.lingering.get_or_insert_with(|| runtime.sleep(LINGER));
        let mut discarded = [0; 16 * 1024];
        while !this.ended {
            if lingering.as_mut().poll(cx).is_ready() {
                break;
            }
            let mut buf = ReadBuf::new(&mut discarded);
            let read = ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf));
            this.ended = read.is_err() || buf.filled().is_empty();
        }
        Poll::Ready(Ok(()))
    }
}
