//! The body of a caller's request on its way to the API.
//!
//! Rule: a small body whose size is known is read first, so that it can be sent again; all others stream, piece by
//! piece, as fast as the API takes them. Danger: a body that breaks off must not look finished to the API, so the error
//! is passed on.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::problem::BODY_TOO_LARGE;
use crate::outbound::{Bytes, OutgoingBody};
use crate::relay::{BODY_NOT_READ, RelayProblem};
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
) -> Result<(OutgoingBody, Sent, Held), RelayProblem> {
    let size = size(request);
    let sent = Sent::default();
    if size == Some(0) || (size.is_none() && !request.headers().contains_key(TRANSFER_ENCODING)) {
        return Ok((OutgoingBody::Empty, sent, Held::of(budget)));
    }
    if let Some(size) = size.filter(|size| *size <= READ_FIRST) {
        let (bytes, held) = whole(payload, size as usize, patience, budget).await?;
        sent.set(bytes.len() as u64);
        return Ok((OutgoingBody::Whole(bytes), sent, held));
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
) -> Result<(Bytes, Held), RelayProblem> {
    let mut held = Held::of(budget);
    match read_whole(payload, most, patience, &mut held).await {
        Ok(bytes) => Ok((bytes, held)),
        Err(NotRead::BrokeOff) => Err(BODY_NOT_READ.because("The body broke off.")),
        Err(NotRead::TooSlow) => Err(BODY_NOT_READ.because("The body did not come in time.")),
        Err(NotRead::TooLarge) => Err(BODY_TOO_LARGE.because(format!("It has more than {most} bytes."))),
        Err(NotRead::NoRoom) => Err(RelayProblem::no_room()),
    }
}

fn stream(mut payload: Payload, size: Option<u64>, sent: Sent) -> OutgoingBody {
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
    OutgoingBody::Stream { size, pieces }
}
