//! When a request is sent again: which failures are retried, after which pause, and which redirects are followed.
//!
//! Rules: only idempotent requests (RFC 9110 9.2.2) are retried, and those that have not reached the server; `Retry-After`
//! is kept, if the call's own time allows it. Redirects are followed for GET and HEAD, within one origin, to a path
//! without dot segments, at most [`MAX_REDIRECTS`] times; all others are returned to the caller.

use std::time::Duration;

use crate::outbound::HttpUrl;
use crate::outbound::http::header::{LOCATION, RETRY_AFTER};
use crate::outbound::http::{HeaderMap, Method};

pub(super) const MAX_REDIRECTS: u16 = 5;

/// Each backoff is twice as long as the one before, up to the maximum.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// RFC 9110 9.2.2.
pub(super) fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}

/// Whether the same request may succeed in a moment.
pub(super) fn is_temporary(status: u16, headers: &HeaderMap) -> bool {
    match status {
        502..=504 => true,
        429 => headers.contains_key(RETRY_AFTER),
        _ => false,
    }
}

/// The pause before a retry; `retry` counts from 0, `jitter` is from 0 to 1. Half of the pause is random, so that calls
/// that failed together are not retried together.
pub(super) fn backoff(retry: u16, jitter: f64) -> Duration {
    let whole = FIRST_BACKOFF.saturating_mul(1 << retry.min(10)).min(MAX_BACKOFF);
    whole.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
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
    use crate::outbound::http::HeaderValue;

    fn with_retry_after(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))])
    }

    #[test]
    fn backoff_grows_and_half_of_it_is_random() {
        let millis = |retry, jitter| backoff(retry, jitter).as_millis();
        assert_eq!((millis(0, 0.0), millis(0, 1.0)), (50, 100));
        assert_eq!((millis(2, 0.5), millis(9, 1.0)), (300, 5_000));
        assert_eq!(millis(u16::MAX, 7.0), 5_000);
    }

    #[test]
    fn only_temporary_failures_of_idempotent_requests_are_retried() {
        let none = HeaderMap::new();
        for (status, temporary) in [
            (200, false),
            (404, false),
            (429, false),
            (500, false),
            (501, false),
            (502, true),
            (503, true),
            (504, true),
            (505, false),
        ] {
            assert_eq!(is_temporary(status, &none), temporary, "{status}");
        }
        assert!(is_temporary(429, &with_retry_after("1")));
        assert!(!is_temporary(500, &with_retry_after("1")));
        for (method, safe) in [
            (Method::GET, true),
            (Method::HEAD, true),
            (Method::OPTIONS, true),
            (Method::PUT, true),
            (Method::DELETE, true),
            (Method::POST, false),
            (Method::PATCH, false),
        ] {
            assert_eq!(is_idempotent(&method), safe, "{method}");
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
