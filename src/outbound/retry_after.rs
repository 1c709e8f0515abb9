//! The response header `Retry-After` (RFC 9110 10.2.3): how long the server asks to wait.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The longest wait that is believed: a server may not put a connector out of use for days.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// The wait that the response asks for, an hour at most: seconds, or a date, which counts from `now` and is not read
/// without it. A date that is over means no wait.
pub fn retry_after(headers: &HeaderMap, now: Option<DateTime<Utc>>) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let wait = if is_number {
        // More digits than fit into a number are a long wait too.
        value.parse().map_or(LONGEST_WAIT, Duration::from_secs)
    } else {
        let date = DateTime::<Utc>::from(httpdate::parse_http_date(value).ok()?);
        (date - now?).to_std().unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

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
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
            ("Sun, 06 Nov 1994", None),
        ] {
            assert_eq!(read(value, now).map(|wait| wait.as_secs()), seconds, "{value}");
        }
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT", None), None);
    }
}
