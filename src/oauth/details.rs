//! What an answer says about a token, read tolerantly.

use serde_json::Value;

use super::scope;
use crate::vault::Secret;

/// The longest scope and token type that are kept, in characters.
const LONGEST_SCOPE: usize = 2_000;
const LONGEST_TYPE: usize = 32;

/// The type, "Bearer" where it is missing or no HTTP token (RFC 9110 5.6.2). Types are compared
/// without case (RFC 6749 5.1), yet many APIs want "Bearer" in just these letters.
pub(super) fn token_type(value: Option<&Value>) -> String {
    let is_token = |text: &&str| {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        (1..=LONGEST_TYPE).contains(&text.len()) && text.bytes().all(token)
    };
    match value.and_then(Value::as_str).map(str::trim).filter(is_token) {
        Some(other) if !other.eq_ignore_ascii_case("bearer") => other.to_owned(),
        _ => "Bearer".to_owned(),
    }
}

/// The scopes (RFC 6749 3.3), parted by one space: servers also send commas and arrays.
pub(super) fn scope(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => return None,
    };
    let allowed = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
    let scopes = scope::split(&text).filter(|scope| scope.bytes().all(allowed));
    let joined = scopes.collect::<Vec<_>>().join(" ");
    (!joined.is_empty()).then(|| joined.chars().take(LONGEST_SCOPE).collect())
}

/// A refresh token that can be sent back (RFC 6749 A.17: visible ASCII and space). Without one the
/// access token is still good, so a bad one is left out.
pub(super) fn refresh(value: Option<&Value>) -> Option<Secret> {
    let text = value?.as_str()?;
    is_vschar(text).then(|| Secret::new(text.to_owned()))
}

/// Whether a refresh token is longer than secrets may be. The one before it may have ended by then, so it must not be
/// left out.
pub(super) fn is_too_long(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str).is_some_and(|text| text.len() > Secret::LONGEST)
}

/// Whether a code or refresh token can be sent back (RFC 6749 A.11, A.17).
pub(super) fn is_vschar(text: &str) -> bool {
    let vschar = |b: u8| (0x20..=0x7e).contains(&b);
    (1..=Secret::LONGEST).contains(&text.len()) && text.bytes().all(vschar)
}

/// The longest ID token, in bytes: some list hundreds of groups.
const LONGEST_ID_TOKEN: usize = 128 * 1024;

/// An ID token that may be one: what it says, and whether it is to be believed, is for others to find out.
pub(super) fn id_token(value: Option<&Value>) -> Option<Secret> {
    let text = value?.as_str()?;
    let fits = (1..=LONGEST_ID_TOKEN).contains(&text.len());
    fits.then(|| Secret::new(text.to_owned()))
}
