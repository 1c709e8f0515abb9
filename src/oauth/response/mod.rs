//! Reading responses: redirects, statuses and errors of every one, and the token of a token response. `find_token` looks
//! for it.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::error::TokenError;
use super::expiry::{Lifetime, expiry, jwt_expiry, refresh_expiry};
use super::find_token::{FoundToken, MissingToken, find_token};
use super::kept::{KeptNames, KeptValues};
use super::remedy::{self, RequestKind};
use super::response_document::{Document, xml};
use super::session::{COOKIE, Session};
use super::token::{ExpirySource, Token};
use super::token_location::TokenLocation;
use super::{error_message, refusal, token};
use crate::outbound::{HttpUrl, Mask, Stage, http, quote, retry_after};
use crate::vault::Secret;

/// A whole response, whatever its status.
pub(super) type Reply = http::Response<Vec<u8>>;

/// The first value of a header, if it is a text.
pub(super) fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    str::from_utf8(reply.headers().get(name)?.as_bytes()).ok()
}

/// Reads responses; it has what must be known of the request for that.
pub(super) struct ResponseReader<'a> {
    /// The address of the request.
    pub(super) url: &'a HttpUrl,
    /// What for.
    pub(super) kind: RequestKind,
    /// The secrets that the response may echo.
    pub(super) mask: &'a Mask,
    /// When the request began. Where it is not known, `Retry-After` is read in seconds only.
    pub(super) now: Option<DateTime<Utc>>,
}

impl ResponseReader<'_> {
    /// The document of a response that claims success and holds no error.
    pub(super) fn document(&self, reply: &Reply) -> Result<Document, TokenError> {
        self.check_status(reply)?;
        let document = Document::of(reply);
        if error_message::is_error(&document) {
            return Err(self.error(&document));
        }
        Ok(document)
    }

    /// Whether the status is one of success; the body may be anything.
    pub(super) fn check_status(&self, reply: &Reply) -> Result<(), TokenError> {
        match reply.status().as_u16() {
            200..300 => Ok(()),
            300..400 => Err(self.redirect(reply)),
            _ => Err(self.status(reply)),
        }
    }

    /// A text of the server as it may be shown and stored.
    pub(super) fn show(&self, words: Option<String>) -> Option<String> {
        quote(&words?, self.mask)
    }

    fn redirect(&self, reply: &Reply) -> TokenError {
        let target = header(reply, "location").and_then(|location| self.url.location(location));
        let target = target.and_then(|target| quote(&target, self.mask));
        let (message, remedy) = match target {
            Some(target) => (format!("The server redirects to “{target}”."), remedy::REDIRECT),
            None => (format!("{}, but to no usable address.", status_line(reply)), self.kind.address()),
        };
        TokenError::new(Stage::Status(reply.status().as_u16()), message, remedy)
    }

    fn status(&self, reply: &Reply) -> TokenError {
        let document = Document::of(reply);
        let (status, code) = (reply.status().as_u16(), refusal::code_of(&document, self.kind));
        TokenError::new(Stage::Status(status), format!("{}.", status_line(reply)), self.kind.after_status(status, code))
            .with_words(self.show(error_message::of_failure(&document)))
            .with_code(code)
            .with_retry_after(retry_after(reply.headers(), self.now))
    }

    /// An error under a status of success.
    fn error(&self, document: &Document) -> TokenError {
        let message = match self.kind {
            RequestKind::Metadata => "The server answered with an error in place of its metadata.",
            _ => "The server answered with an error in place of a token.",
        };
        let code = refusal::code_of(document, self.kind);
        TokenError::new(Stage::Response, message, self.kind.after_error(code))
            .with_words(self.show(error_message::of_success(document)))
            .with_code(code)
    }
}

/// "The server answered 401 (Unauthorized)", without a full stop.
fn status_line(reply: &Reply) -> String {
    let status = reply.status();
    match status.canonical_reason() {
        Some(reason) => format!("The server answered {} ({reason})", status.as_u16()),
        None => format!("The server answered {}", status.as_u16()),
    }
}

/// How many member names of a response without a token are listed.
const LISTED: usize = 8;

/// The longest name of an element that is shown, in characters.
const LONGEST_NAME: usize = 40;

/// Reads token responses.
pub(super) struct TokenReader<'a> {
    /// Reads redirects, statuses and errors.
    pub(super) response: ResponseReader<'a>,
    /// Where the token is expected.
    pub(super) location: &'a TokenLocation,
    /// When the request began, by the calendar and by a clock that only goes forward.
    pub(super) now: DateTime<Utc>,
    pub(super) started: Instant,
    /// The token's lifetime where the response has none.
    pub(super) lifetime: Option<TimeDelta>,
    /// What is kept of what stands beside the token.
    pub(super) keep: &'a KeptNames,
}

