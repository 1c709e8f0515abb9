//! The parameters with which an authorization server sends a browser back (RFC 6749 4.1.2, 4.2.2).
//!
//! Danger: anyone can make a browser bring anything. Nothing here counts before the state has been found to be one that
//! this very browser was given (`round_trip`), and the issuer has been checked.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use form_urlencoded::parse;
use serde_json::Value;

use super::callback_error::CallbackError;
use super::expiry::{Lifetime, expiry};
use super::find_token::is_sendable;
use super::kept::KeptValues;
use super::token;
use super::token::Token;
use crate::outbound::{Mask, quote};
use crate::vault::Secret;

/// The parameters that are read. None may stand twice (RFC 6749 3.1): which one counts would
/// be a guess.
const KNOWN: [&str; 9] =
    ["state", "iss", "code", "error", "error_description", "access_token", "token_type", "expires_in", "scope"];

/// The parameters that are read, of those that were posted.
pub fn known_parameters<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(&'static str, String)> {
    let known = |name: &str| KNOWN.into_iter().find(|known| *known == name);
    pairs.filter_map(|(name, value)| Some((known(name)?, value.to_owned()))).collect()
}

/// What a browser brings back.
pub struct CallbackParams {
    /// The state of the request, if one is named.
    pub state: Option<Secret>,
    /// The issuer that sends the response (RFC 9207 2).
    iss: Option<String>,
    /// What it says.
    pub outcome: Result<Granted, CallbackError>,
}

/// What was granted.
pub enum Granted {
    /// A code, to be exchanged for a token.
    Code(Secret),
    /// The token itself, fit for a header.
    Token(Box<Token>),
}

impl CallbackParams {
    /// Reads the query that came to the redirect URL, for a code.
    pub fn from_query(query: &str) -> Self {
        Known::of(query).answer(|params| {
            let code = params.get("code").filter(|code| token::is_vschar(code))?;
            Some(Granted::Code(Secret::new(code.to_owned())))
        })
    }

    /// Reads the fragment that came to the redirect URL, for a token: `#` and what follows, the
    /// parameters alone, or the whole address as a person has pasted it. Where the fragment says
    /// nothing the query is read, for some servers put errors there. `lifetime` is the token's
    /// where the response has none.
    pub fn from_fragment(text: &str, now: DateTime<Utc>, lifetime: Option<TimeDelta>) -> Self {
        let (fragment, query) = parts(text.trim());
        let in_fragment = Known::of(fragment);
        let params = if in_fragment.0.is_empty() { Known::of(query) } else { in_fragment };
        params.answer(|params| {
            let token = params.token(now, lifetime)?;
            Some(Granted::Token(Box::new(token)))
        })
    }

    /// Whether the response names its issuer (RFC 9207 2).
    pub fn names_issuer(&self) -> bool {
        self.iss.is_some()
    }

    /// The state; an error says why there is none.
    pub(super) fn state(&self) -> Result<&Secret, CallbackError> {
        let is_empty = matches!(self.outcome, Err(CallbackError::Empty));
        let missing = if is_empty { CallbackError::Empty } else { CallbackError::UnknownState };
        self.state.as_ref().ok_or(missing)
    }

    /// Compares the expected issuer with `iss`, letter by letter (RFC 9207 2.4), so that the code of one server is
    /// never sent to another (mix-up, RFC 9700 4.4). `required` is whether the server's metadata say that it always
    /// sends one.
    pub fn check_issuer(&self, expected: Option<&str>, required: bool) -> Result<(), CallbackError> {
        match (expected, self.iss.as_deref()) {
            (Some(expected), Some(iss)) if expected != iss => Err(CallbackError::OtherIssuer),
            (_, None) if required => Err(CallbackError::OtherIssuer),
            _ => Ok(()),
        }
    }
}

/// Fragment and query of what was posted or pasted.
fn parts(text: &str) -> (&str, &str) {
    let query = |address| str::split_once(address, '?').map_or("", |(_, query)| query);
    if let Some((address, fragment)) = text.split_once('#') {
        return (fragment, query(address));
    }
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("https://") || lower.starts_with("http://") {
        return ("", query(text));
    }
    (text, "")
}

/// The known parameters with their values.
struct Known(Vec<(&'static str, String)>);

impl Known {
    /// A parameter without value counts as left out (RFC 6749 3.1).
    fn of(encoded: &str) -> Self {
        let encoded = encoded.strip_prefix('?').unwrap_or(encoded);
        let pairs = parse(encoded.as_bytes()).filter(|(_, value)| !value.is_empty());
        let known = pairs.filter_map(|(name, value)| {
            let known = KNOWN.iter().find(|known| **known == name)?;
            Some((*known, value.into_owned()))
        });
        Self(known.collect())
    }

    /// The value, if there is just one.
    fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(known, _)| *known == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    fn has_repeated(&self) -> bool {
        let repeats = |name: &&str| self.0.iter().filter(|(known, _)| known == name).count() > 1;
        KNOWN.iter().any(repeats)
    }

    /// An error goes before anything that came with it.
    fn answer(&self, granted: impl FnOnce(&Self) -> Option<Granted>) -> CallbackParams {
        let outcome = match self.get("error") {
            _ if self.has_repeated() => Err(CallbackError::Empty),
            Some(error) => Err(self.denied(error)),
            None => granted(self).ok_or(CallbackError::Empty),
        };
        CallbackParams {
            state: self.get("state").map(|state| Secret::new(state.to_owned())),
            iss: self.get("iss").map(str::to_owned),
            outcome,
        }
    }

    fn denied(&self, error: &str) -> CallbackError {
        // Of its own secrets the response can hold the state alone, which is spent now.
        let mask = Mask::default();
        let description = self.get("error_description");
        CallbackError::Denied {
            code: quote(error, &mask).unwrap_or_else(|| "error".to_owned()),
            description: description.and_then(|words| quote(words, &mask)),
        }
    }

    fn token(&self, now: DateTime<Utc>, manual: Option<TimeDelta>) -> Option<Token> {
        let access = self.get("access_token").filter(|text| is_sendable(text))?;
        let detail = |name| self.get(name).map(Value::from);
        let said = detail("expires_in").map(|lifetime| ("expires_in".to_owned(), lifetime)).into_iter().collect();
        let (expires_at, expiry_source) = expiry(&Lifetime { said: &[&said], token: access, manual, now });
        Some(Token {
            access: Secret::new(access.to_owned()),
            token_type: token::token_type(detail("token_type").as_ref()),
            expires_at,
            expiry_source,
            scope: token::scope(detail("scope").as_ref()),
            refresh_expires_at: None,
            kept: KeptValues::new(),
            refresh: None, // RFC 6749 4.2.2: a fragment is no place for one
            id_token: None,
            status: 302,
            elapsed: Duration::ZERO,
            found_at: "access_token".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
