//! Reading responses: redirects, statuses and errors of every one, and the token of a token response.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::document::{self, Document, FoundToken, MissingToken};
use super::error::{ErrorCode, TokenError, TokenErrorStage};
use super::expiry::{Lifetime, expiry};
use super::location::TokenLocation;
use super::remedy::{self, RequestKind};
use super::retry::retry_after;
use super::token::Token;
use super::{error_message, token};
use crate::outbound::{HttpUrl, Mask, Reply, quote};
use crate::vault::Secret;

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
            return Err(self.error(reply, &document));
        }
        Ok(document)
    }

    /// Whether the status is one of success; the body may be anything.
    pub(super) fn check_status(&self, reply: &Reply) -> Result<(), TokenError> {
        match reply.status {
            200..300 => Ok(()),
            300..400 => Err(self.redirect(reply)),
            _ => Err(self.status(reply)),
        }
    }

    /// A response without what was asked for.
    pub(super) fn unusable(&self, reply: &Reply, message: String, remedy: &str) -> TokenError {
        TokenError::new(TokenErrorStage::Response, message, remedy).after(reply.elapsed)
    }

    /// A text of the server as it may be shown and stored.
    pub(super) fn show(&self, words: Option<String>) -> Option<String> {
        quote(&words?, self.mask)
    }

    fn redirect(&self, reply: &Reply) -> TokenError {
        let location = reply.header("location");
        let target = location.and_then(|location| self.url.location(location));
        let target = target.and_then(|target| quote(&target, self.mask));
        let (message, remedy) = match target {
            Some(target) => (format!("The server redirects to “{target}”."), remedy::REDIRECT),
            None => (format!("{}, but to no usable address.", status_line(reply)), self.kind.address()),
        };
        TokenError::new(TokenErrorStage::Status(reply.status), message, remedy).after(reply.elapsed)
    }

    fn status(&self, reply: &Reply) -> TokenError {
        let document = Document::of(reply);
        let code = code(&document);
        TokenError::new(
            TokenErrorStage::Status(reply.status),
            format!("{}.", status_line(reply)),
            self.kind.after_status(reply.status, code),
        )
        .with_words(self.show(error_message::of_failure(&document)))
        .with_code(code)
        .with_retry_after(retry_after(reply, self.now))
        .after(reply.elapsed)
    }

    /// An error under a status of success.
    fn error(&self, reply: &Reply, document: &Document) -> TokenError {
        let message = match self.kind {
            RequestKind::Metadata => "The server answered with an error in place of its metadata.",
            _ => "The server answered with an error in place of a token.",
        };
        let code = code(document);
        self.unusable(reply, message.to_owned(), self.kind.after_error(code))
            .with_words(self.show(error_message::of_success(document)))
            .with_code(code)
    }
}

fn code(document: &Document) -> Option<ErrorCode> {
    error_message::error_code(document).and_then(ErrorCode::of)
}

/// "The server answered 401 (Unauthorized)", without a full stop.
fn status_line(reply: &Reply) -> String {
    match reply.reason() {
        Some(reason) => format!("The server answered {} ({reason})", reply.status),
        None => format!("The server answered {}", reply.status),
    }
}

/// How many member names of a response without a token are listed.
const LISTED: usize = 8;

/// Reads token responses.
pub(super) struct TokenReader<'a> {
    /// Reads redirects, statuses and errors.
    pub(super) response: ResponseReader<'a>,
    /// Where the token is expected.
    pub(super) location: &'a TokenLocation,
    /// When the request began.
    pub(super) now: DateTime<Utc>,
    /// The token's lifetime where the response has none.
    pub(super) lifetime: Option<TimeDelta>,
}

impl TokenReader<'_> {
    /// The token in the response, or why there is none.
    pub(super) fn read(&self, reply: &Reply) -> Result<Token, TokenError> {
        let document = self.response.document(reply)?;
        let found = document::find_token(reply, &document, self.location)
            .map_err(|missing| self.missing(reply, &document, &missing))?;
        let access = found.token().ok_or_else(|| self.unsendable(reply, &found))?;
        if token::is_too_long(found.detail("refresh_token")) {
            let message = "The refresh token in the answer is longer than 16 KiB.".to_owned();
            return Err(self.response.unusable(reply, message, remedy::TOO_LONG));
        }
        Ok(self.token(reply, &found, access))
    }

    fn token(&self, reply: &Reply, found: &FoundToken<'_>, access: Secret) -> Token {
        let (expires_at, expiry_source) = expiry(&Lifetime {
            expires_in: found.detail("expires_in"),
            token: access.expose(),
            manual: self.lifetime,
            now: self.now,
        });
        Token {
            token_type: token::token_type(found.detail("token_type")),
            expires_at,
            expiry_source,
            scope: token::scope(found.detail("scope")),
            refresh: token::refresh(found.detail("refresh_token")),
            id_token: token::id_token(found.detail("id_token")),
            status: reply.status,
            elapsed: reply.elapsed,
            found_at: found.place.clone(),
            access,
        }
    }

    fn missing(&self, reply: &Reply, document: &Document, missing: &MissingToken) -> TokenError {
        let (message, remedy) = match (missing, document) {
            (_, Document::Markup(_)) => {
                ("The server answered with a web page, not with a token.".to_owned(), self.response.kind.web_page())
            }
            (_, Document::Text(text)) if text.is_empty() => {
                ("The server's answer is empty.".to_owned(), self.response.kind.address())
            }
            (MissingToken::NotThere(pointer), _) => (
                format!("The answer has nothing at {pointer}.{}", self.members(document)),
                self.response.kind.no_token(),
            ),
            (MissingToken::NoText(pointer), _) => {
                (format!("What the answer has at {pointer} is not a text."), self.response.kind.no_token())
            }
            (MissingToken::NoJson, _) => {
                ("The answer is not JSON, so that a JSON Pointer finds nothing in it.".to_owned(), remedy::NO_JSON)
            }
            (MissingToken::Nowhere, _) => {
                (format!("The answer has no token.{}", self.members(document)), self.response.kind.no_token())
            }
        };
        self.response
            .unusable(reply, message, remedy)
            .with_words(self.response.show(error_message::of_success(document)))
    }

    /// A token that would break the header it is meant for (RFC 6750 2.1). It is not shown.
    fn unsendable(&self, reply: &Reply, found: &FoundToken<'_>) -> TokenError {
        let message = format!(
            "What the answer has as token ({}) is longer than 16 KiB or has spaces, line \
             breaks or other characters that no header can carry.",
            found.place
        );
        self.response.unusable(reply, message, self.response.kind.no_token())
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
