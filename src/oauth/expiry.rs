//! When a token expires, as far as the response says.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::token::ExpirySource;

/// The longest lifetime that is believed: 10 years, in seconds. A greater number is no lifetime,
/// but a point in time or a stand-in for "for ever".
const LONGEST: f64 = 3_650.0 * 86_400.0;

/// The last second of the year 9999, the last one that every part of the program can show.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// What says when a token expires.
pub(super) struct Lifetime<'a> {
    /// What the server says (RFC 6749 5.1).
    pub(super) expires_in: Option<&'a Value>,
    /// The token, which has the expiry in it if it is a JWT.
    pub(super) token: &'a str,
    /// What a person has entered for servers that say nothing.
    pub(super) manual: Option<TimeDelta>,
    /// When the request began, so that a slow answer makes no token live longer.
    pub(super) now: DateTime<Utc>,
}

/// The expiry by `expires_in`, else by the token itself, else by hand.
pub(super) fn expiry(known: &Lifetime<'_>) -> (Option<DateTime<Utc>>, ExpirySource) {
    let after = |lifetime| known.now.checked_add_signed(lifetime);
    if let Some(end) = known.expires_in.and_then(lifetime).and_then(after) {
        return (Some(end), ExpirySource::ExpiresIn);
    }
    if let Some(end) = jwt_expiry(known.token) {
        return (Some(end), ExpirySource::JwtExp);
    }
    if let Some(end) = known.manual.and_then(after) {
        return (Some(end), ExpirySource::Manual);
    }
    (None, ExpirySource::Unknown)
}

/// `expires_in` in seconds (RFC 6749 5.1), be it a number or a text. Zero and negative numbers are
/// how servers say "never", and say nothing certain. A number of milliseconds cannot be distinguished
/// from a long lifetime and is read as the standard says; the token then serves until the API
/// answers 401, as one of unknown expiry does.
fn lifetime(expires_in: &Value) -> Option<TimeDelta> {
    let seconds = number(expires_in)?;
    if seconds <= 0.0 || seconds > LONGEST {
        return None;
    }
    // In range, so that the conversion is exact but for the fraction of a millisecond.
    TimeDelta::try_milliseconds((seconds * 1_000.0) as i64)
}

/// The `exp` claim of a signed JWT (RFC 7515 3.1: three parts, the second one the claims).
pub fn jwt_expiry(token: &str) -> Option<DateTime<Utc>> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let seconds = number(claims.get("exp")?)?;
    if !(0.0..=LAST_SECOND).contains(&seconds) {
        return None;
    }
    DateTime::from_timestamp(seconds as i64, 0)
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expire(expires_in: Option<&Value>, token: &str, manual: Option<TimeDelta>) -> (Option<i64>, ExpirySource) {
        let (end, source) = expiry(&Lifetime { expires_in, token, manual, now: DateTime::UNIX_EPOCH });
        (end.map(|end| end.timestamp()), source)
    }

    fn jwt(claims: &Value) -> String {
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        format!("eyJhbGciOiJub25lIn0.{claims}.c2ln")
    }

    #[test]
    fn a_lifetime_is_read_in_every_form() {
        for (expires_in, seconds) in [
            (json!(3600), Some(3600)),
            (json!("3600"), Some(3600)),
            (json!(" 3600 "), Some(3600)),
            (json!(3600.9), Some(3600)),
            (json!("3599.5"), Some(3599)),
            (json!(1), Some(1)),
            (json!(315_360_000), Some(315_360_000)),
            (json!(3_600_000), Some(3_600_000)),
            (json!(0), None),
            (json!(-1), None),
            (json!("-3600"), None),
            (json!(315_360_001), None),
            (json!(1_795_000_000), None),
            (json!(u64::MAX), None),
            (json!(f64::MAX), None),
            (json!("1e999"), None),
            (json!("NaN"), None),
            (json!("inf"), None),
            (json!(""), None),
            (json!("1 hour"), None),
            (json!(null), None),
            (json!(true), None),
            (json!([3600]), None),
            (json!({"seconds": 3600}), None),
        ] {
            let known = seconds.map_or(ExpirySource::Unknown, |_| ExpirySource::ExpiresIn);
            let found = expire(Some(&expires_in), "opaque", None);
            assert_eq!(found, (seconds, known), "{expires_in}");
        }
    }

    #[test]
    fn a_jwt_tells_its_own_expiry() {
        for (token, seconds) in [
            (jwt(&json!({"exp": 1_795_000_000})), Some(1_795_000_000)),
            (jwt(&json!({"exp": 1_795_000_000.7})), Some(1_795_000_000)),
            (jwt(&json!({"exp": "1795000000"})), Some(1_795_000_000)),
            (jwt(&json!({"exp": -5})), None),
            (jwt(&json!({"exp": 1e300})), None),
            (jwt(&json!({"exp": null})), None),
            (jwt(&json!({"sub": "a"})), None),
            (jwt(&json!(["exp"])), None),
            (format!("{}.x", jwt(&json!({"exp": 1}))), None),
            ("a.b".to_owned(), None),
            ("..".to_owned(), None),
            ("a.!!!.c".to_owned(), None),
            ("a.bm90IGpzb24.c".to_owned(), None),
        ] {
            let known = seconds.map_or(ExpirySource::Unknown, |_| ExpirySource::JwtExp);
            assert_eq!(expire(None, &token, None), (seconds, known), "{token}");
        }
    }

    #[test]
    fn the_servers_word_goes_before_the_claim_and_that_before_a_persons() {
        let jwt = jwt(&json!({"exp": 1_795_000_000}));
        let manual = Some(TimeDelta::hours(2));
        for (expires_in, token, known) in [
            (json!(60), jwt.as_str(), (Some(60), ExpirySource::ExpiresIn)),
            (json!(-1), &jwt, (Some(1_795_000_000), ExpirySource::JwtExp)),
            (json!(60), "opaque", (Some(60), ExpirySource::ExpiresIn)),
            (json!(-1), "opaque", (Some(7_200), ExpirySource::Manual)),
        ] {
            assert_eq!(expire(Some(&expires_in), token, manual), known);
        }
        let beyond = Lifetime { expires_in: Some(&json!(60)), token: "opaque", manual, now: DateTime::<Utc>::MAX_UTC };
        assert_eq!(expiry(&beyond), (None, ExpirySource::Unknown));
    }
}
