//! The body of an answer on its way to whoever called.

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::Duration;

use super::gate::Pass;
use crate::outbound::{Bytes, Incoming, ResponseBody, SendError};

/// How long the head of an answer is held back for the first piece of its body.
const FIRST_PIECE: Duration = Duration::from_millis(20);

/// The body of an answer, as it comes. While it is there the call counts as under way; dropped before its end, it ends
/// the exchange.
pub struct Body {
    /// What was read to see whether the answer refuses the token.
    first: VecDeque<Bytes>,
    rest: ResponseBody<Incoming>,
    _pass: Pass,
}

impl Body {
    pub(super) fn new(read: Read, pass: Pass) -> Body {
        Body { first: read.first, rest: read.rest, _pass: pass }
    }

    /// The next piece; `None` after the end. After a failure there is nothing more.
    pub async fn next(&mut self) -> Option<Result<Bytes, SendError>> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// [`Self::next`] for streams.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, SendError>>> {
        match self.first.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(piece))),
            None => self.rest.poll_next(context),
        }
    }

    /// How many bytes are still to come, where that is known.
    pub fn size(&self) -> Option<u64> {
        let first: u64 = self.first.iter().map(|piece| piece.len() as u64).sum();
        self.rest.size().map(|rest| first + rest)
    }
}

/// A body of which a part may have been read already.
pub(super) struct Read {
    first: VecDeque<Bytes>,
    rest: ResponseBody<Incoming>,
}

impl Read {
    pub(super) fn nothing(rest: ResponseBody<Incoming>) -> Read {
        Read { first: VecDeque::new(), rest }
    }

    /// Waits a moment for the first piece, or the end: a body that is broken from its first byte is no answer. Nothing
    /// waits longer, because an event stream may send its first byte much later than its head.
    pub(super) async fn begin(&mut self) -> Result<(), SendError> {
        if !self.first.is_empty() {
            return Ok(());
        }
        if let Ok(Some(piece)) = tokio::time::timeout(FIRST_PIECE, self.rest.next()).await {
            self.first.push_back(piece?);
        }
        Ok(())
    }

    /// The whole body if it is no longer than `most`; what was read of it is kept in any case.
    pub(super) async fn peek(&mut self, most: usize) -> Result<Option<Vec<u8>>, SendError> {
        if self.rest.size().is_some_and(|size| size > most as u64) {
            return Ok(None);
        }
        let mut whole = Vec::new();
        while let Some(piece) = self.rest.next().await {
            let piece = piece?;
            whole.extend_from_slice(&piece);
            self.first.push_back(piece);
            if whole.len() > most {
                return Ok(None);
            }
        }
        Ok(Some(whole))
    }
}
