//! When a token expires, as far as the answer tells.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::token::ExpirySource;

/// The longest lifetime that is believed: 10 years, in seconds. A greater number is no lifetime,
/// but a point in time or a way to say "for ever".
const LONGEST: f64 = 3_650.0 * 86_400.0;

/// The last second of the year 9999, the last one that every part of the program can show.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// The expiry by `expires_in`, else by the token itself if it is a JWT. `now` is when the request
/// began, so that a slow answer makes no token live longer.
pub(super) fn expiry(
    expires_in: Option<&Value>,
    token: &str,
    now: DateTime<Utc>,
) -> (Option<DateTime<Utc>>, ExpirySource) {
    if let Some(end) = expires_in
        .and_then(lifetime)
        .and_then(|l| now.checked_add_signed(l))
    {
        return (Some(end), ExpirySource::ExpiresIn);
    }
    if let Some(end) = jwt_expiry(token) {
        return (Some(end), ExpirySource::JwtExp);
    }
    (None, ExpirySource::Unknown)
}

/// `expires_in` in seconds (RFC 6749 5.1), be it a number or a text. Zero and negative numbers are
/// servers' ways to say "never" and say nothing certain. A number of milliseconds cannot be told
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

    fn jwt(claims: &Value) -> String {
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        format!("eyJhbGciOiJub25lIn0.{claims}.c2ln")
    }

    #[test]
    fn a_lifetime_is_read_in_every_form() {
        let now = DateTime::UNIX_EPOCH;
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
            let (end, source) = expiry(Some(&expires_in), "opaque", now);
            assert_eq!(end.map(|end| end.timestamp()), seconds, "{expires_in}");
            let known = seconds.map_or(ExpirySource::Unknown, |_| ExpirySource::ExpiresIn);
            assert_eq!(source, known);
        }
    }

    #[test]
    fn a_jwt_tells_its_own_expiry() {
        let now = DateTime::UNIX_EPOCH;
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
            let (end, source) = expiry(None, &token, now);
            assert_eq!(end.map(|end| end.timestamp()), seconds, "{token}");
            let known = seconds.map_or(ExpirySource::Unknown, |_| ExpirySource::JwtExp);
            assert_eq!(source, known);
        }
    }

    #[test]
    fn the_servers_word_goes_before_the_claim() {
        let token = jwt(&json!({"exp": 1_795_000_000}));
        let (end, source) = expiry(Some(&json!(60)), &token, DateTime::UNIX_EPOCH);
        assert_eq!(
            (end.map(|e| e.timestamp()), source),
            (Some(60), ExpirySource::ExpiresIn)
        );
        let (_, source) = expiry(Some(&json!(-1)), &token, DateTime::UNIX_EPOCH);
        assert_eq!(source, ExpirySource::JwtExp);
        let (end, _) = expiry(Some(&json!(60)), "a", DateTime::<Utc>::MAX_UTC);
        assert_eq!(end, None);
    }
}
