//! What a response of an API, or the lack of one, says of its connector, for calls and for tests alike. What follows is in
//! the table of [`crate::connectors::Evidence`].

use crate::connectors::ApiOutcome;
use crate::oauth::words_of_api;
use crate::outbound::http::header::{HeaderMap, RETRY_AFTER};
use crate::outbound::http::{Response, StatusCode};
use crate::outbound::{LIMIT_HEADERS, Mask, Stage};

/// What a response says; `None` if nothing. `says_ended` if the connector's settings take it for “the token has ended”.
pub fn outcome_of_response(status: StatusCode, headers: &HeaderMap, says_ended: bool) -> Option<ApiOutcome> {
    if says_ended {
        return Some(ApiOutcome::Refused);
    }
    ApiOutcome::of_status(status.as_u16(), status == StatusCode::FORBIDDEN && limits_rate(headers))
}

/// Some servers answer 403 where 429 is meant (RFC 6585 section 4).
fn limits_rate(headers: &HeaderMap) -> bool {
    let is_none_left = |remaining: &str| headers.get(remaining).is_some_and(|left| left.as_bytes() == b"0");
    headers.contains_key(RETRY_AFTER) || LIMIT_HEADERS.iter().any(|(remaining, _)| is_none_left(remaining))
}

/// What a failure at this stage says; `None` if the request is at fault.
pub fn outcome_of_failure(stage: Stage) -> Option<ApiOutcome> {
    match stage {
        Stage::Request | Stage::Url => None,
        Stage::NameLookup | Stage::AddressRefused | Stage::Connection | Stage::Tls => Some(ApiOutcome::NotReached),
        Stage::TimeOut | Stage::Status(_) | Stage::Response => Some(ApiOutcome::Failed),
    }
}

/// What the API said of it, masked and cut; empty if nothing that is meant for people.
pub fn said(response: &Response<Vec<u8>>, mask: &Mask) -> String {
    words_of_api(response, mask).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::http::HeaderValue;

    fn outcome(status: u16, header: Option<(&'static str, &'static str)>, says_ended: bool) -> Option<ApiOutcome> {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        outcome_of_response(StatusCode::from_u16(status).expect("a status"), &headers, says_ended)
    }

    #[test]
    fn every_status_counts_as_the_table_says() {
        let (taken, refused, failed) = (Some(ApiOutcome::Taken), Some(ApiOutcome::Refused), Some(ApiOutcome::Failed));
        for (status, expected) in [
            (200, taken),
            (204, taken),
            (206, taken),
            (301, taken),
            (304, taken),
            (400, taken),
            (401, refused),
            (402, taken),
            (403, refused),
            (404, taken),
            (405, taken),
            (407, None),
            (408, None),
            (409, taken),
            (410, taken),
            (422, taken),
            (429, None),
            (451, taken),
            (500, failed),
            (501, failed),
            (502, failed),
            (503, failed),
            (504, failed),
            (520, failed),
            (599, failed),
        ] {
            assert_eq!(outcome(status, None, false), expected, "{status}");
        }
        assert_eq!(outcome(200, None, true), refused, "a body that says that the token has ended");
        assert_eq!(outcome(498, None, true), refused);
    }

    #[test]
    fn a_403_that_limits_the_rate_says_nothing_of_the_credential() {
        for header in [("retry-after", "60"), ("x-ratelimit-remaining", "0"), ("ratelimit-remaining", "0")] {
            assert_eq!(outcome(403, Some(header), false), None, "{header:?}");
        }
        assert_eq!(outcome(403, Some(("x-ratelimit-remaining", "59")), false), Some(ApiOutcome::Refused));
        assert_eq!(outcome(401, Some(("x-ratelimit-remaining", "0")), false), Some(ApiOutcome::Refused));
    }

    #[test]
    fn failures_count_by_their_stage() {
        for (stage, expected) in [
            (Stage::Request, None),
            (Stage::Url, None),
            (Stage::NameLookup, Some(ApiOutcome::NotReached)),
            (Stage::AddressRefused, Some(ApiOutcome::NotReached)),
            (Stage::Connection, Some(ApiOutcome::NotReached)),
            (Stage::Tls, Some(ApiOutcome::NotReached)),
            (Stage::TimeOut, Some(ApiOutcome::Failed)),
            (Stage::Response, Some(ApiOutcome::Failed)),
        ] {
            assert_eq!(outcome_of_failure(stage), expected, "{stage:?}");
        }
    }
}
