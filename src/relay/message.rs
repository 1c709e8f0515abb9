//! The request and the response of a call.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};

use super::concurrency_limit::Permit;
use super::error::RelayError;
use crate::calls::{CallRecord, Outcome, Shown};
use crate::outbound::http::{HeaderMap, Method};
use crate::outbound::{self, Bytes, HttpUrl, Limits, Mask, ResponseBody, SendError, WrittenNames};

/// How long the head of a response is held back for the first chunk of its body.
const FIRST_CHUNK_WAIT: Duration = Duration::from_millis(20);

/// The longest body that is looked through for the API's words about a failure, in bytes.
const LONGEST_QUOTED: usize = 4 * 1024;

/// A request for a connector's API, without its credential. It has no `Debug`, for headers and body may hold secrets.
#[derive(Clone)]
pub struct RelayRequest {
    pub method: Method,
    /// On one of the connector's own origins.
    pub url: HttpUrl,
    /// End-to-end headers only.
    pub headers: HeaderMap,
    /// Names of headers that are written in another form than usual.
    pub names: WrittenNames,
    pub body: outbound::Body,
    pub limits: Limits,
    /// How often a call is retried after a temporary failure, if that is safe.
    pub retries: u8,
    /// Whether redirects of GET and HEAD within one origin are followed; else they are returned.
    pub follow: bool,
    /// Whether [`RelayResponse::sent`] is wanted.
    pub record_sent: bool,
}

impl RelayRequest {
    /// A request without headers and body, without retries, and whose redirects are returned.
    pub fn new(method: Method, url: HttpUrl, limits: Limits) -> RelayRequest {
        RelayRequest {
            method,
            url,
            headers: HeaderMap::new(),
            names: WrittenNames::default(),
            body: outbound::Body::Empty,
            limits,
            retries: 0,
            follow: false,
            record_sent: false,
        }
    }
}

/// Where a call's time went until the head of the response.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallTiming {
    /// Waiting for a permit and for a token.
    pub queue: Duration,
    /// Opening connections; zero if one was reused.
    pub connect: Duration,
    /// From the end of the queue to the head of the response, with connecting and earlier attempts.
    pub first_byte: Duration,
}

/// A response of the API.
pub struct RelayResponse {
    pub status: u16,
    /// As received, with hop-by-hop headers.
    pub headers: HeaderMap,
    pub body: Body,
    pub timing: CallTiming,
    /// Requests that were sent for it.
    pub attempts: u16,
    /// What it says of the connector.
    pub(super) shown: Option<Shown>,
    /// Masks the credential in whatever a page shows of the response.
    pub mask: Mask,
    /// The request as it was sent, if [`RelayRequest::record_sent`].
    pub sent: Option<SentRequest>,
}

/// A request as it was sent, with the credential replaced by [`crate::outbound::MASKED`].
pub struct SentRequest {
    pub method: Method,
    /// The URL of the last request, after redirects; masked.
    pub url: String,
    /// In the order of sending; masked.
    pub headers: Vec<(String, String)>,
}

impl RelayResponse {
    /// Completes the call's entry in the log, which is written when the body has ended or is dropped.
    #[must_use]
    pub fn log(mut self, mut record: CallRecord) -> RelayResponse {
        record.update(|call| {
            call.status = Some(self.status);
            call.shown = self.shown.take();
            call.attempts = self.attempts;
            call.queue = self.timing.queue;
            call.connect = self.timing.connect;
            call.first_byte = self.timing.first_byte;
        });
        self.body.record = Some(record);
        if self.body.bytes_left() == Some(0) {
            self.body.log_answered();
        }
        self
    }
}

/// The streamed body of a response. It holds the call's permit; dropping it before its end aborts the exchange.
pub struct Body {
    /// What was read already.
    first: VecDeque<Bytes>,
    rest: ResponseBody,
    permit: Option<Permit>,
    record: Option<CallRecord>,
}

impl Body {
    pub(super) fn new(rest: ResponseBody) -> Body {
        Body { first: VecDeque::new(), rest, permit: None, record: None }
    }

