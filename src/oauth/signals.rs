//! Which responses of an API mean that its token has ended.

use std::str::FromStr;

use serde_json::Value;
use thiserror::Error;

use super::token_location::{JsonPointer, PointerProblem};

/// The most statuses.
const MOST: usize = 10;

/// The longest value to compare with or to look for, and the shortest to look for, in characters.
const LONGEST: usize = 255;
const SHORTEST: usize = 4;

/// The largest body that is read for the value, in bytes: no API needs more to say no.
const LARGEST: usize = 64 * 1024;

/// Statuses of an API that say that its token has ended, as in `401, 403`; 401 if empty (RFC 6750 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredStatuses(Vec<u16>);

/// What in a body says so; nothing if empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpiredBody(Option<BodySign>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum BodySign {
    /// A place in a JSON body with its value, as in `/error/code = token_expired`. The first equals sign parts the two.
    Value(JsonPointer, String),
    /// A text anywhere in a JSON, XML or other text, as in `INVALID_SESSION_ID`.
    Text(String),
}

/// The signals of an API that its token has ended: a status of these, or a sign in the body,
/// whatever the status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpiredSignals {
    statuses: ExpiredStatuses,
    body: ExpiredBody,
}

/// Why a text describes no signals; the text completes the label of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignalProblem {
    /// Something between the commas is no status that refuses anything.
    #[error("must be numbers from 300 to 599, parted by commas")]
    Status,
    /// More than 10 statuses.
    #[error("must not have more than 10 numbers")]
    TooMany,
    /// No equals sign parts place and value.
    #[error("must have =, as in /error/code = token_expired")]
    NoEquals,
    /// A text that is in many bodies.
    #[error("must have at least 4 characters if it is a text to look for")]
    TooShort,
    /// The place is none.
    #[error("{0}")]
    Pointer(#[from] PointerProblem),
    /// Nothing is after the equals sign.
    #[error("must have a value after =")]
    NoValue,
    /// A value of more than 255 characters.
    #[error("must not have a value longer than 255 characters")]
    TooLong,
}

impl Default for ExpiredStatuses {
    fn default() -> Self {
        Self(vec![401])
    }
}

impl FromStr for ExpiredStatuses {
    type Err = SignalProblem;

    fn from_str(text: &str) -> Result<Self, SignalProblem> {
        let pieces = text.split(|c: char| c == ',' || c.is_whitespace());
        let all = pieces.filter(|piece| !piece.is_empty()).map(status).collect::<Result<Vec<_>, _>>()?;
        match all.len() {
            0 => Ok(Self::default()),
            1..=MOST => Ok(Self(all)),
            _ => Err(SignalProblem::TooMany),
        }
    }
}

impl FromStr for ExpiredBody {
    type Err = SignalProblem;

    fn from_str(text: &str) -> Result<Self, SignalProblem> {
        read_sign(text.trim()).map(Self)
    }
}

impl ExpiredSignals {
    /// The largest body that [`Self::matches`] looks at, in bytes.
    pub const LARGEST_BODY: usize = LARGEST;

    pub fn new(statuses: ExpiredStatuses, body: ExpiredBody) -> Self {
        Self { statuses, body }
    }

    /// Whether a response says that the token has ended. A body of more than 64 KiB is not searched.
    pub fn matches(&self, status: u16, body: &[u8]) -> bool {
        self.statuses.0.contains(&status) || self.body.is_in(body)
    }

    /// Whether the body of a response of this media type (in lower case) has to be looked at.
    pub fn want_body(&self, media_type: &[u8]) -> bool {
        let is = |kind: &str, suffix: &str| {
            media_type == format!("application/{kind}").as_bytes() || media_type.ends_with(suffix.as_bytes())
        };
        // A stream of events has no end to wait for.
        let is_text = media_type.starts_with(b"text/") && media_type != b"text/event-stream";
        match &self.body.0 {
            None => false,
            Some(BodySign::Value(..)) => is("json", "+json"),
            Some(BodySign::Text(_)) => is("json", "+json") || is("xml", "+xml") || is_text,
        }
    }
}

impl ExpiredBody {
    fn is_in(&self, body: &[u8]) -> bool {
        if body.len() > LARGEST {
            return false;
        }
        match &self.0 {
            None => false,
            Some(BodySign::Value(place, value)) => {
                let document: Option<Value> = serde_json::from_slice(body).ok();
                let found = document.as_ref().and_then(|document| place.find(document));
                found.is_some_and(|found| is_value(found, value))
            }
            Some(BodySign::Text(text)) => String::from_utf8_lossy(body).contains(text.as_str()),
        }
    }
}

/// A success is no signal: every call would renew the token.
fn status(text: &str) -> Result<u16, SignalProblem> {
    let status = u16::from_str(text).ok();
    let status = status.filter(|status| (300..=599).contains(status));
    status.ok_or(SignalProblem::Status)
}

