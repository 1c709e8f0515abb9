//! Reading the answer of a token server.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::document::Document;
use super::expiry::expiry;
use super::location::TokenLocation;
use super::mask::Mask;
use super::refusal::{Refusal, RefusalLayer};
use super::remedy;
use super::search::{self, Found, Missing};
use super::token::Token;
use super::words;
use crate::outbound::{HttpUrl, Reply};
use crate::vault::Secret;

/// How many member names of an answer without a token are listed.
const LISTED: usize = 8;

/// The longest scope and token type that are kept, in characters.
const LONGEST_SCOPE: usize = 2_000;
const LONGEST_TYPE: usize = 32;

/// What is known before the answer comes.
pub(super) struct Reading<'a> {
    /// The address that was asked.
    pub(super) url: &'a HttpUrl,
    /// Where the token is expected.
    pub(super) location: &'a TokenLocation,
    /// The secrets that the answer may echo.
    pub(super) mask: &'a Mask,
    /// When the request began.
    pub(super) now: DateTime<Utc>,
}

impl Reading<'_> {
    /// The token in the answer, or why there is none.
    pub(super) fn read(&self, reply: &Reply) -> Result<Token, Refusal> {
        if (300..400).contains(&reply.status) {
            return Err(self.redirect(reply));
        }
        let document = Document::of(reply);
        if !(200..300).contains(&reply.status) {
            return Err(self.status(reply, &document));
        }
        if words::is_error(&document) {
            return Err(self.error(reply, &document));
        }
        let found = search::find(reply, &document, self.location)
            .map_err(|missing| self.missing(reply, &document, &missing))?;
        let access = found
            .token()
            .ok_or_else(|| self.unsendable(reply, &found))?;
        Ok(self.token(reply, &found, access))
    }

    fn token(&self, reply: &Reply, found: &Found<'_>, access: Secret) -> Token {
        let expires_in = found.detail("expires_in");
        let (expires_at, expiry_source) = expiry(expires_in, access.expose(), self.now);
        Token {
            token_type: token_type(found.detail("token_type")),
            expires_at,
            expiry_source,
            scope: scope(found.detail("scope")),
            refresh: refresh(found.detail("refresh_token")),
            status: reply.status,
            elapsed: reply.elapsed,
            found_at: found.place.clone(),
            access,
        }
    }

    fn refusal(&self, reply: &Reply, layer: RefusalLayer, message: String) -> Refusal {
        Refusal {
            layer,
            message,
            server_words: None,
            remedy: String::new(),
            elapsed: reply.elapsed,
        }
    }

    fn redirect(&self, reply: &Reply) -> Refusal {
        let location = reply.header("location");
        let target = location.and_then(|location| self.url.location(location));
        let target = target.and_then(|target| self.mask.clean(&target));
        let (message, remedy) = match target {
            Some(target) => (
                format!("The server redirects to “{target}”."),
                remedy::REDIRECT,
            ),
            None => (
                format!("{}, but to no usable address.", status_line(reply)),
                remedy::CHECK_URL,
            ),
        };
        let refusal = self.refusal(reply, RefusalLayer::HttpStatus(reply.status), message);
        refusal.with_remedy(remedy)
    }

    fn status(&self, reply: &Reply, document: &Document) -> Refusal {
        let layer = RefusalLayer::HttpStatus(reply.status);
        let message = format!("{}.", status_line(reply));
        let code = words::error_code(document);
        self.refusal(reply, layer, message)
            .with_words(self.show(words::of_failure(document)))
            .with_remedy(remedy::for_status(reply.status, code))
    }

    /// An error under a status of success.
    fn error(&self, reply: &Reply, document: &Document) -> Refusal {
        let message = "The server answered with an error in place of a token.".to_owned();
        let code = words::error_code(document);
        self.refusal(reply, RefusalLayer::Answer, message)
            .with_words(self.show(words::of_success(document)))
            .with_remedy(remedy::for_code(code).unwrap_or(remedy::CHECK_SIGN_IN))
    }

    fn missing(&self, reply: &Reply, document: &Document, missing: &Missing) -> Refusal {
        let (message, remedy) = match (missing, document) {
            (_, Document::Markup(_)) => (
                "The server answered with a web page, not with a token.".to_owned(),
                remedy::WEB_PAGE,
            ),
            (_, Document::Text(text)) if text.is_empty() => (
                "The server's answer is empty.".to_owned(),
                remedy::CHECK_URL,
            ),
            (Missing::NotThere(pointer), _) => (
                format!(
                    "The answer has nothing at {pointer}.{}",
                    self.members(document)
                ),
                remedy::POINTER,
            ),
            (Missing::NoText(pointer), _) => (
                format!("What the answer has at {pointer} is not a text."),
                remedy::POINTER,
            ),
            (Missing::NoJson, _) => (
                "The answer is not JSON, so that a JSON Pointer finds nothing in it.".to_owned(),
                remedy::NO_JSON,
            ),
            (Missing::Nowhere, _) => (
                format!("The answer has no token.{}", self.members(document)),
                remedy::POINTER,
            ),
        };
        self.refusal(reply, RefusalLayer::Answer, message)
            .with_words(self.show(words::of_success(document)))
            .with_remedy(remedy)
    }

    /// A token that would break the header it is meant for (RFC 6750 2.1). It is not shown.
    fn unsendable(&self, reply: &Reply, found: &Found<'_>) -> Refusal {
        let message = format!(
            "What the answer has as token ({}) is longer than 16 KiB or has spaces, line \
             breaks or other characters that no header can carry.",
            found.place
        );
        self.refusal(reply, RefusalLayer::Answer, message)
            .with_remedy(remedy::POINTER)
    }

    /// " Its members are a, b." Names only, and none that might be a value in disguise.
    fn members(&self, document: &Document) -> String {
        let Some(Value::Object(object)) = document.json() else {
            return String::new();
        };
        let is_name = |name: &&str| {
            let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
            (1..=40).contains(&name.len()) && name.bytes().all(word)
        };
        let names: Vec<_> = object
            .keys()
            .map(String::as_str)
            .filter(is_name)
            .take(LISTED)
            .collect();
        match self.mask.clean(&names.join(", ")) {
            Some(names) => format!(" Its members are {names}."),
            None => String::new(),
        }
    }

    fn show(&self, words: Option<String>) -> Option<String> {
        self.mask.clean(&words?)
    }
}

