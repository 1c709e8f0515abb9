//! The body of a response, whatever its content type says: servers label JSON as HTML and HTML as JSON.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::response::{Reply, header};

/// The most that a body is taken to be.
pub(super) enum Document {
    /// A JSON object, array or string; or a form (`a=b&c=d`), as an object of its fields.
    Json(Value),
    /// HTML or XML.
    Markup(String),
    /// Any other text, without outer white space; a number too, for it may be a token.
    Text(String),
}

impl Document {
    pub(super) fn of(reply: &Reply) -> Self {
        let text = decode(reply.body());
        let text = text.trim_start_matches('\u{feff}').trim();
        if let Ok(value @ (Value::Object(_) | Value::Array(_) | Value::String(_))) = serde_json::from_str(text) {
            return Self::Json(value);
        }
        if text.starts_with('<') {
            return Self::Markup(text.to_owned());
        }
        if is_form(reply) || looks_like_form(text) {
            return Self::Json(Value::Object(form(text)));
        }
        Self::Text(text.to_owned())
    }

    pub(super) fn json(&self) -> Option<&Value> {
        match self {
            Self::Json(value) => Some(value),
            _ => None,
        }
    }

    /// The members of JSON, or the innermost elements of XML as members.
    pub(super) fn members(&self) -> Option<Cow<'_, Value>> {
        match self {
            Self::Json(value) => Some(Cow::Borrowed(value)),
            Self::Markup(text) => Some(Cow::Owned(Value::Object(elements(&xml(text)?)))),
            Self::Text(_) => None,
        }
    }
}

/// The largest markup that is read as XML, in bytes.
const LARGEST_XML: usize = 64 * 1024;

/// Elements that a page or a piece of one begins with.
const OF_PAGES: [&str; 9] = ["body", "center", "div", "form", "h1", "head", "html", "p", "pre"];

/// Markup that is XML and no page.
pub(super) fn xml(markup: &str) -> Option<roxmltree::Document<'_>> {
    let document = Some(markup).filter(|markup| markup.len() <= LARGEST_XML);
    let document = document.and_then(|markup| roxmltree::Document::parse(markup).ok())?;
    let root = document.root_element().tag_name().name();
    let is_page = OF_PAGES.iter().any(|element| root.eq_ignore_ascii_case(element));
    (!is_page).then_some(document)
}

/// The texts of elements without elements in them, by their names without prefix; the first of each. The codes and reasons
/// of SOAP 1.2 (5.4) have the name of the element around them.
fn elements(document: &roxmltree::Document<'_>) -> Map<String, Value> {
    let mut members = Map::new();
    for element in document.descendants().filter(|node| node.is_element()) {
        let Some(text) = element.text().filter(|_| !element.children().any(|child| child.is_element())) else {
            continue;
        };
        let around = element.parent_element().filter(|_| matches!(element.tag_name().name(), "Text" | "Value"));
        let name = around.unwrap_or(element).tag_name().name();
        members.entry(name).or_insert_with(|| text.trim().into());
    }
    members
}

/// UTF-8, or else Latin-1, as which every byte is readable.
fn decode(body: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => body.iter().map(|&byte| char::from(byte)).collect(),
    }
}

fn is_form(reply: &Reply) -> bool {
    let content_type = header(reply, "content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Whether a text that is not called a form is the form of a token or of an error: old servers call it plain text.
fn looks_like_form(text: &str) -> bool {
    let is_pair = |pair: &str| {
        let name = pair.split_once('=').map_or("", |(name, _)| name);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
    };
    let starts = |name: &str| text.split('&').any(|pair| pair.starts_with(name));
    text.bytes().all(|byte| byte.is_ascii_graphic())
        && text.split('&').all(is_pair)
        && (starts("access_token=") || starts("error="))
}

fn form(text: &str) -> Map<String, Value> {
    form_urlencoded::parse(text.as_bytes())
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect()
}

/// The longest member name that is taken for another spelling of a known one, in bytes.
const LONGEST_NAME: usize = 40;

/// The member called `name`, or spelled differently (`accessToken` for `access_token`).
pub(super) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<(&'a str, &'a Value)> {
    if let Some((exact, value)) = object.get_key_value(name) {
        return Some((exact, value));
    }
    let (other, value) = object.iter().find(|(other, _)| is_spelling(other, name))?;
    Some((other, value))
}

fn is_spelling(other: &str, name: &str) -> bool {
    other.len() <= LONGEST_NAME && letters(other).eq(letters(name))
}

/// A name without the signs between its words, in lower case.
pub(super) fn letters(name: &str) -> impl Iterator<Item = u8> {
    let letters = name.bytes().filter(|byte| !matches!(byte, b'_' | b'-'));
    letters.map(|byte| byte.to_ascii_lowercase())
}
