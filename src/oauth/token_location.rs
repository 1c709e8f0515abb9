//! Where the token is in a response.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use thiserror::Error;

use crate::db::text_enum;
use crate::outbound::http::HeaderName;

/// The longest pointer, in characters.
const LONGEST: usize = 255;

text_enum! {
    /// Which token of a response calls carry.
    #[derive(Default)]
    pub enum TokenToSend {
        #[default]
        Access = "access_token", "Access token";
        /// OpenID Connect Core 3.1.3.3: for APIs that want to know who calls, such as those behind AWS Cognito.
        Id = "id_token", "ID token";
    }
}

/// Where to look for the token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TokenLocation {
    /// In the places where servers put it: see `find_token.rs`.
    #[default]
    FindByItself,
    /// At this place of a JSON response and nowhere else.
    Pointer(JsonPointer),
    /// In this header of the response.
    Header(HeaderName),
    /// The cookies that the response sets are the session.
    Cookies,
}

/// What is typed for [`TokenLocation::Cookies`].
const COOKIES: &str = "cookies";

/// What is typed before the name of a [`TokenLocation::Header`].
const HEADER: &str = "header ";

/// Where an ID token is (OpenID Connect Core 3.1.3.3).
const ID_TOKEN: &str = "/id_token";

impl TokenLocation {
    /// Whether it is the ID token that is sent.
    pub fn is_id_token(&self) -> bool {
        matches!(self, TokenLocation::Pointer(pointer) if pointer.as_str() == ID_TOKEN)
    }

    /// The place of the ID token, as it is stored.
    pub fn of_id_token() -> &'static str {
        ID_TOKEN
    }
}

/// A JSON Pointer (RFC 6901): `/data/token`, with `~1` for `/` and `~0` for `~` in a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPointer(String);

/// Why a text is no [`JsonPointer`]; the text completes the label of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PointerProblem {
    /// It does not begin with a slash (RFC 6901 3).
    #[error("must start with /, for example /data/token")]
    NoSlash,
    /// A tilde that is followed by neither 0 nor 1 (RFC 6901 3).
    #[error("must have ~ only in ~0 (for ~) and ~1 (for /)")]
    Tilde,
    /// More than 255 characters.
    #[error("is longer than 255 characters")]
    TooLong,
    /// No name of a header (RFC 9110 5.1).
    #[error("must have the name of a header after the word header, for example header X-Subject-Token")]
    HeaderName,
}

impl JsonPointer {
    /// The pointer as it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value there.
    pub(super) fn find<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        document.pointer(&self.0)
    }

    /// What contains the value there.
    pub(super) fn find_parent<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        let (parent, _) = self.0.rsplit_once('/')?;
        document.pointer(parent)
    }

    /// The pointer to a member of a member of the whole document.
    pub(super) fn to(outer: &str, inner: &str) -> Self {
        Self(format!("/{}/{}", escape(outer), escape(inner)))
    }
}

/// Spaces are part of names; the empty text points to the whole document.
impl FromStr for JsonPointer {
    type Err = PointerProblem;

    fn from_str(text: &str) -> Result<Self, PointerProblem> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err(PointerProblem::NoSlash);
        }
        let mut after_tildes = text.split('~').skip(1);
        if !after_tildes.all(|rest| rest.starts_with(['0', '1'])) {
            return Err(PointerProblem::Tilde);
        }
        if text.chars().count() > LONGEST {
            return Err(PointerProblem::TooLong);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Reads a form's field: an empty one leaves it to the program.
impl FromStr for TokenLocation {
    type Err = PointerProblem;

    fn from_str(text: &str) -> Result<Self, PointerProblem> {
        match text.trim() {
            "" => Ok(Self::FindByItself),
            word if word.eq_ignore_ascii_case(COOKIES) => Ok(Self::Cookies),
            words if words.get(..HEADER.len()).is_some_and(|word| word.eq_ignore_ascii_case(HEADER)) => {
                let name = words.get(HEADER.len()..).unwrap_or_default().trim();
                name.parse().map(Self::Header).map_err(|_| PointerProblem::HeaderName)
            }
            pointer => pointer.parse().map(Self::Pointer),
        }
    }
}

impl fmt::Display for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_examples_of_rfc_6901_5_are_found() {
        let document = json!({
            "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5,
            "k\"l": 6, " ": 7, "m~n": 8
        });
        for (pointer, value) in [
            ("", document.clone()),
            ("/foo", json!(["bar", "baz"])),
            ("/foo/0", json!("bar")),
            ("/", json!(0)),
            ("/a~1b", json!(1)),
            ("/c%d", json!(2)),
            ("/e^f", json!(3)),
            ("/g|h", json!(4)),
            ("/i\\j", json!(5)),
            ("/k\"l", json!(6)),
            ("/ ", json!(7)),
            ("/m~0n", json!(8)),
        ] {
            let found = pointer.parse::<JsonPointer>().map(|p| p.find(&document).cloned());
            assert_eq!(found, Ok(Some(value)), "{pointer}");
        }
        for pointer in ["/bar", "/foo/2", "/foo/-", "/foo/00", "/foo/+1", "/foo/bar"] {
            let found = pointer.parse::<JsonPointer>().map(|p| p.find(&document).cloned());
            assert_eq!(found, Ok(None), "{pointer}");
        }
    }

    #[test]
    fn what_is_no_pointer_is_refused_in_words() {
        let long = format!("/{}", "a".repeat(255));
        for (text, problem) in [
            ("data/token", PointerProblem::NoSlash),
            ("$.token", PointerProblem::NoSlash),
            ("#/token", PointerProblem::NoSlash),
            ("/a~", PointerProblem::Tilde),
            ("/a~2b", PointerProblem::Tilde),
            ("/~~0", PointerProblem::Tilde),
            (&long, PointerProblem::TooLong),
        ] {
            assert_eq!(text.parse::<JsonPointer>(), Err(problem), "{text}");
        }
    }

    #[test]
    fn an_empty_field_leaves_the_search_to_the_program() {
        assert_eq!("  ".parse(), Ok(TokenLocation::FindByItself));
        assert_eq!(" Cookies ".parse(), Ok(TokenLocation::Cookies));
        let header = TokenLocation::Header(HeaderName::from_static("x-subject-token"));
        assert_eq!("Header  X-Subject-Token".parse(), Ok(header));
        for text in ["header a b", "header é", "header /x"] {
            assert_eq!(text.parse::<TokenLocation>(), Err(PointerProblem::HeaderName), "{text}");
        }
        let pointer = JsonPointer::to("a/b", "c~d");
        assert_eq!(pointer.as_str(), "/a~1b/c~0d");
        assert_eq!("/a~1b/c~0d".parse(), Ok(TokenLocation::Pointer(pointer)));
    }
}