    pub(super) fn hold(&mut self, permit: Permit) {
        self.permit = Some(permit);
    }

    /// The next chunk; `None` after the end. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<Bytes, SendError>> {
        std::future::poll_fn(|context| self.poll_chunk(context)).await
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, SendError>>> {
        let next = match self.first.pop_front() {
            Some(chunk) => Some(Ok(chunk)),
            None => ready!(self.rest.poll_next(context)),
        };
        match &next {
            None => self.log_answered(),
            Some(Ok(chunk)) => {
                let length = chunk.len() as u64;
                // The server does not poll again after the last byte.
                let is_last = self.bytes_left() == Some(0);
                if let Some(record) = &mut self.record {
                    record.update(|call| call.received += length);
                }
                if is_last {
                    self.log_answered();
                }
            }
            Some(Err(error)) => self.log_error(&RelayError::broken_off(error.clone())),
        }
        Poll::Ready(next)
    }

    /// How many bytes are still to come, if known.
    pub fn bytes_left(&self) -> Option<u64> {
        let first: u64 = self.first.iter().map(|chunk| chunk.len() as u64).sum();
        self.rest.size().map(|rest| first + rest)
    }

    /// Logs that no more of the body is wanted, unless an error was logged before.
    pub fn log_answered(&mut self) {
        if let Some(record) = &mut self.record {
            record.update(|call| {
                if call.outcome == Outcome::Cancelled {
                    call.outcome = Outcome::Answered;
                }
            });
        }
    }

    /// Logs why the rest of the body did not come.
    pub fn log_error(&mut self, error: &RelayError) {
        if let Some(record) = &mut self.record {
            record.update(|call| {
                call.outcome = Outcome::Failed;
                call.problem = error.kind.code;
                call.detail.clone_from(&error.detail);
                if let Some(outcome) = error.shown {
                    call.shown = Some(Shown::only(outcome));
                }
            });
        }
    }

    /// Waits a moment for the first chunk or the end, because a body that breaks off at once is an error and no
    /// response. Not longer, because an event stream may send its first byte much later than its head.
    pub(super) async fn read_first(&mut self) -> Result<(), SendError> {
        if !self.first.is_empty() || self.rest.size() == Some(0) {
            return Ok(());
        }
        if let Ok(Some(chunk)) = tokio::time::timeout(FIRST_CHUNK_WAIT, self.rest.next()).await {
            self.first.push_back(chunk?);
        }
        Ok(())
    }

    /// The whole body, if it was read already and is short.
    pub(super) fn short_whole(&self) -> Option<Vec<u8>> {
        // Of a chunked body the end is not known; a JSON text that reads as one is whole.
        let is_json = self.first.front().is_some_and(|first| first.starts_with(b"{") || first.starts_with(b"["));
        let is_whole = self.rest.size().map_or(is_json, |left| left == 0);
        let size: usize = self.first.iter().map(Bytes::len).sum();
        (is_whole && (1..=LONGEST_QUOTED).contains(&size)).then(|| self.first.iter().flatten().copied().collect())
    }

    /// The whole body if it has at most `max` bytes; what was read of it stays in it.
    pub(super) async fn peek(&mut self, max: usize) -> Result<Option<Vec<u8>>, SendError> {
        if self.rest.size().is_some_and(|size| size > max as u64) {
            return Ok(None);
        }
        let mut whole = Vec::new();
        while let Some(chunk) = self.rest.next().await {
            let chunk = chunk?;
            whole.extend_from_slice(&chunk);
            self.first.push_back(chunk);
            if whole.len() > max {
                return Ok(None);
            }
        }
        Ok(Some(whole))
    }
}

/// An error ends the connection to the caller, who must not take a part for the whole.
impl MessageBody for Body {
    type Error = SendError;

    fn size(&self) -> BodySize {
        self.bytes_left().map_or(BodySize::Stream, BodySize::Sized)
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, SendError>>> {
        self.get_mut().poll_chunk(context)
    }
}
