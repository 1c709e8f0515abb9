//! The rows of the table, the forms of their values, and what goes before what.

use chrono::SecondsFormat;
use serde_json::json;

use super::*;

/// 1 January 2027.
const NOW: i64 = 1_798_761_600;
/// 30 September 2027, 13:15 UTC.
const END: i64 = 1_822_310_100;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).expect("a time")
}

/// In how many seconds the token of an answer expires.
fn expire(answer: &Value, token: &str, manual: Option<TimeDelta>) -> (Option<i64>, ExpirySource) {
    let said = [answer.as_object().expect("an object")];
    let (end, source) = expiry(&Lifetime { said: &said, token, manual, now: now() });
    (end.map(|end| end.timestamp() - NOW), source)
}

fn seconds(answer: &Value) -> Option<i64> {
    expire(answer, "opaque", None).0
}

fn jwt(claims: &Value) -> String {
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("eyJhbGciOiJub25lIn0.{claims}.c2ln")
}

#[test]
fn every_row_is_read_for_access_and_refresh_tokens() {
    for (name, form) in FORMS {
        let (value, expected) = match form {
            Form::Lifetime(unit) => (json!((7_200.0 / unit).round()), vec![7_200]),
            Form::Point => (json!(NOW + 7_200), vec![7_200]),
            Form::Either => (json!("7200"), vec![7_200]),
        };
        assert_eq!(seconds(&json!({ *name: value })).into_iter().collect::<Vec<_>>(), expected, "{name}");
        for prefix in ["refresh_token_", "refresh_", "x_refresh_token_"] {
            let answer = json!({ format!("{prefix}{name}"): value });
            let end = refresh_expiry(&[answer.as_object().expect("an object")], now());
            assert_eq!(end.map(|end| end.timestamp() - NOW), Some(7_200), "{answer}");
            assert_eq!(seconds(&answer), None, "{answer}");
        }
        assert_eq!(seconds(&json!({ format!("access_token_{name}"): value })), Some(7_200), "{name}");
    }
}

#[test]
fn names_are_read_in_every_spelling() {
    for answer in [
        json!({"expires_in": 60}),
        json!({"expiresIn": 60}),
        json!({"ExpiresIn": "60"}),
        json!({"expires-in-seconds": 60}),
        json!({"expiresInMs": 60_000}),
        json!({".expires": "Fri, 01 Jan 2027 00:01:00 GMT"}),
        json!({"Expiration_date": "1/1/2027 12:01:00 AM"}),
        json!({"accessTokenExpiresAt": "2027-01-01T00:01:00Z"}),
    ] {
        assert_eq!(seconds(&answer), Some(60), "{answer}");
    }
}

#[test]
fn a_lifetime_is_read_in_every_form() {
    for (expires_in, lifetime) in [
        (json!(3600), Some(3600)),
        (json!("3600"), Some(3600)),
        (json!(" 3600 "), Some(3600)),
        (json!(3600.9), Some(3600)),
        (json!("3599.5"), Some(3599)),
        (json!(1), Some(1)),
        (json!(315_360_000), Some(315_360_000)),
        (json!(3_600_000), Some(3_600_000)),
        (json!("1 hour"), Some(3600)),
        (json!("1h"), Some(3600)),
        (json!("3600s"), Some(3600)),
        (json!("90 min"), Some(5400)),
        (json!("7d"), Some(604_800)),
        (json!("2500ms"), Some(2)),
        // Points in time under the wrong name.
        (json!(END), Some(END - NOW)),
        (json!(END * 1_000), Some(END - NOW)),
        (json!(NOW - 60), None),
        (json!(0), None),
        (json!(-1), None),
        (json!("-3600"), None),
        (json!("-1h"), None),
        (json!("1 fortnight"), None),
        (json!(315_360_001), None),
        (json!(u64::MAX), None),
        (json!(f64::MAX), None),
        (json!("1e999"), None),
        (json!("NaN"), None),
        (json!("inf"), None),
        (json!(""), None),
        (json!(null), None),
        (json!(true), None),
        (json!([3600]), None),
        (json!({"seconds": 3600}), None),
    ] {
        assert_eq!(seconds(&json!({ "expires_in": expires_in })), lifetime, "{expires_in}");
    }
}

