//! Indents JSON, with one member per line.
//!
//! The text is read once and no values are built from it, so that it needs no more memory than its result, and long
//! numbers and the order of members stay.

use serde::de::IgnoredAny;

const SPACES_PER_LEVEL: usize = 2;

/// Indents a JSON text; `None` if it is not JSON, or would become longer than `max` bytes. Strings are written without
/// unnecessary escapes, so that people can read them and secrets in them are found.
pub fn indented(text: &str, max: usize) -> Option<String> {
    let text = text.trim_start_matches('\u{feff}').trim();
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut writer = Writer { out: String::with_capacity(text.len().min(max)), depth: 0 };
    let mut rest = text;
    while let Some(token) = rest.chars().next() {
        rest = writer.token(token, rest)?.trim_start_matches(WHITE_SPACE);
        if writer.out.len() > max {
            return None;
        }
    }
    Some(writer.out)
}

const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

struct Writer {
    out: String,
    depth: usize,
}

impl Writer {
    /// Writes the token at the beginning of a text, and gives the rest.
    fn token<'a>(&mut self, token: char, text: &'a str) -> Option<&'a str> {
        let rest = text.get(token.len_utf8()..)?;
        match token {
            '{' | '[' => Some(self.open(token, rest)),
            '}' | ']' => {
                self.depth = self.depth.saturating_sub(1);
                self.line();
                self.out.push(token);
                Some(rest)
            }
            ',' => {
                self.out.push(',');
                self.line();
                Some(rest)
            }
            ':' => {
                self.out.push_str(": ");
                Some(rest)
            }
            '"' => self.string(text),
            _ => {
                let end = text.find([',', '}', ']', ' ', '\t', '\n', '\r']);
                let (word, rest) = text.split_at(end.unwrap_or(text.len()));
                self.out.push_str(word);
                Some(rest)
            }
        }
    }

    /// An empty object or list stays on one line.
    fn open<'a>(&mut self, token: char, rest: &'a str) -> &'a str {
        self.out.push(token);
        let inside = rest.trim_start_matches(WHITE_SPACE);
        let close = if token == '{' { '}' } else { ']' };
        if let Some(rest) = inside.strip_prefix(close) {
            self.out.push(close);
            return rest;
        }
        self.depth += 1;
        self.line();
        inside
    }

    fn line(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', self.depth * SPACES_PER_LEVEL));
    }

    fn string<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let (literal, rest) = text.split_at(string_end(text)?);
        // A lone surrogate is valid JSON but not a valid string: its escape stays.
        match serde_json::from_str::<String>(literal) {
            Ok(read) => self.out.push_str(&serde_json::Value::from(read).to_string()),
            Err(_) => self.out.push_str(literal),
        }
        Some(rest)
    }
}

/// The length of the string at the beginning of a text, in bytes.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn json_is_indented() {
        let text = r#"{"a":[1,2.50,12345678901234567890123,{}],"b":{"c":"x\u0041\/y\n"},"d":[ ],"e":null}"#;
        let read = indented(text, 10_000).expect("JSON");
        assert_eq!(
            read,
            "{\n  \"a\": [\n    1,\n    2.50,\n    12345678901234567890123,\n    {}\n  ],\n  \"b\": {\n    \"c\": \"xA/y\\n\"\n  },\n  \"d\": [],\n  \"e\": null\n}"
        );
        assert_eq!(indented(" 7 ", 10).as_deref(), Some("7"));
        assert_eq!(indented("{\"a\":", 10), None);
        assert_eq!(indented("[1,2,3]", 5), None);
        assert_eq!(indented(&"[".repeat(100_000), 10_000_000), None);
        assert!(indented(r#"["\ud800"]"#, 100).is_none_or(|text| text.contains("\\ud800")));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6).prop_map(Value::from_iter),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_but_the_layout_changes(value in any_json()) {
            let read = indented(&value.to_string(), 10_000_000).expect("JSON");
            prop_assert_eq!(serde_json::from_str::<Value>(&read).expect("JSON"), value);
        }
    }
}
