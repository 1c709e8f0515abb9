//! A request's body as far as it can be sent: again and again, or once.

use crate::outbound::{Bytes, OutgoingBody};

pub(super) enum Supply {
    Empty,
    Whole(Bytes),
    Stream(OutgoingBody),
    /// A stream that has gone by.
    Gone,
}

impl Supply {
    pub(super) fn new(body: OutgoingBody) -> Supply {
        match body {
            OutgoingBody::Empty => Supply::Empty,
            OutgoingBody::Whole(bytes) => Supply::Whole(bytes),
            stream @ OutgoingBody::Stream { .. } => Supply::Stream(stream),
        }
    }

    /// Whether it can be sent any number of times.
    pub(super) fn can_repeat(&self) -> bool {
        matches!(self, Supply::Empty | Supply::Whole(_))
    }

    /// Whether it can be sent once more.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self, Supply::Gone)
    }

    /// The body for one attempt.
    pub(super) fn take(&mut self) -> OutgoingBody {
        match self {
            Supply::Empty | Supply::Gone => OutgoingBody::Empty,
            Supply::Whole(bytes) => OutgoingBody::Whole(bytes.clone()),
            Supply::Stream(_) => match std::mem::replace(self, Supply::Gone) {
                Supply::Stream(body) => body,
                _ => OutgoingBody::Empty,
            },
        }
    }
}
