//! How slow a client may be: a body that trickles in is given up, and so is a connection whose
//! client takes nothing of its answer. What a client still sends when it was refused is taken for
//! a while, since many read their answer only then.

use std::error::Error;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::StatusCode;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use crate::app::Limits;
use crate::metrics::Traffic;
use crate::problem::Problem;

/// A body did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the body did not come in time")]
struct TooSlow;

/// How much of a body is taken that nobody reads, in bytes: a connection that is closed before
/// looks like a network that broke, to a client that still sends.
const LINGERING: u64 = 64 << 20;

/// How long it is taken.
const LINGERING_TIME: Duration = Duration::from_secs(5);

/// A body that has to come in time: within the limit, and what takes longer no slower than the
/// slowest pace.
struct Paced {
    body: Body,
    limits: Limits,
    begun: Instant,
    received: u64,
    /// Set only where the body is waited for.
    end: Option<Pin<Box<Sleep>>>,
    is_given_up: bool,
}

impl Drop for Paced {
    fn drop(&mut self) {
        if !self.is_given_up && !http_body::Body::is_end_stream(&self.body) {
            let rest = std::mem::take(&mut self.body);
            tokio::spawn(tokio::time::timeout(LINGERING_TIME, take(rest)));
        }
    }
}

/// Takes what comes of a body, for nothing.
async fn take(mut body: Body) {
    let mut left = LINGERING;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// Lets a body fail that comes too slowly.
pub(crate) fn paced(body: Body, limits: Limits) -> Body {
    if http_body::Body::is_end_stream(&body) {
        return body;
    }
    Body::new(Paced {
        body,
        limits,
        begun: Instant::now(),
        received: 0,
        end: None,
        is_given_up: false,
    })
}

impl Paced {
    fn deadline(&self) -> Instant {
        let earned = self.received / self.limits.slowest_body.max(1);
        self.begun + self.limits.body_timeout + Duration::from_secs(earned)
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            if let Some(Ok(frame)) = &frame {
                self.received += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            return Poll::Ready(frame);
        }
        let deadline = self.deadline();
        let end = self
            .end
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if end.deadline() != deadline {
            end.as_mut().reset(deadline);
        }
        ready!(end.as_mut().poll(context));
        self.is_given_up = true;
        Poll::Ready(Some(Err(axum::Error::new(TooSlow))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Says what was wrong with a body that did not come whole.
pub(crate) fn broken_body(error: &(dyn Error + 'static), detail: String) -> Problem {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<TooSlow>() {
            let status = StatusCode::REQUEST_TIMEOUT;
            return Problem::new(status, "request_timeout", TooSlow.to_string());
        }
        cause = error.source();
    }
    Problem::malformed(detail)
}

pin_project! {
    /// A connection that counts what goes through it, and ends where its client takes nothing
    /// for too long.
    pub(crate) struct Connection {
        #[pin]
        stream: TcpStream,
        traffic: Traffic,
        limit: Duration,
        // Set only where the client is waited for.
        stalled: Option<Pin<Box<Sleep>>>,
    }
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, traffic: Traffic, limit: Duration) -> Self {
        Self {
            stream,
            traffic,
            limit,
            stalled: None,
        }
    }

    /// Counts what was written; after too long without anything, fails.
    fn written(
        stalled: &mut Option<Pin<Box<Sleep>>>,
        limit: Duration,
        traffic: &Traffic,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = written {
            *stalled = None;
            if let Ok(count) = &result {
                traffic.sent(*count);
            }
            return Poll::Ready(result);
        }
        let stalled = stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let own = self.project();
        let before = buffer.filled().len();
        let read = own.stream.poll_read(context, buffer);
        own.traffic.received(buffer.filled().len() - before);
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let own = self.project();
        let written = own.stream.poll_write(context, bytes);
        Self::written(own.stalled, *own.limit, own.traffic, context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let own = self.project();
        let written = own.stream.poll_write_vectored(context, bytes);
        Self::written(own.stalled, *own.limit, own.traffic, context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_shutdown(context)
    }
}
