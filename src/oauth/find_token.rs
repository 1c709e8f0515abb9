//! Where in a response the token is: at a JSON Pointer, or in one of the members and headers in which servers send it.

use serde_json::{Map, Value};

use super::response::{Reply, header};
use super::response_document::{Document, member};
use super::token_location::{JsonPointer, TokenLocation};
use crate::outbound::http::HeaderName;
use crate::vault::Secret;

/// Members that hold the token, the likeliest first, at the top of the response or in one of `INNER`.
const NAMES: [&str; 4] = ["access_token", "token", "jwt", "id_token"];
/// Slack sends the tokens of people under `authed_user`.
const INNER: [&str; 3] = ["data", "result", "authed_user"];

/// Headers that hold it: OAuth's own, and those of OpenStack and its like.
const HEADERS: [&str; 3] = ["authorization", "x-auth-token", "x-subject-token"];

/// The shortest text that is taken for a token if nothing calls it one: "OK" and "success" are not.
const SHORTEST_BARE: usize = 16;

/// A token's text, where it stood, and what stood beside it.
pub(super) struct FoundToken<'a> {
    pub(super) text: &'a str,
    pub(super) place: String,
    beside: Option<&'a Map<String, Value>>,
    around: Option<&'a Map<String, Value>>,
}

/// Why there is no token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum MissingToken {
    /// In none of the usual places.
    Nowhere,
    /// The response sets no cookies.
    NoCookies,
    /// The response has no header of this name, or an empty one.
    NoHeader(HeaderName),
    /// The response is no JSON, so the pointer finds nothing.
    NoJson,
    /// The pointer finds nothing.
    NotThere(JsonPointer),
    /// The pointer finds something else than a text, or an empty one.
    NoText(JsonPointer),
}

/// Looks for the token where `location` says. `takes_text` is whether a response that is nothing but a text may be one.
pub(super) fn find_token<'a>(
    reply: &'a Reply,
    document: &'a Document,
    location: &TokenLocation,
    takes_text: bool,
) -> Result<FoundToken<'a>, MissingToken> {
    match location {
        TokenLocation::Pointer(pointer) => at_pointer(document, pointer),
        TokenLocation::Header(name) => {
            let around = document.json().and_then(Value::as_object);
            in_header(reply, name.as_str(), around).ok_or_else(|| MissingToken::NoHeader(name.clone()))
        }
        // Cookies are no token: the reader looks for them.
        TokenLocation::Cookies => Err(MissingToken::NoCookies),
        TokenLocation::FindByItself => {
            let found = by_itself(reply, document);
            found.or_else(|| bare(document).filter(|_| takes_text)).ok_or(MissingToken::Nowhere)
        }
    }
}

fn at_pointer<'a>(document: &'a Document, pointer: &JsonPointer) -> Result<FoundToken<'a>, MissingToken> {
    let json = document.json().ok_or(MissingToken::NoJson)?;
    let value = pointer.find(json).ok_or_else(|| MissingToken::NotThere(pointer.clone()))?;
    let text = text(value).ok_or_else(|| MissingToken::NoText(pointer.clone()))?;
    Ok(FoundToken {
        text,
        place: pointer.to_string(),
        beside: pointer.find_parent(json).and_then(Value::as_object),
        around: json.as_object(),
    })
}

fn by_itself<'a>(reply: &'a Reply, document: &'a Document) -> Option<FoundToken<'a>> {
    let around = document.json().and_then(Value::as_object);
    around.and_then(in_members).or_else(|| in_headers(reply, around))
}

fn in_members(root: &Map<String, Value>) -> Option<FoundToken<'_>> {
    if let Some((name, text)) = named(root) {
        return Some(FoundToken { text, place: name.to_owned(), beside: Some(root), around: Some(root) });
    }
    INNER.iter().find_map(|inner| {
        let (outer_name, inner) = member(root, inner)?;
        let inner = inner.as_object()?;
        let (name, text) = named(inner)?;
        Some(FoundToken {
            text,
            place: JsonPointer::to(outer_name, name).to_string(),
            beside: Some(inner),
            around: Some(root),
        })
    })
}

fn named(object: &Map<String, Value>) -> Option<(&str, &str)> {
    NAMES.iter().find_map(|name| {
        let (name, value) = member(object, name)?;
        Some((name, text(value)?))
    })
}

fn in_headers<'a>(reply: &'a Reply, around: Option<&'a Map<String, Value>>) -> Option<FoundToken<'a>> {
    HEADERS.iter().find_map(|name| {
        let found = in_header(reply, name, around)?;
        // Other schemes carry no token.
        (*name != "authorization" || without_scheme(found.text).is_some()).then_some(found)
    })
}

/// The token of a header. What the body says of it is at the top, or in the member that stands for it, such as `token` of
/// OpenStack.
fn in_header<'a>(reply: &'a Reply, name: &str, around: Option<&'a Map<String, Value>>) -> Option<FoundToken<'a>> {
    let text = header(reply, name).filter(|text| !text.trim().is_empty())?;
    let members = NAMES.iter().chain(&INNER).filter_map(|name| member(around?, name)?.1.as_object());
    let beside = { members }.next().or(around);
    Some(FoundToken { text, place: format!("header {name}"), beside, around })
}

/// A response that is nothing but a token.
fn bare(document: &Document) -> Option<FoundToken<'_>> {
    let text = match document {
        Document::Text(text) | Document::Json(Value::String(text)) => text.as_str(),
        _ => return None,
    };
    let bare = without_scheme(text).unwrap_or(text.trim());
    (bare.len() >= SHORTEST_BARE && is_sendable(bare)).then(|| FoundToken {
        text,
        place: "whole answer".to_owned(),
        beside: None,
        around: None,
    })
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.trim().is_empty())
}

/// The part after `Bearer`, which some servers put in front, as a header needs it.
fn without_scheme(text: &str) -> Option<&str> {
    let (scheme, token) = text.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Visible ASCII only: more than RFC 6750 2.1 allows (servers do use `|` and `:`), and nothing that
/// could end a header or begin another one.
pub(super) fn is_sendable(token: &str) -> bool {
    !token.is_empty() && token.len() <= Secret::LONGEST && token.bytes().all(|b| b.is_ascii_graphic())
}

impl<'a> FoundToken<'a> {
    /// The token, if it fits into a header.
    pub(super) fn token(&self) -> Option<Secret> {
        let token = without_scheme(self.text).unwrap_or(self.text.trim());
        is_sendable(token).then(|| Secret::new(token.to_owned()))
    }

    /// The objects that say something about the token: first that beside it, then that at the top.
    pub(super) fn said(&self) -> impl Iterator<Item = &'a Map<String, Value>> {
        [self.beside, self.around].into_iter().flatten()
    }

    /// What the response says about the token under a name.
    pub(super) fn detail(&self, name: &str) -> Option<&'a Value> {
        let mut found = self.said().filter_map(|object| member(object, name));
        found.next().map(|(_, value)| value)
    }
}
