//! Reading the answer of a token server.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::details;
use super::document::Document;
use super::expiry::{Lifetime, expiry};
use super::inquiry::Inquiry;
use super::location::TokenLocation;
use super::refusal::Refusal;
use super::remedy;
use super::search::{self, Found, Missing};
use super::token::Token;
use super::words;
use crate::outbound::Reply;
use crate::vault::Secret;

/// How many member names of an answer without a token are listed.
const LISTED: usize = 8;

/// What is known before the answer comes.
pub(super) struct Reading<'a> {
    /// The question.
    pub(super) inquiry: Inquiry<'a>,
    /// Where the token is expected.
    pub(super) location: &'a TokenLocation,
    /// When the request began.
    pub(super) now: DateTime<Utc>,
    /// The token's lifetime where the answer tells none.
    pub(super) lifetime: Option<TimeDelta>,
}

impl Reading<'_> {
    /// The token in the answer, or why there is none.
    pub(super) fn read(&self, reply: &Reply) -> Result<Token, Refusal> {
        let document = self.inquiry.document(reply)?;
        let found = search::find(reply, &document, self.location)
            .map_err(|missing| self.missing(reply, &document, &missing))?;
        let access = found.token().ok_or_else(|| self.unsendable(reply, &found))?;
        if details::is_too_long(found.detail("refresh_token")) {
            let message = "The refresh token in the answer is longer than 16 KiB.".to_owned();
            return Err(self.inquiry.unusable(reply, message, remedy::TOO_LONG));
        }
        Ok(self.token(reply, &found, access))
    }

    fn token(&self, reply: &Reply, found: &Found<'_>, access: Secret) -> Token {
        let (expires_at, expiry_source) = expiry(&Lifetime {
            expires_in: found.detail("expires_in"),
            token: access.expose(),
            manual: self.lifetime,
            now: self.now,
        });
        Token {
            token_type: details::token_type(found.detail("token_type")),
            expires_at,
            expiry_source,
            scope: details::scope(found.detail("scope")),
            refresh: details::refresh(found.detail("refresh_token")),
            id_token: details::id_token(found.detail("id_token")),
            status: reply.status,
            elapsed: reply.elapsed,
            found_at: found.place.clone(),
            access,
        }
    }

    fn missing(&self, reply: &Reply, document: &Document, missing: &Missing) -> Refusal {
        let (message, remedy) = match (missing, document) {
            (_, Document::Markup(_)) => {
                ("The server answered with a web page, not with a token.".to_owned(), self.inquiry.asked.web_page())
            }
            (_, Document::Text(text)) if text.is_empty() => {
                ("The server's answer is empty.".to_owned(), self.inquiry.asked.address())
            }
            (Missing::NotThere(pointer), _) => (
                format!("The answer has nothing at {pointer}.{}", self.members(document)),
                self.inquiry.asked.no_token(),
            ),
            (Missing::NoText(pointer), _) => {
                (format!("What the answer has at {pointer} is not a text."), self.inquiry.asked.no_token())
            }
            (Missing::NoJson, _) => {
                ("The answer is not JSON, so that a JSON Pointer finds nothing in it.".to_owned(), remedy::NO_JSON)
            }
            (Missing::Nowhere, _) => {
                (format!("The answer has no token.{}", self.members(document)), self.inquiry.asked.no_token())
            }
        };
        self.inquiry.unusable(reply, message, remedy).with_words(self.inquiry.show(words::of_success(document)))
    }

    /// A token that would break the header it is meant for (RFC 6750 2.1). It is not shown.
    fn unsendable(&self, reply: &Reply, found: &Found<'_>) -> Refusal {
        let message = format!(
            "What the answer has as token ({}) is longer than 16 KiB or has spaces, line \
             breaks or other characters that no header can carry.",
            found.place
        );
        self.inquiry.unusable(reply, message, self.inquiry.asked.no_token())
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
        match self.inquiry.show(Some(names.join(", "))) {
            Some(names) => format!(" Its members are {names}."),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
