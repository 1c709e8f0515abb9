//! When a request is sent again: which failures are retried, after which pause, and which redirects are followed.
//!
//! Rules: a request is retried if it is idempotent (RFC 9110 9.2.2), has not reached the server, or was refused before it
//! was processed ([`pause_after`] has the table); the pause that the server asks for is made, if the call's own time
//! allows it. Redirects are followed for GET and HEAD, within one origin, to a path without dot segments, at most
//! [`MAX_REDIRECTS`] times; all others are returned to the caller.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::outbound::http::header::LOCATION;
use crate::outbound::http::{HeaderMap, Method};
use crate::outbound::{HttpUrl, wait_asked};

pub(super) const MAX_REDIRECTS: u16 = 5;

/// The pause before a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// What the server asks for.
    Asked(Duration),
    /// Of our own, for a failure that may be over at once.
    Short,
    /// Of our own, for a limit: most count the calls of a second or of a minute.
    Long,
}

impl Pause {
    /// The length before a retry; `retry` counts from 0, `jitter` is from 0 to 1. Each pause of our own is twice as long
    /// as the one before, up to a maximum, and half of it is random, so that calls that failed together are not retried
    /// together.
    pub fn length(self, retry: u16, jitter: f64) -> Duration {
        let (first, longest) = match self {
            Pause::Asked(pause) => return pause,
            Pause::Short => (Duration::from_millis(100), Duration::from_secs(5)),
            Pause::Long => (Duration::from_secs(1), Duration::from_secs(30)),
        };
        let whole = first.saturating_mul(1 << retry.min(10)).min(longest);
        whole.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
    }
}

/// RFC 9110 9.2.2.
pub(super) fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}

/// The pause after which the same request may succeed; `None` if the response is to be returned. A wait that the server
/// names ([`wait_asked`]) takes the place of the pause.
///
/// | Status | Retried | Pause | Source |
/// |---|---|---|---|
/// | 403 | any method, only with a wait | – | GitHub's rate limits: `Retry-After`, or `x-ratelimit-remaining: 0` with `x-ratelimit-reset`. RFC 9110 15.5.4: the server refuses to fulfil the request |
/// | 408 | idempotent | short | RFC 9110 15.5.9: the request did not come whole, and may be repeated |
/// | 425 | any method | short | RFC 8470 5.2: the server does not process it now |
/// | 429 | any method | long | RFC 6585 4: too many requests; this one was not processed |
/// | 502, 504 | idempotent | short | RFC 9110 15.6.3, 15.6.5: the server behind may have processed it |
/// | 503 | idempotent | short | RFC 9110 15.6.4: overloaded for a while; some servers say so after a part of the work |
/// | 521–523 | idempotent | short | Cloudflare, “5xx errors”: the server behind cannot be reached |
/// | 529 | idempotent | long | Anthropic, “Errors”: overloaded |
pub(super) fn pause_after(method: &Method, status: u16, headers: &HeaderMap, now: DateTime<Utc>) -> Option<Pause> {
    let (was_refused, pause) = match status {
        403 => (true, None),
        425 => (true, Some(Pause::Short)),
        429 => (true, Some(Pause::Long)),
        408 | 502..=504 | 521..=523 => (false, Some(Pause::Short)),
        529 => (false, Some(Pause::Long)),
        _ => return None,
    };
    if !was_refused && !is_idempotent(method) {
        return None;
    }
    wait_asked(headers, now).map(Pause::Asked).or(pause)
}

