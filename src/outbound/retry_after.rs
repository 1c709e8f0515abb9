//! How long a server asks to wait: by `Retry-After` (RFC 9110 10.2.3), and by headers that APIs send in its place.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The longest wait that is believed: a server may not put a connector out of use for days.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// The shortest wait for a limit: its end is named in whole seconds, by the server's clock.
const SHORTEST_LIMIT: Duration = Duration::from_secs(1);

/// The wait in milliseconds: of the Azure SDKs and OpenAI, and of Azure Cosmos DB, which sends nothing else with its 429.
const IN_MILLISECONDS: [&str; 2] = ["retry-after-ms", "x-ms-retry-after-ms"];

/// The headers about a limit, which say how many requests remain and when it ends: of GitHub and most others, of X and
/// Okta, and of the IETF's draft `ratelimit-headers` up to its version 07.
pub const LIMIT_HEADERS: [(&str, &str); 3] = [
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-rate-limit-remaining", "x-rate-limit-reset"),
    ("ratelimit-remaining", "ratelimit-reset"),
];

/// Numbers from here on are a point in time (Unix seconds), smaller ones a number of seconds: APIs send both.
const FIRST_TIMESTAMP: f64 = 1e9;

/// The wait that the response asks for, an hour at most: seconds, or a date, which counts from `now` and is not read
/// without it. A date that is over means no wait.
pub fn retry_after(headers: &HeaderMap, now: Option<DateTime<Utc>>) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Some(seconds) = number(value) {
        return Some(bounded(seconds));
    }
    let date = DateTime::<Utc>::from(httpdate::parse_http_date(value).ok()?);
    Some((date - now?).to_std().unwrap_or_default().min(LONGEST_WAIT))
}

/// The same, also by other headers: a wait in milliseconds, or the end of a limit of which nothing remains. An hour at
/// most.
pub fn wait_asked(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let of = |name: &str| number(headers.get(name)?.to_str().ok()?.trim());
    let in_milliseconds = || IN_MILLISECONDS.into_iter().find_map(of).map(|millis| bounded(millis / 1_000.0));
    let limit = || {
        let (_, reset) = LIMIT_HEADERS.into_iter().find(|(remaining, _)| of(remaining) == Some(0.0))?;
        let reset = of(reset)?;
        let now = now.timestamp_millis() as f64 / 1_000.0;
        let seconds = if reset >= FIRST_TIMESTAMP { reset - now } else { reset };
        Some(bounded(seconds).max(SHORTEST_LIMIT))
    };
    retry_after(headers, Some(now)).or_else(in_milliseconds).or_else(limit)
}

/// A number of digits, with or without a fraction, which some APIs send.
fn number(value: &str) -> Option<f64> {
    let is_number = value.starts_with(|first: char| first.is_ascii_digit())
        && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    value.parse().ok().filter(|_| is_number)
}

/// More seconds than fit are a long wait too.
fn bounded(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_wait_is_read_in_every_form() {
        let read =
            |value, now| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]), now);
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = DateTime::from_timestamp(784_111_777 - 60, 0);
        for (value, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("86400", Some(3_600)),
            ("99999999999999999999999", Some(3_600)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(60)),
            ("Sun Nov  6 08:49:37 1994", Some(60)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(3_600)),
            ("Sat, 05 Nov 1994 08:49:37 GMT", Some(0)),
            ("1.5", Some(1)),
            ("-1", None),
            ("1.5.2", None),
            (".5", None),
            ("inf", None),
            ("soon", None),
            ("", None),
            ("Sun, 06 Nov 1994", None),
        ] {
            assert_eq!(read(value, now).map(|wait| wait.as_secs()), seconds, "{value}");
        }
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT", None), None);
    }

    #[test]
    fn a_limit_that_is_used_up_is_waited_for() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let read = |pairs: &[(&'static str, &'static str)]| {
            let pairs =
                pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            wait_asked(&pairs.collect(), now).map(|wait| wait.as_millis())
        };
        for (headers, millis) in [
            (&[("retry-after", "2"), ("retry-after-ms", "70")][..], Some(2_000)),
            (&[("retry-after-ms", "70")], Some(70)),
            (&[("x-ms-retry-after-ms", "1500")], Some(1_500)),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000030")], Some(30_000)),
            (&[("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", "1700000030")], Some(30_000)),
            (&[("ratelimit-remaining", "0"), ("ratelimit-reset", "30")], Some(30_000)),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1699999999")], Some(1_000)),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1800000000")], Some(3_600_000)),
            (&[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "1700000030")], None),
            (&[("x-ratelimit-remaining", "0")], None),
            (&[("x-ratelimit-reset", "1700000030")], None),
            (&[], None),
        ] {
            assert_eq!(read(headers), millis, "{headers:?}");
        }
    }
}
