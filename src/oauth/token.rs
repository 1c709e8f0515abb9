//! A token that a server issued, and what a response says about it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::error::{ErrorCode, TokenError};
use super::kept::KeptValues;
use super::parameters::split_scopes;
use crate::outbound::Stage;
use crate::vault::Secret;

/// What a token request brought.
#[derive(Clone)]
pub struct Token {
    /// The access token: visible ASCII only, so that it fits into a header.
    pub access: Secret,
    /// How to present it (RFC 6749 7.1): "Bearer", also where the server says nothing or says it
    /// in other letters; else the server's own text, which is an HTTP token (RFC 9110 5.6.2).
    pub token_type: String,
    /// When it expires; in the past if the server issued an old one.
    pub expires_at: Option<DateTime<Utc>>,
    /// How the expiry is known.
    pub expiry_source: ExpirySource,
    /// The granted scopes, separated by spaces, if the server names them. It need not where they are
    /// the requested ones (RFC 6749 5.1); those of a refreshed token then stay (6).
    pub scope: Option<String>,
    /// The refresh token, if there is one that can be sent back (RFC 6749 A.17). Without one in the
    /// answer to a refresh the old one stays good (6).
    pub refresh: Option<Secret>,
    /// When the refresh token expires, if the server says so: then only a person can get another one.
    pub refresh_expires_at: Option<DateTime<Utc>>,
    /// What stands beside the token and is to be kept.
    pub kept: KeptValues,
    /// The ID token as it came (OpenID Connect Core 3.1.3.3), unread and unchecked.
    pub id_token: Option<Secret>,
    /// The status of the response; 302 for one that came with a redirect (RFC 6749 4.2.2).
    pub status: u16,
    /// The time that the request took; none for a response that came with a redirect.
    pub elapsed: Duration,
    /// Where the access token was in the response: `access_token`, `/data/token`,
    /// `header x-auth-token` or `whole answer`.
    pub found_at: String,
}

/// Whether a token of this type is bound to a key and counts only with a proof of it (RFC 9449 5), which is not made here.
pub fn is_bound_to_key(token_type: &str) -> bool {
    token_type.eq_ignore_ascii_case("dpop")
}

impl Token {
    /// Refuses a token that counts only with a proof.
    pub fn without_proof(self) -> Result<Token, TokenError> {
        if !is_bound_to_key(&self.token_type) {
            return Ok(self);
        }
        let message = "The server issued a token of the type DPoP, which counts only with a proof that Connectory does not make (RFC 9449). It was not stored.";
        let remedy = "At the server, turn off DPoP for this client, so that it issues bearer tokens.";
        Err(TokenError::new(Stage::Response, message, remedy).with_code(Some(ErrorCode::DpopRequired)))
    }
}

/// How a token's expiry is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpirySource {
    /// From a lifetime: `expires_in` (RFC 6749 5.1) or a sibling of it.
    ExpiresIn,
    /// From a point in time, such as `expires_at`.
    Point,
    /// From the `exp` claim of a JWT (RFC 7519 4.1.4), whose signature is not ours to check.
    JwtExp,
    /// A person has entered how long such tokens live, because the response does not say.
    Manual,
    /// It is not: the token serves until the API refuses it.
    Unknown,
}

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

/// The scopes (RFC 6749 3.3), separated by one space: servers also send commas and arrays.
pub(super) fn scope(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => return None,
    };
    let allowed = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
    let scopes = split_scopes(&text).filter(|scope| scope.bytes().all(allowed));
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
