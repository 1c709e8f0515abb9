//! JSON for reading: one member a line, indented, numbers as they came.
//!
//! The text is walked once and nothing is built from it, so that it costs no more memory than its result, and neither
//! long numbers nor the order of members are lost.

use serde::de::IgnoredAny;

/// Spaces of one level.
const STEP: usize = 2;

/// Indents a JSON text; `None` if it is none, or would become longer than `most` bytes. Texts are written without
/// escapes that they do not need, so that what they say can be read, by people and by whoever looks for secrets.
pub(super) fn indented(text: &str, most: usize) -> Option<String> {
    let text = text.trim_start_matches('\u{feff}').trim();
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut writer = Writer { out: String::with_capacity(text.len().min(most)), depth: 0 };
    let mut rest = text;
    while let Some(token) = rest.chars().next() {
        let behind = writer.token(token, rest)?;
        rest = behind.trim_start_matches(WHITE);
        if writer.out.len() > most {
            return None;
        }
    }
    Some(writer.out)
}

const WHITE: [char; 4] = [' ', '\t', '\n', '\r'];

struct Writer {
    out: String,
    depth: usize,
}

impl Writer {
    /// Writes the token at the beginning of a text; gives what stands behind it.
    fn token<'a>(&mut self, token: char, text: &'a str) -> Option<&'a str> {
        let behind = text.get(token.len_utf8()..)?;
        match token {
            '{' | '[' => Some(self.open(token, behind)),
            '}' | ']' => {
                self.depth = self.depth.saturating_sub(1);
                self.line();
                self.out.push(token);
                Some(behind)
            }
            ',' => {
                self.out.push(',');
                self.line();
                Some(behind)
            }
            ':' => {
                self.out.push_str(": ");
                Some(behind)
            }
            '"' => self.string(text),
            _ => {
                let end = text.find([',', '}', ']', ' ', '\t', '\n', '\r']);
                let (word, behind) = text.split_at(end.unwrap_or(text.len()));
                self.out.push_str(word);
                Some(behind)
            }
        }
    }

    /// An empty object or list stays on its line.
    fn open<'a>(&mut self, token: char, behind: &'a str) -> &'a str {
        self.out.push(token);
        let inside = behind.trim_start_matches(WHITE);
        let close = if token == '{' { '}' } else { ']' };
        if let Some(behind) = inside.strip_prefix(close) {
            self.out.push(close);
            return behind;
        }
        self.depth += 1;
        self.line();
        inside
    }

    fn line(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', self.depth * STEP));
    }

    fn string<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let (literal, behind) = text.split_at(string_end(text)?);
        // A lone half of a surrogate pair is JSON, and no text: it stays as it is written.
        match serde_json::from_str::<String>(literal) {
            Ok(read) => self.out.push_str(&serde_json::Value::from(read).to_string()),
            Err(_) => self.out.push_str(literal),
        }
        Some(behind)
    }
}

/// Where the string at the beginning of a text ends, in bytes.
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
    fn json_is_laid_out_for_reading() {
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