#[test]
fn a_point_in_time_is_read_in_every_form() {
    let rfc3339 = DateTime::from_timestamp(END, 0).expect("a time").to_rfc3339_opts(SecondsFormat::Nanos, true);
    for text in [
        json!(END),
        json!(END.to_string()),
        json!(END * 1_000),
        json!(END * 1_000_000),
        json!(END as f64 * 1e9),
        json!(rfc3339),
        json!("2027-09-30T13:15:00Z"),
        json!("2027-09-30T15:15:00.000+02:00"),
        json!("2027-09-30T15:15:00.000+0200"),
        json!("2027-09-30T13:15:00"),
        json!("2027-09-30T13:15"),
        json!("2027-09-30 13:15:00"),
        json!("2027-09-30 13:15:00.123456"),
        json!("2027-09-30 13:15:00 UTC"),
        json!("Thu, 30 Sep 2027 13:15:00 GMT"),
        json!("Thu, 30 Sep 2027 15:15:00 +0200"),
        json!("9/30/2027 1:15:00 PM"),
        json!("09/30/2027 13:15:00 PM +00:00"),
        json!("30/9/2027 13:15"),
        json!("/Date(1822310100000)/"),
        json!("/Date(1822310100000+0000)/"),
    ] {
        assert_eq!(seconds(&json!({ "expires_at": text })), Some(END - NOW), "{text}");
    }
    for text in [
        json!("0001-01-01T00:00:00"),
        json!("9999-12-31T23:59:59Z"),
        json!(0),
        json!(3600),
        json!("1970-01-01T00:00:00Z"),
        json!("soon"),
        json!("13/31/2027 1:00:00 PM"),
        json!("9/30/2027 1:15:00 XM"),
        json!("9/30"),
        json!("/Date()/"),
        json!(f64::MAX),
        json!({"$date": END}),
    ] {
        assert_eq!(seconds(&json!({ "expires_at": text })), None, "{text}");
    }
    assert_eq!(seconds(&json!({"expires_on": "09/14/2027 00:00:00 PM +00:00"})), Some(1_820_880_000 - NOW));
    assert_eq!(seconds(&json!({"expires_at": NOW - 60})), Some(-60), "an old one");
}

#[test]
fn a_jwt_tells_its_own_expiry() {
    for (token, end) in [
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
        let known = end.map_or(ExpirySource::Unknown, |_| ExpirySource::JwtExp);
        assert_eq!(expire(&json!({}), &token, None), (end.map(|end: i64| end - NOW), known), "{token}");
    }
}

#[test]
fn the_nearest_and_clearest_goes_first() {
    let hour = jwt(&json!({"exp": NOW + 3_600}));
    let manual = Some(TimeDelta::hours(2));
    for (answer, token, known) in [
        (json!({"expires_in": 60}), hour.as_str(), (Some(60), ExpirySource::ExpiresIn)),
        (json!({"expires_in": -1}), &hour, (Some(3_600), ExpirySource::JwtExp)),
        (json!({"expires_in": 60}), "opaque", (Some(60), ExpirySource::ExpiresIn)),
        (json!({"expires_in": -1}), "opaque", (Some(7_200), ExpirySource::Manual)),
        (json!({}), "opaque", (Some(7_200), ExpirySource::Manual)),
        // Milliseconds, as what stands beside them or in the token shows.
        (json!({"expires_in": 3_600_000, "expires_in_sec": 3_600}), "opaque", (Some(3_600), ExpirySource::ExpiresIn)),
        (json!({"expires_in": 3_600_000, "expires_at": NOW + 3_600}), "opaque", (Some(3_600), ExpirySource::Point)),
        (json!({"expires_in": 3_600_000}), &hour, (Some(3_600), ExpirySource::JwtExp)),
        (json!({"expires_in": 7_200, "expires_at": NOW + 3_600}), "opaque", (Some(7_200), ExpirySource::ExpiresIn)),
        (json!({"expires_in": 7_200, "expires_at": NOW - 3_600}), "opaque", (Some(7_200), ExpirySource::ExpiresIn)),
        (json!({"expires_at": NOW + 60}), &hour, (Some(60), ExpirySource::Point)),
    ] {
        assert_eq!(expire(&answer, token, manual), known, "{answer}");
    }
    let (near, far) = (json!({"expires_in": 60}), json!({"expires_in": 90, "expires_in_sec": 90}));
    let said = [near.as_object().expect("an object"), far.as_object().expect("an object")];
    let known = Lifetime { said: &said, token: "opaque", manual: None, now: now() };
    assert_eq!(expiry(&known).0.map(|end| end.timestamp() - NOW), Some(90), "the unit counts more than the place");
    let beyond = Lifetime { said: &said[..1], token: "opaque", manual, now: DateTime::<Utc>::MAX_UTC };
    assert_eq!(expiry(&beyond), (None, ExpirySource::Unknown));
}