/// "The server answered 401 (Unauthorized)", without a full stop.
fn status_line(reply: &Reply) -> String {
    match reply.reason() {
        Some(reason) => format!("The server answered {} ({reason})", reply.status),
        None => format!("The server answered {}", reply.status),
    }
}

/// The type, "Bearer" where it is missing or no HTTP token (RFC 9110 5.6.2). Types are compared
/// without case (RFC 6749 5.1), yet many APIs want "Bearer" in just these letters.
fn token_type(value: Option<&Value>) -> String {
    let is_token = |text: &&str| {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        (1..=LONGEST_TYPE).contains(&text.len()) && text.bytes().all(token)
    };
    match value
        .and_then(Value::as_str)
        .map(str::trim)
        .filter(is_token)
    {
        Some(other) if !other.eq_ignore_ascii_case("bearer") => other.to_owned(),
        _ => "Bearer".to_owned(),
    }
}

/// The scopes (RFC 6749 3.3), parted by one space: servers also send commas and arrays.
fn scope(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Array(items) => items
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" "),
        _ => return None,
    };
    let is_scope = |scope: &&str| {
        let allowed = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
        !scope.is_empty() && scope.bytes().all(allowed)
    };
    let scopes = text
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(is_scope);
    let joined = scopes.collect::<Vec<_>>().join(" ");
    (!joined.is_empty()).then(|| joined.chars().take(LONGEST_SCOPE).collect())
}

/// A refresh token that can be sent back (RFC 6749 A.17: visible ASCII and space). Without one the
/// access token is still good, so a bad one is left out.
fn refresh(value: Option<&Value>) -> Option<Secret> {
    let text = value?.as_str()?;
    let sendable = !text.is_empty() && text.bytes().all(|b| (0x20..=0x7e).contains(&b));
    sendable.then(|| Secret::new(text.to_owned()))
}

#[cfg(test)]
mod tests;
