//! A streamed answer.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::HeaderMap;
use hyper::body::{Body, Bytes, Incoming};
use tokio::time::{Instant, Sleep, sleep};

use super::classify;
use super::connection::Lease;
use super::exceeded;
use super::failure::{Failure, Problem};
use super::outgoing::Outgoing;

/// An answer whose head is there, whatever its status. Dropping it before the end of its body closes
/// the connection.
pub struct Answer {
    /// The status code (RFC 9110 15), never one below 200.
    pub status: u16,
    /// The headers as they came, those of the connection included.
    pub headers: HeaderMap,
    /// How long it took.
    pub timing: Timing,
    /// What follows the head, as it comes: nothing is decompressed.
    pub body: AnswerBody,
    /// Whether the connection had served another exchange before.
    pub reused: bool,
}

/// How long an exchange took until the head of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Name look-up, connection and handshake; zero if a connection was there.
    pub connect: Duration,
    /// From the call to the head.
    pub first_byte: Duration,
}

/// A request that got no answer.
pub struct NotOpened {
    /// Why.
    pub failure: Failure,
    /// Whether any byte of the request may have reached the server.
    pub sent: bool,
    /// The request, if nothing of it was sent: it may be sent again.
    pub request: Option<Outgoing>,
}

/// Shows no request, which may hold secrets.
impl fmt::Debug for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotOpened").field("failure", &self.failure).field("sent", &self.sent).finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("timing", &self.timing)
            .field("reused", &self.reused)
            .finish_non_exhaustive()
    }
}

/// The body of an [`Answer`]. Read to its end, it leaves the connection to the next exchange; dropped
/// before, it closes it.
pub struct AnswerBody {
    incoming: Incoming,
    /// `None` after the end.
    lease: Option<Lease>,
    idle: Duration,
    /// Runs while a piece is waited for.
    pause: Option<Pin<Box<Sleep>>>,
    is_paused: bool,
    trailers: Option<HeaderMap>,
    started: Instant,
}

impl AnswerBody {
    pub(super) fn new(incoming: Incoming, lease: Lease, idle: Duration, started: Instant) -> Self {
        let mut body =
            Self { incoming, lease: Some(lease), idle, pause: None, is_paused: false, trailers: None, started };
        body.end_if_read();
        body
    }

    /// The next piece; `None` after the end. After a failure there is nothing more.
    pub async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`Self::next`] for streams.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        while self.lease.is_some() {
            let polled = Pin::new(&mut self.incoming).poll_frame(cx);
            let Poll::Ready(frame) = polled else {
                return self.poll_pause(cx);
            };
            self.is_paused = false;
            match frame {
                None => self.end(),
                Some(Err(error)) => {
                    return self.fail(|server, _| classify::broken_answer(&error, server));
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.end_if_read();
                        return Poll::Ready(Some(Ok(data)));
                    }
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
            }
        }
        Poll::Ready(None)
    }

    /// How many bytes are still to come, where the server says so. Of an answer to HEAD it is zero: the
    /// size that the header names is that of a body that does not come.
    pub fn size(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// The headers that followed the body (RFC 9110 6.5), after its end.
    pub fn trailers(&mut self) -> Option<HeaderMap> {
        self.trailers.take()
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(Duration::ZERO)));
        if !self.is_paused {
            self.is_paused = true;
            pause.as_mut().reset(Instant::now() + self.idle);
        }
        ready!(pause.as_mut().poll(cx));
        self.fail(exceeded::stalled)
    }

    fn fail(&mut self, problem: impl FnOnce(&str, Duration) -> Problem) -> Poll<Option<Result<Bytes, Failure>>> {
        let lease = self.lease.take();
        Poll::Ready(lease.map(|lease| {
            let problem = problem(&lease.way().server(), self.idle);
            Err(problem.after(self.started.elapsed()))
        }))
    }

    fn end_if_read(&mut self) {
        if self.incoming.is_end_stream() {
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_can_be_moved_and_sent() {
        fn is_movable<T: Unpin + Send>() {}
        is_movable::<AnswerBody>();
        is_movable::<NotOpened>();
    }
}
