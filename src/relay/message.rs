//! The request and the response of a call.

use std::time::Duration;

use super::body::Body;
use crate::outbound::http::{HeaderMap, Method};
use crate::outbound::{self, HttpUrl, Limits, Mask};

/// A request for a connector's API, without its credential. It has no `Debug`, for headers and body may hold secrets.
pub struct RelayRequest {
    pub method: Method,
    /// On one of the connector's own origins.
    pub url: HttpUrl,
    /// End-to-end headers only.
    pub headers: HeaderMap,
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