impl TokenReader<'_> {
    /// The token in the response, or why there is none.
    pub(super) fn read(&self, reply: &Reply) -> Result<Token, TokenError> {
        if let Some(session) = self.session(reply) {
            return Ok(session);
        }
        let document = self.response.document(reply)?;
        // A text without any structure is a token only in requests that are no OAuth.
        let takes_text = matches!(self.response.kind, RequestKind::Styled | RequestKind::Login);
        let found = find_token(reply, &document, self.location, takes_text);
        let found = found.map_err(|missing| self.missing(reply, &document, &missing))?;
        let access = found.token().ok_or_else(|| self.unsendable(&found))?;
        if token::is_too_long(found.detail("refresh_token")) {
            let message = "The refresh token in the answer is longer than 16 KiB.";
            return Err(TokenError::new(Stage::Response, message, remedy::TOO_LONG));
        }
        self.token(reply, &found, access).without_proof()
    }

    /// The session that the response opens, if its cookies are one. A login for people answers with a redirect.
    fn session(&self, reply: &Reply) -> Option<Token> {
        let is_answer = (200..400).contains(&reply.status().as_u16());
        if *self.location != TokenLocation::Cookies || !is_answer || error_message::is_error(&Document::of(reply)) {
            return None;
        }
        let session = Session::of(reply, self.response.url, self.now)?;
        let manual = self.lifetime.map(|lifetime| self.now + lifetime);
        let expiry_source = match (session.expires_at, manual) {
            (Some(_), _) => ExpirySource::Point,
            (None, Some(_)) => ExpirySource::Manual,
            (None, None) => ExpirySource::Unknown,
        };
        Some(Token {
            access: session.cookies,
            token_type: COOKIE.into(),
            expires_at: session.expires_at.or(manual),
            expiry_source,
            scope: None,
            refresh: None,
            refresh_expires_at: None,
            kept: KeptValues::new(),
            id_token: None,
            status: reply.status().as_u16(),
            elapsed: self.started.elapsed(),
            found_at: "cookies".into(),
        })
    }

    fn token(&self, reply: &Reply, found: &FoundToken<'_>, access: Secret) -> Token {
        let said: Vec<_> = found.said().collect();
        // What stands beside an ID token is said of the access token.
        let own_end = self.location.is_id_token() && jwt_expiry(access.expose()).is_some();
        let said_of_it: &[_] = if own_end { &[] } else { &said };
        let (expires_at, expiry_source) =
            expiry(&Lifetime { said: said_of_it, token: access.expose(), manual: self.lifetime, now: self.now });
        let refresh = token::refresh(found.detail("refresh_token"));
        Token {
            token_type: token::token_type(found.detail("token_type")),
            expires_at,
            expiry_source,
            scope: token::scope(found.detail("scope")),
            refresh_expires_at: refresh_expiry(&said, self.now),
            kept: self.keep.in_objects(&said),
            refresh,
            id_token: token::id_token(found.detail("id_token")),
            status: reply.status().as_u16(),
            elapsed: self.started.elapsed(),
            found_at: found.place.clone(),
            access,
        }
    }

    fn missing(&self, reply: &Reply, document: &Document, missing: &MissingToken) -> TokenError {
        let kind = self.response.kind;
        let cookies = self.response.show(Some(Session::names(reply).join(", "))).filter(|names| !names.is_empty());
        let (message, remedy) = match (missing, document) {
            (MissingToken::NoCookies, _) => {
                ("The answer sets no cookies for its own host.".to_owned(), remedy::NO_COOKIES)
            }
            (MissingToken::Nowhere, Document::Json(_) | Document::Text(_)) if cookies.is_some() => {
                let names = cookies.unwrap_or_default();
                (format!("The answer has no token, but sets the cookies {names}."), remedy::COOKIES)
            }
            (_, Document::Markup(text)) => match xml(text) {
                Some(document) => (self.xml(&document), remedy::XML),
                None => ("The server answered with a web page, not with a token.".to_owned(), kind.web_page()),
            },
            (_, Document::Text(text)) if text.is_empty() => {
                ("The server's answer is empty.".to_owned(), kind.address())
            }
            (MissingToken::NoHeader(name), _) => {
                (format!("The answer has no header {name}.{}", self.members(document)), kind.no_token())
            }
            (MissingToken::NotThere(_), _) if self.location.is_id_token() => {
                (format!("The answer has no ID token.{}", self.members(document)), remedy::NO_ID_TOKEN)
            }
            (MissingToken::NotThere(pointer), _) => {
                (format!("The answer has nothing at {pointer}.{}", self.members(document)), kind.no_token())
            }
            (MissingToken::NoText(pointer), _) => {
                (format!("What the answer has at {pointer} is not a text."), kind.no_token())
            }
            (MissingToken::NoJson, _) => {
                ("The answer is not JSON, so that a JSON Pointer finds nothing in it.".to_owned(), remedy::NO_JSON)
            }
            (MissingToken::Nowhere, Document::Text(_)) => {
                ("The server answered with a text, not with JSON.".to_owned(), kind.no_token())
            }
            (MissingToken::Nowhere, _) => {
                (format!("The answer has no token.{}", self.members(document)), kind.no_token())
            }
        };
        let words = self.response.show(error_message::of_success(document));
        // Some servers refuse under a status of success and without a member `error`.
        TokenError::new(Stage::Response, message, remedy).with_words(words).with_code(refusal::code_of(document, kind))
    }

    /// That an answer is XML, and what it is by the name of its root element.
    fn xml(&self, document: &roxmltree::Document<'_>) -> String {
        let root: String = document.root_element().tag_name().name().chars().take(LONGEST_NAME).collect();
        match self.response.show(Some(root)) {
            Some(root) => format!("The server answered with XML (root element {root}), not with JSON."),
            None => "The server answered with XML, not with JSON.".to_owned(),
        }
    }

    /// A token that would break the header it is meant for (RFC 6750 2.1). It is not shown.
    fn unsendable(&self, found: &FoundToken<'_>) -> TokenError {
        let message = format!(
            "What the answer has as token ({}) is longer than 16 KiB or has spaces, line \
             breaks or other characters that no header can carry.",
            found.place
        );
        TokenError::new(Stage::Response, message, self.response.kind.no_token())
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
        let names: Vec<_> = object.keys().map(String::as_str).filter(is_name).take(LISTED).collect();
        match self.response.show(Some(names.join(", "))) {
            Some(names) => format!(" Its members are {names}."),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
