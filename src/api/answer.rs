//! The API's answer on its way to the caller.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};

use super::headers;
use super::record::Record;
use super::upload::Sent;
use crate::outbound::Bytes;
use crate::outbound::http::Method;
use crate::outbound::http::header::CONTENT_LENGTH;
use crate::relay::{Body, Carried, RelayProblem};

/// The answer of the API, streamed. Its line in the call log is written when the body has ended, or the caller has
/// gone.
pub(super) fn answer(method: &Method, carried: Carried, sent: Sent, mut record: Record) -> HttpResponse {
    record.head(carried.status, carried.timing, carried.attempts);
    let status = StatusCode::from_u16(carried.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = HttpResponse::new(status);
    let map = response.headers_mut();
    for (name, value) in headers::incoming(&carried.headers) {
        map.append(name, value);
    }
    map.insert(super::serve::ANSWER.clone(), HeaderValue::from_static("upstream"));
    map.insert(super::serve::ATTEMPTS.clone(), HeaderValue::from(carried.attempts));
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
    let promised = carried.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
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
    record: Record,
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
                this.finish();
                None
            }
            Some(Ok(piece)) => {
                let len = piece.len() as u64;
                this.received += len;
                this.left = this.left.map(|left| left.saturating_sub(len));
                // Nobody may ask for what follows the last byte.
                if this.left == Some(0) {
                    this.finish();
                }
                Some(Ok(piece))
            }
            Some(Err(failure)) => {
                let problem = RelayProblem::of_failure(failure, true);
                this.record.failed(problem.code, &problem.detail);
                Some(Err(BrokeOff))
            }
        })
    }
}

impl Streamed {
    fn finish(&mut self) {
        self.record.answered();
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        self.record.sizes(self.sent.get(), self.received);
    }
}
