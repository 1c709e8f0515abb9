//! The body of a response on its way to the caller.

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::Duration;

use super::concurrency_limit::Permit;
use crate::outbound::{Bytes, Incoming, ResponseBody, SendError};

/// How long the head of a response is held back for the first chunk of its body.
const FIRST_CHUNK_WAIT: Duration = Duration::from_millis(20);

/// The streamed body of a response. It holds the call's permit; dropping it before its end aborts the exchange.
pub struct Body {
    /// What was read already.
    first: VecDeque<Bytes>,
    rest: ResponseBody<Incoming>,
    _permit: Permit,
}

impl Body {
    pub(super) fn new(body: PeekedBody, permit: Permit) -> Body {
        Body { first: body.first, rest: body.rest, _permit: permit }
    }

    /// The next chunk; `None` after the end. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<Bytes, SendError>> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// [`Self::next`] for streams.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, SendError>>> {
        match self.first.pop_front() {
            Some(chunk) => Poll::Ready(Some(Ok(chunk))),
            None => self.rest.poll_next(context),
        }
    }

    /// How many bytes are still to come, if known.
    pub fn size(&self) -> Option<u64> {
        let first: u64 = self.first.iter().map(|chunk| chunk.len() as u64).sum();
        self.rest.size().map(|rest| first + rest)
    }
}

/// A body of which a part may have been read already.
pub(super) struct PeekedBody {
    first: VecDeque<Bytes>,
    rest: ResponseBody<Incoming>,
}

impl PeekedBody {
    pub(super) fn new(rest: ResponseBody<Incoming>) -> PeekedBody {
        PeekedBody { first: VecDeque::new(), rest }
    }

    /// Waits a moment for the first chunk or the end, because a body that breaks off at once is an error and no
    /// response. Not longer, because an event stream may send its first byte much later than its head.
    pub(super) async fn read_first(&mut self) -> Result<(), SendError> {
        if !self.first.is_empty() {
            return Ok(());
        }
        if let Ok(Some(chunk)) = tokio::time::timeout(FIRST_CHUNK_WAIT, self.rest.next()).await {
            self.first.push_back(chunk?);
        }
        Ok(())
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
