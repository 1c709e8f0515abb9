//! When a call may be made again, and after which pause.
//!
//! Rule: only what is safe to do twice (RFC 9110 9.2.2) is done again, or what has not reached the server at all; a
//! server that names a time is given it, if the call's own time allows.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::oauth::wait_in;
use crate::outbound::http::{HeaderMap, Method, header::RETRY_AFTER};

/// The first pause; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Whether doing it twice has the same effect as doing it once (RFC 9110 9.2.2).
pub(super) fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}

/// Whether a status says that the same request may fare better in a moment.
pub(super) fn is_passing(status: u16, headers: &HeaderMap) -> bool {
    match status {
        502..=504 => true,
        429 => headers.contains_key(RETRY_AFTER),
        _ => false,
    }
}

/// The pause that the server asks for (RFC 9110 10.2.3).
pub(super) fn asked_pause(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    wait_in(value, Some(now))
}

/// The pause before a further try; `retry` counts from 0, `chance` is from 0 to 1. Half of it is left to chance, so
/// that those who failed together do not come again together.
pub(super) fn pause(retry: u16, chance: f64) -> Duration {
    let whole = FIRST_PAUSE.saturating_mul(1 << retry.min(10)).min(LONGEST_PAUSE);
    whole.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::http::HeaderValue;

    fn with_retry_after(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))])
    }

    #[test]
    fn pauses_grow_and_are_left_to_chance_by_half() {
        let millis = |retry, chance| pause(retry, chance).as_millis();
        assert_eq!((millis(0, 0.0), millis(0, 1.0)), (50, 100));
        assert_eq!((millis(2, 0.5), millis(9, 1.0)), (300, 5_000));
        assert_eq!(millis(u16::MAX, 7.0), 5_000);
    }

    #[test]
    fn only_what_passes_is_tried_again() {
        let none = HeaderMap::new();
        for (status, passes) in [
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
            assert_eq!(is_passing(status, &none), passes, "{status}");
        }
        assert!(is_passing(429, &with_retry_after("1")));
        assert!(!is_passing(500, &with_retry_after("1")));
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
    fn the_pause_that_a_server_asks_for_is_read_in_both_forms() {
        let now = DateTime::from_timestamp(784_111_777 - 60, 0).unwrap_or_default();
        let asked = |value| asked_pause(&with_retry_after(value), now).map(|pause| pause.as_secs());
        assert_eq!(asked("7"), Some(7));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:37 GMT"), Some(60));
        assert_eq!(asked("soon"), None);
    }
}
