//! What a response says, gathered to be compared with the table, and for nothing else: it may hold secrets.

use serde_json::Value;

use crate::oauth::response_document::{Document, letters};

/// Names of members that hold codes, without signs and in lower case.
const CODES: [&str; 14] = [
    "error",
    "errorcode",
    "errorcodes",
    "errorsubcode",
    "errorsubtype",
    "suberror",
    "errcode",
    "code",
    "type",
    "status",
    "category",
    "reason",
    "faultcode",
    "istransient",
];

/// How deep and how long the search is.
const DEPTH: usize = 5;
const MOST_CODES: usize = 50;
const LONGEST_WORDS: usize = 4_000;
const LONGEST_CODE: usize = 80;

/// The codes and texts of a response.
#[derive(Default)]
pub(super) struct Said {
    /// Names without signs, and the codes under them, both in lower case.
    codes: Vec<(String, String)>,
    /// All texts, in lower case, with one space for what is between words.
    words: String,
    has_error: bool,
}

impl Said {
    pub(super) fn of(document: &Document) -> Self {
        let mut said = Self::default();
        if let Document::Text(text) = document {
            said.add_words(text);
        }
        if let Some(value) = document.members() {
            said.has_error = value.get("error").and_then(Value::as_str).is_some_and(|error| !error.trim().is_empty());
            said.add("", &value, DEPTH);
        }
        said
    }

    /// Whether there is an `error` of RFC 6749 5.2.
    pub(super) fn has_error(&self) -> bool {
        self.has_error
    }

    pub(super) fn has_code(&self, code: &str) -> bool {
        self.codes.iter().any(|(_, text)| text == code)
    }

    pub(super) fn has_number(&self, name: &str, number: i64) -> bool {
        self.codes.iter().any(|(own, text)| own == name && text.parse() == Ok(number))
    }

    pub(super) fn says(&self, words: &str) -> bool {
        self.words.contains(words)
    }

    fn add(&mut self, name: &str, value: &Value, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| self.add(name, value, depth)),
            Value::Array(items) => items.iter().for_each(|item| self.add(name, item, depth)),
            Value::String(text) => {
                self.add_code(name, text);
                self.add_words(text);
            }
            Value::Number(number) => self.add_code(name, &number.to_string()),
            // A flag is a code of its own name.
            Value::Bool(true) => self.add_code(name, name),
            Value::Bool(false) | Value::Null => {}
        }
    }

    /// A code may have a prefix that names its vocabulary, as in XML (`sf:INVALID_LOGIN`).
    fn add_code(&mut self, name: &str, text: &str) {
        let name: String = letters(name).map(char::from).collect();
        let code = text.trim();
        let code = code.rsplit_once(':').map_or(code, |(_, code)| code);
        if CODES.contains(&name.as_str()) && code.len() <= LONGEST_CODE && self.codes.len() < MOST_CODES {
            self.codes.push((name, code.trim().to_ascii_lowercase()));
        }
    }

    fn add_words(&mut self, text: &str) {
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            if self.words.len() + word.len() > LONGEST_WORDS {
                return;
            }
            self.words.push_str(&word.to_lowercase());
            self.words.push(' ');
        }
    }
}