/// The target of a redirect that is followed (RFC 9110 15.4).
pub(super) fn redirect_target(method: &Method, url: &HttpUrl, status: u16, headers: &HeaderMap) -> Option<HttpUrl> {
    let is_safe = matches!(*method, Method::GET | Method::HEAD);
    if !is_safe || !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = headers.get(LOCATION)?.to_str().ok()?;
    url.join(location).filter(|target| target.is_on(&url.origin()) && !target.has_step())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::http::{HeaderName, HeaderValue};

    #[test]
    fn backoff_grows_and_half_of_it_is_random() {
        let millis = |retry, jitter| Pause::Short.length(retry, jitter).as_millis();
        assert_eq!((millis(0, 0.0), millis(0, 1.0)), (50, 100));
        assert_eq!((millis(2, 0.5), millis(9, 1.0)), (300, 5_000));
        assert_eq!(millis(u16::MAX, 7.0), 5_000);
        let seconds = |retry| Pause::Long.length(retry, 1.0).as_secs();
        assert_eq!([0, 1, 4, 5, u16::MAX].map(seconds), [1, 2, 16, 30, 30]);
        assert_eq!(Pause::Asked(Duration::from_secs(7)).length(3, 0.0), Duration::from_secs(7));
    }

    #[test]
    fn a_response_is_retried_by_the_table() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            let pair = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
            pairs.iter().map(pair).collect()
        };
        let (none, after) = (&[][..], &[("retry-after", "2")][..]);
        let spent = &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000009")][..];
        let asked = |seconds| Some(Pause::Asked(Duration::from_secs(seconds)));
        let (short, long) = (Some(Pause::Short), Some(Pause::Long));
        // The status, its headers, and the pauses before a GET and before a POST.
        for (status, pairs, get, post) in [
            (200, after, None, None),
            (202, after, None, None),
            (401, after, None, None),
            (403, none, None, None),
            (403, after, asked(2), asked(2)),
            (403, spent, asked(9), asked(9)),
            (403, &spent[..1], None, None),
            (404, after, None, None),
            (408, none, short, None),
            (425, none, short, short),
            (429, none, long, long),
            (429, &[("retry-after", "soon")], long, long),
            (429, after, asked(2), asked(2)),
            (429, spent, asked(9), asked(9)),
            (500, after, None, None),
            (501, none, None, None),
            (502, none, short, None),
            (503, none, short, None),
            (503, after, asked(2), None),
            (504, none, short, None),
            (505, none, None, None),
            (520, none, None, None),
            (522, none, short, None),
            (524, none, None, None),
            (529, none, long, None),
        ] {
            let headers = headers(pairs);
            for (method, pause) in [
                (Method::GET, get),
                (Method::HEAD, get),
                (Method::OPTIONS, get),
                (Method::PUT, get),
                (Method::DELETE, get),
                (Method::POST, post),
                (Method::PATCH, post),
            ] {
                assert_eq!(pause_after(&method, status, &headers, now), pause, "{method} {status} {headers:?}");
            }
        }
    }

    #[test]
    fn only_reading_and_only_the_same_origin_is_followed() {
        let url = HttpUrl::parse("https://a.example/v1/x?y").expect("an address");
        let follow = |method: Method, status, location: &'static str| {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            redirect_target(&method, &url, status, &headers).map(|url| url.path_and_query().to_string())
        };
        let get = |location| follow(Method::GET, 302, location);
        assert_eq!(get("/z?a").as_deref(), Some("/z?a"));
        assert_eq!(get("z#top").as_deref(), Some("/v1/z"));
        assert_eq!(get("https://A.example:443/z").as_deref(), Some("/z"));
        for elsewhere in [
            "https://b.example/z",
            "http://a.example/z",
            "https://a.example:8443/z",
            "//b.example/z",
            "\\\\b.example/z",
            "https://u:p@b.example/",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://",
            "/v1/..%2fadmin",
            "/v1/%252e%252e/admin",
            "..;/admin",
        ] {
            assert_eq!(get(elsewhere), None, "{elsewhere}");
        }
        assert_eq!(get("https://u:p@a.example/z"), None, "a sign-in of the server's own");
        assert!(follow(Method::HEAD, 308, "/z").is_some());
        for (method, status) in
            [(Method::POST, 303), (Method::DELETE, 307), (Method::GET, 304), (Method::GET, 300), (Method::GET, 200)]
        {
            assert_eq!(follow(method, status, "/z"), None);
        }
    }
}
