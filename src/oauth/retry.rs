//! When a server wants the next request.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::outbound::Reply;

/// The longest wait that is believed: a server may not put a connector out of use for days.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The three forms of an HTTP date, the last two obsolete but to be read (RFC 9110 5.6.7).
const DATES: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// The wait that a 429 or 503 asks for by `Retry-After` (RFC 9110 10.2.3), an hour at most. A date
/// counts from `now` and is not read without it; one that is over means no wait.
pub(super) fn retry_after(reply: &Reply, now: Option<DateTime<Utc>>) -> Option<Duration> {
    if !matches!(reply.status, 429 | 503) {
        return None;
    }
    wait_in(reply.header("retry-after")?, now)
}

/// The wait that a value of `Retry-After` asks for, in either form, an hour at most; see [`retry_after`].
pub fn wait_in(value: &str, now: Option<DateTime<Utc>>) -> Option<Duration> {
    let value = value.trim();
    let wait = match seconds(value) {
        Some(wait) => wait,
        None => (date(value)? - now?).to_std().unwrap_or_default(),
    };
    Some(wait.min(LONGEST))
}

/// Digits only (RFC 9110 10.2.3); more of them than fit into a number are a long wait too.
fn seconds(value: &str) -> Option<Duration> {
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| value.parse().map_or(LONGEST, Duration::from_secs))
}

fn date(value: &str) -> Option<DateTime<Utc>> {
    let read = |form: &&str| NaiveDateTime::parse_from_str(value, form).ok();
    DATES.iter().find_map(read).map(|date| date.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(status: u16, value: &str, now: Option<i64>) -> Option<u64> {
        let reply = Reply {
            status,
            headers: vec![("retry-after".to_owned(), value.to_owned())],
            body: Vec::new(),
            elapsed: Duration::ZERO,
        };
        let now = now.and_then(|now| DateTime::from_timestamp(now, 0));
        retry_after(&reply, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wait_is_read_in_every_form() {
        // Sun, 06 Nov 1994 08:49:37 GMT
        let example = 784_111_777;
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
            let now = Some(example - 60);
            assert_eq!(wait(429, value, now), seconds, "{value}");
            assert_eq!(wait(503, value, now), seconds, "{value}");
            assert_eq!(wait(500, value, now), None);
        }
        assert_eq!(wait(503, "Sun, 06 Nov 1994 08:49:37 GMT", None), None);
    }
}