fn read_sign(text: &str) -> Result<Option<BodySign>, SignalProblem> {
    if text.is_empty() {
        return Ok(None);
    }
    let Some((place, value)) = text.split_once('=') else {
        return match text.chars().count() {
            _ if text.starts_with('/') => Err(SignalProblem::NoEquals),
            ..SHORTEST => Err(SignalProblem::TooShort),
            SHORTEST..=LONGEST => Ok(Some(BodySign::Text(text.to_owned()))),
            _ => Err(SignalProblem::TooLong),
        };
    };
    let (place, value) = (place.trim(), value.trim());
    if place.is_empty() {
        return Err(PointerProblem::NoSlash.into());
    }
    let place = JsonPointer::from_str(place)?;
    match value.chars().count() {
        0 => Err(SignalProblem::NoValue),
        1..=LONGEST => Ok(Some(BodySign::Value(place, value.to_owned()))),
        _ => Err(SignalProblem::TooLong),
    }
}

/// A text as it stands; numbers and the like as JSON has them.
fn is_value(found: &Value, value: &str) -> bool {
    match found {
        Value::String(text) => text == value,
        Value::Array(_) | Value::Object(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            serde_json::from_str::<Value>(value).is_ok_and(|typed| typed == *found)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signals(statuses: &str, value: &str) -> Result<ExpiredSignals, SignalProblem> {
        Ok(ExpiredSignals::new(statuses.parse()?, value.parse()?))
    }

    fn matches(statuses: &str, value: &str, status: u16, body: &str) -> bool {
        let signals = signals(statuses, value).expect("signals");
        signals.matches(status, body.as_bytes())
    }

    #[test]
    fn a_status_or_a_value_tells_that_the_token_has_ended() {
        let expired = "{\"error\": {\"code\": \"token_expired\", \"n\": 190, \"b\": true}}";
        let at = |value: &'static str| ("", value, 200, expired);
        for ((statuses, value, status, body), ended) in [
            (("", "", 401, ""), true),
            (("", "", 403, expired), false),
            (("401, 403", "", 403, ""), true),
            (("403 419", "", 401, ""), false),
            (("302", "", 302, ""), true),
            (at("/error/code = token_expired"), true),
            (at("/error/code=token_expired"), true),
            (at("/error/code = TOKEN_EXPIRED"), false),
            (at("/error/n = 190"), true),
            (at("/error/b = true"), true),
            (at("/error/n = \"190\""), false),
            (at("/error/b = false"), false),
            (at("/error = {}"), false),
            (at("/missing = x"), false),
            (("", "/a = b", 200, "{\"a\": \"b\""), false),
            (("", "/a = b", 200, ""), false),
            (("", "/a = b=c", 200, "{\"a\": \"b=c\"}"), true),
            (("", "/a = b", 401, "not JSON"), true),
            (("", "INVALID_SESSION_ID", 500, "<faultcode>sf:INVALID_SESSION_ID</faultcode>"), true),
            (("", "INVALID_SESSION_ID", 500, "<faultcode>sf:INVALID_FIELD</faultcode>"), false),
            (at("token_expired"), true),
        ] {
            assert_eq!(matches(statuses, value, status, body), ended, "{statuses} {value}");
        }
        assert_eq!(signals(" ", "\n"), Ok(ExpiredSignals::default()));
    }

    #[test]
    fn a_body_is_read_if_it_may_hold_the_sign() {
        for (sign, media_type, wanted) in [
            ("", "application/json", false),
            ("/a = b", "application/json", true),
            ("/a = b", "application/problem+json", true),
            ("/a = b", "text/xml", false),
            ("ended", "text/xml", true),
            ("ended", "application/soap+xml", true),
            ("ended", "application/xml", true),
            ("ended", "application/json", true),
            ("ended", "text/event-stream", false),
            ("ended", "application/pdf", false),
        ] {
            let signals = signals("", sign).expect("signals");
            assert_eq!(signals.want_body(media_type.as_bytes()), wanted, "{sign} {media_type}");
        }
    }

    #[test]
    fn a_large_body_is_not_searched() {
        let padding = |len| format!("{{\"a\": \"b\"{}}}", " ".repeat(len));
        assert!(matches("", "/a = b", 200, &padding(LARGEST - 10)));
        assert!(!matches("", "/a = b", 200, &padding(LARGEST - 9)));
        let deep = "[".repeat(LARGEST);
        assert!(!matches("", "/a = b", 200, &deep));
    }

    #[test]
    fn what_is_no_signal_is_refused_at_its_field() {
        use SignalProblem::*;
        let many = "401,".repeat(11);
        let long = format!("/a = {}", "b".repeat(256));
        for (statuses, value, problem) in [
            ("200", "", Status),
            ("401; 403", "", Status),
            ("-401", "", Status),
            ("600", "", Status),
            ("99999999", "", Status),
            (&many, "", TooMany),
            ("", "/error", NoEquals),
            ("", "error = x", Pointer(PointerProblem::NoSlash)),
            ("", " = x", Pointer(PointerProblem::NoSlash)),
            ("", "/a~ = x", Pointer(PointerProblem::Tilde)),
            ("", "/a = ", NoValue),
            ("", "no!", TooShort),
            ("", &long, TooLong),
        ] {
            assert_eq!(signals(statuses, value), Err(problem));
            assert_eq!(statuses.parse::<ExpiredStatuses>().is_err(), value.is_empty(), "{statuses}");
        }
    }

    proptest! {
        #[test]
        fn no_text_and_no_body_makes_it_panic(
            statuses in "[0-9, a]{0,8}",
            value in "(/[a~0]{0,3}){0,2} ?=?\\PC{0,4}",
            body in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            if let Ok(signals) = signals(&statuses, &value) {
                signals.matches(200, &body);
            }
        }
    }
}
