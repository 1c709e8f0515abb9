//! What is to be carried, and what came of it.

use std::time::Duration;

use super::body::Body;
use crate::outbound::http::{HeaderMap, Method};
use crate::outbound::{self, HttpUrl, Limits, Mask};

/// A request for a connector's API, without its credential. It has no `Debug`, for headers and body may hold secrets.
pub struct Order {
    pub method: Method,
    /// On one of the connector's own hosts.
    pub url: HttpUrl,
    /// End-to-end headers only.
    pub headers: HeaderMap,
    pub body: outbound::Body,
    pub limits: Limits,
    /// How often a call that failed for a reason that may pass is made again, if that is safe.
    pub retries: u8,
    /// Whether redirects of GET and HEAD within one origin are followed; else they are the answer.
    pub follow: bool,
    /// Whether the request is to be shown afterwards, see [`Carried::sent`].
    pub shown: bool,
}

impl Order {
    /// A request without headers and body that is made once and whose redirects are answers.
    pub fn new(method: Method, url: HttpUrl, limits: Limits) -> Order {
        Order {
            method,
            url,
            headers: HeaderMap::new(),
            body: outbound::Body::Empty,
            limits,
            retries: 0,
            follow: false,
            shown: false,
        }
    }
}

/// Where a call's time went until the head of the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallTiming {
    /// Waiting for a turn and for a token.
    pub queue: Duration,
    /// Opening connections; zero if one was open.
    pub connect: Duration,
    /// From the end of the queue to the head of the answer, connecting and earlier attempts included.
    pub first_byte: Duration,
}

/// An answer of the API.
pub struct Carried {
    pub status: u16,
    /// As they came, those of the connection included.
    pub headers: HeaderMap,
    pub body: Body,
    pub timing: CallTiming,
    /// Requests that were sent for it.
    pub attempts: u16,
    /// What a page that shows anything of the answer must blank out.
    pub mask: Mask,
    /// The request as it was sent, if the order is to be shown.
    pub sent: Option<SentRequest>,
}

/// A request as it was sent, with the credential replaced by [`crate::outbound::MASKED`].
pub struct SentRequest {
    pub method: Method,
    /// Where the last request went, after redirects; masked.
    pub url: String,
    /// In the order of sending; masked.
    pub headers: Vec<(String, String)>,
}
