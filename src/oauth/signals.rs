//! Which responses of an API mean that its token has ended.

use std::str::FromStr;

use serde_json::Value;
use thiserror::Error;

use super::token_location::{JsonPointer, PointerProblem};

/// The most statuses.
const MOST: usize = 10;

/// The longest value to compare with, in characters.
const LONGEST: usize = 255;

/// The largest body that is read for the value, in bytes: no API needs more to say no.
const LARGEST: usize = 64 * 1024;

/// Statuses of an API that say that its token has ended, as in `401, 403`; 401 if empty (RFC 6750 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredStatuses(Vec<u16>);

/// A place in a JSON body with the value that says so, as in `/error/code = token_expired`; none if
/// empty. The first equals sign parts the two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpiredBody(Option<(JsonPointer, String)>);

/// The signals of an API that its token has ended: a status of these, or a value in the body,
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
        read_value(text).map(Self)
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
        self.statuses.0.contains(&status) || self.holds_value(body)
    }

    /// Whether the body of a response has to be looked at.
    pub fn want_body(&self) -> bool {
        self.body.0.is_some()
    }

    fn holds_value(&self, body: &[u8]) -> bool {
        let Some((place, value)) = &self.body.0 else {
            return false;
        };
        if body.len() > LARGEST {
            return false;
        }
        let document: Option<Value> = serde_json::from_slice(body).ok();
        let found = document.as_ref().and_then(|document| place.find(document));
        found.is_some_and(|found| is_value(found, value))
    }
}

/// A success is no signal: every call would renew the token.
fn status(text: &str) -> Result<u16, SignalProblem> {
    let status = u16::from_str(text).ok();
    let status = status.filter(|status| (300..=599).contains(status));
    status.ok_or(SignalProblem::Status)
}

fn read_value(text: &str) -> Result<Option<(JsonPointer, String)>, SignalProblem> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let (place, value) = text.split_once('=').ok_or(SignalProblem::NoEquals)?;
    let (place, value) = (place.trim(), value.trim());
    if place.is_empty() {
        return Err(PointerProblem::NoSlash.into());
    }
    let place = JsonPointer::from_str(place)?;
    match value.chars().count() {
        0 => Err(SignalProblem::NoValue),
        1..=LONGEST => Ok(Some((place, value.to_owned()))),
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
        ] {
            assert_eq!(matches(statuses, value, status, body), ended, "{statuses} {value}");
        }
        assert_eq!(signals(" ", "\n"), Ok(ExpiredSignals::default()));
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
