//! The bodies of a call: of the caller's request to the API, and of the API's response.
//!
//! Rule: a small request body whose size is known is read first, so that it can be sent again; all others stream, piece
//! by piece, as fast as the other side takes them. Danger: a body that breaks off must not look finished, so the error
//! is passed on.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::headers;
use super::problem::BODY_TOO_LARGE;
use super::request::CallRecord;
use super::serve::{ANSWER, ATTEMPTS};
use crate::outbound::http::Method;
use crate::outbound::http::header::CONTENT_LENGTH as RESPONSE_LENGTH;
use crate::outbound::{self, Bytes};
use crate::relay::error::BODY_NOT_READ;
use crate::relay::{Body, RelayError, RelayResponse};
use crate::web::{Budget, Held, NotRead, read_whole};

/// Bodies up to this size are read before anything is sent.
const READ_FIRST: u64 = 64 * 1024;

/// Pieces that wait for the API to take them.
const PIECES: usize = 4;

/// How many bytes of it were passed on so far.
pub(super) type Sent = Rc<Cell<u64>>;

/// The body of a request, and what counts it as held in memory.
pub(super) async fn body(
    request: &HttpRequest,
    payload: Payload,
    patience: Duration,
    budget: &Arc<Budget>,
) -> Result<(outbound::Body, Sent, Held), RelayError> {
    let size = size(request);
    let sent = Sent::default();
    if size == Some(0) || (size.is_none() && !request.headers().contains_key(TRANSFER_ENCODING)) {
        return Ok((outbound::Body::Empty, sent, Held::of(budget)));
    }
    if let Some(size) = size.filter(|size| *size <= READ_FIRST) {
        let (bytes, held) = whole(payload, size as usize, patience, budget).await?;
        sent.set(bytes.len() as u64);
        return Ok((outbound::Body::Whole(bytes), sent, held));
    }
    let body = stream(payload, size, Rc::clone(&sent));
    Ok((body, sent, Held::of(budget)))
}

/// The size that the request names, which the server has checked.
fn size(request: &HttpRequest) -> Option<u64> {
    let value = request.headers().get(CONTENT_LENGTH)?.to_str().ok()?;
    value.trim().parse().ok()
}

/// All of a body, which has at most `most` bytes. It counts as held in memory for as long as the second value is there.
pub(super) async fn whole(
    payload: Payload,
    most: usize,
    patience: Duration,
    budget: &Arc<Budget>,
) -> Result<(Bytes, Held), RelayError> {
    let mut held = Held::of(budget);
    match read_whole(payload, most, patience, &mut held).await {
        Ok(bytes) => Ok((bytes, held)),
        Err(NotRead::BrokeOff) => Err(BODY_NOT_READ.because("The body broke off.")),
        Err(NotRead::TooSlow) => Err(BODY_NOT_READ.because("The body did not come in time.")),
        Err(NotRead::TooLarge) => Err(BODY_TOO_LARGE.because(format!("It has more than {most} bytes."))),
        Err(NotRead::NoRoom) => Err(RelayError::no_room()),
    }
}

fn stream(mut payload: Payload, size: Option<u64>, sent: Sent) -> outbound::Body {
    let (give, pieces) = mpsc::channel::<io::Result<Bytes>>(PIECES);
    // On this worker, to which the payload belongs. It ends when the exchange has, or the body.
    actix_web::rt::spawn(async move {
        while let Some(piece) = payload.next().await {
            let piece = piece.map_err(|error| io::Error::other(error.to_string()));
            let (len, is_broken) = (piece.as_ref().map_or(0, Bytes::len), piece.is_err());
            if give.send(piece).await.is_err() || is_broken {
                return;
            }
            sent.set(sent.get() + len as u64);
        }
    });
    outbound::Body::stream(size, pieces)
}

/// The response of the API, streamed. Its entry in the call log is written when the body has ended, or the caller has
/// gone.
pub(super) fn response(method: &Method, carried: RelayResponse, sent: Sent, mut record: CallRecord) -> HttpResponse {
    record.head(carried.status, carried.timing, carried.attempts);
    let status = StatusCode::from_u16(carried.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = HttpResponse::new(status);
    let map = response.headers_mut();
    for (name, value) in headers::incoming(&carried.headers) {
        map.append(name, value);
    }
    map.insert(ANSWER.clone(), HeaderValue::from_static("upstream"));
    map.insert(ATTEMPTS.clone(), HeaderValue::from(carried.attempts));
    let is_head = *method == Method::HEAD;
    let is_empty = is_head
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || carried.body.size() == Some(0);
    if !is_empty {
        // A guessed type could make a script of it.
        if !map.contains_key(CONTENT_TYPE) {
            map.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        }
        return response.set_body(BoxBody::new(Streamed {
            left: carried.body.size(),
            size: carried.body.size(),
            body: carried.body,
            received: 0,
            sent,
            record,
        }));
    }
    record.sizes(sent.get(), 0);
    record.answered();
    let promised = carried.headers.get(RESPONSE_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let size = match (is_head, promised) {
        (true, Some(size)) => BodySize::Sized(size),
        (true, None) => BodySize::None,
        (false, _) => BodySize::Sized(0),
    };
    response.set_body(BoxBody::new(Nothing(size)))
}

/// No body, of the size that a GET would bring (RFC 9110 9.3.2).
struct Nothing(BodySize);

impl MessageBody for Nothing {
    type Error = actix_web::Error;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

/// A body as it comes from the API.
struct Streamed {
    body: Body,
    size: Option<u64>,
    /// What is still to come, where the size is known.
    left: Option<u64>,
    received: u64,
    sent: Sent,
    record: CallRecord,
}

/// Ends the connection: the caller must not take a part for the whole.
#[derive(Debug, thiserror::Error)]
#[error("the API's answer broke off")]
struct BrokeOff;

impl MessageBody for Streamed {
    type Error = BrokeOff;

    fn size(&self) -> BodySize {
        self.size.map_or(BodySize::Stream, BodySize::Sized)
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let Poll::Ready(polled) = this.body.poll_next(context) else {
            return Poll::Pending;
        };
        Poll::Ready(match polled {
            None => {
                this.record.answered();
                None
            }
            Some(Ok(piece)) => {
                let len = piece.len() as u64;
                this.received += len;
                this.left = this.left.map(|left| left.saturating_sub(len));
                // The server does not poll again after the last byte.
                if this.left == Some(0) {
                    this.record.answered();
                }
                Some(Ok(piece))
            }
            Some(Err(failure)) => {
                let problem = RelayError::of_failure(failure);
                this.record.failed(problem.code, &problem.detail);
                Some(Err(BrokeOff))
            }
        })
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        self.record.sizes(self.sent.get(), self.received);
    }
}
