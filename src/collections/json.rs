//! The JSON text of a record, read strictly.
//!
//! Rule: the text is stored as it came, so that no number loses digits; what is read of it here is for checks and pages.
//! Names that stand twice in one object are refused (RFC 7493 2.3), because readers disagree about which one counts.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// The largest record in bytes, without white space between its parts and with all digits of its numbers.
pub const MAX_RECORD: usize = 256 * 1024;

/// The longest text that is read as a record: PostgreSQL writes spaces of its own.
pub const MAX_TEXT: usize = 2 * MAX_RECORD;

/// The most digits of a number. PostgreSQL writes `1e300` with all of them, and has no room for more than 16383.
const MAX_DIGITS: usize = 1000;

/// How deep objects and arrays may be nested.
const MAX_DEPTH: usize = 32;

/// A record's contents: an object.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordData {
    /// The text as it came.
    pub text: String,
    pub members: Map<String, Value>,
}

/// Why a text is no record.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum JsonProblem {
    #[error("The record has more than 256 KiB")]
    TooLarge,
    /// The position counts from 1.
    #[error("Line {line}, column {column}: {message}")]
    Invalid { line: usize, column: usize, message: String },
    #[error("A record must be a JSON object, such as {{\"name\": \"value\"}}")]
    NotAnObject,
}

impl RecordData {
    /// Reads a text.
    pub fn parse(text: &str) -> Result<RecordData, JsonProblem> {
        if text.len() > MAX_TEXT {
            return Err(JsonProblem::TooLarge);
        }
        match parse_value(text)? {
            Value::Object(_) if size(text)? > MAX_RECORD => Err(JsonProblem::TooLarge),
            Value::Object(members) => Ok(RecordData { text: text.to_owned(), members }),
            _ => Err(JsonProblem::NotAnObject),
        }
    }

    /// The members of a record that was read before, with their values as they stand in its text.
    pub fn raw_members(text: &str) -> Result<Vec<(String, &str)>, JsonProblem> {
        serde_json::from_str(text).map(|RawMembers(members)| members).map_err(|error| problem(&error))
    }

    /// The members as one value.
    pub fn value(&self) -> Value {
        Value::Object(self.members.clone())
    }
}

/// The members of an object in the order of its text.
struct RawMembers<'t>(Vec<(String, &'t str)>);

impl<'de> Deserialize<'de> for RawMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<RawMembers<'de>, D::Error> {
        reader.deserialize_map(RawMembers(Vec::new()))
    }
}

impl<'de> Visitor<'de> for RawMembers<'de> {
    type Value = RawMembers<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<RawMembers<'de>, A::Error> {
        while let Some((name, value)) = members.next_entry::<String, &RawValue>()? {
            self.0.push((name, value.get()));
        }
        Ok(self)
    }
}

pub(super) fn problem(error: &serde_json::Error) -> JsonProblem {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    JsonProblem::Invalid { line, column, message: message.to_owned() }
}

/// Reads any JSON value strictly.
pub(super) fn parse_value(text: &str) -> Result<Value, JsonProblem> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict(0).deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| problem(&error))
}

/// A JSON value that is no array and no object, for comparing with members: the text itself if it is one, or else the
/// text as a JSON string. `None` for arrays and objects.
pub fn scalar(text: &str) -> Option<String> {
    match parse_value(text) {
        Ok(Value::Array(_) | Value::Object(_)) => None,
        Ok(_) if size(text).is_ok() => Some(text.to_owned()),
        _ => Some(Value::String(text.to_owned()).to_string()),
    }
}

/// A text as a JSON string.
pub(super) fn json_text(text: &str) -> String {
    Value::from(text).to_string()
}

/// The text of an object with these members: names, and values that are JSON.
pub(super) fn object<'m>(members: impl IntoIterator<Item = (&'m str, String)>) -> String {
    let members = members.into_iter().map(|(name, value)| format!("{}:{value}", json_text(name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// The size of a JSON text as [`MAX_RECORD`] counts it. It is the same, or less, for what PostgreSQL makes of the text.
fn size(text: &str) -> Result<usize, JsonProblem> {
    let (mut size, mut at) = (0, 0);
    while let Some(first) = text.as_bytes().get(at) {
        let rest = &text[at..];
        let (length, counted) = match first {
            b'"' => (string_length(rest), string_length(rest)),
            b'-' | b'0'..=b'9' => number_length(rest),
            first => (1, usize::from(!first.is_ascii_whitespace())),
        };
        if matches!(first, b'-' | b'0'..=b'9') && counted > MAX_DIGITS {
            let line_start = text[..at].rfind('\n').map_or(0, |end| end + 1);
            let (line, column) = (text[..at].matches('\n').count() + 1, at - line_start + 1);
            return Err(JsonProblem::Invalid { line, column, message: "a number has more than 1,000 digits".into() });
        }
        size += counted;
        at += length;
    }
    Ok(size)
}

/// The length of the string that a text begins with.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 2)
}

/// The length of the number that a text begins with, as it is and with its exponent written out.
fn number_length(text: &str) -> (usize, usize) {
    let is_of_number = |letter: char| letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.' | 'e' | 'E');
    let number = &text[..text.find(|letter| !is_of_number(letter)).unwrap_or(text.len())];
    let exponent = number.split_once(['e', 'E']).map_or("0", |(_, exponent)| exponent);
    let zeros = exponent.parse::<i32>().map_or(MAX_DIGITS + 1, |exponent| exponent.unsigned_abs() as usize);
    (number.len(), number.len() + zeros)
}

/// Reads a value at this depth.
#[derive(Clone, Copy)]
struct Strict(usize);

impl Strict {
    fn inner<E: serde::de::Error>(self) -> Result<Strict, E> {
        if self.0 < MAX_DEPTH { Ok(Strict(self.0 + 1)) } else { Err(E::custom("more than 32 levels are nested")) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is too large"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        checked(text).map(|text| Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        while let Some(Name(name)) = members.next_key()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("the name “{name}” stands twice in one object")));
            }
            let value = members.next_value_seed(inner)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// A member's name.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Name, D::Error> {
        let name = String::deserialize(reader)?;
        checked::<D::Error>(&name)?;
        Ok(Name(name))
    }
}

/// Refuses NUL, which PostgreSQL cannot store.
fn checked<E: serde::de::Error>(text: &str) -> Result<&str, E> {
    if text.contains('\0') { Err(E::custom("a text has the character U+0000")) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        RecordData::parse(text).expect_err(text).to_string()
    }

    #[test]
    fn an_object_is_read_and_its_text_stays_as_it_came() {
        let text = r#"{ "id": 123456789012345678901234567890, "tags": [null, true, "ä"], "in": {"x": -1.50} }"#;
        let data = RecordData::parse(text).expect("a record");
        assert_eq!(data.text, text);
        assert_eq!(data.members["tags"], serde_json::json!([null, true, "ä"]));
    }

    #[test]
    fn members_have_their_text() {
        let text = r#" { "a\n" : 1.50 ,"b":[1, {"}": "]"}],"c":"x\"y", "d": null}"#;
        let members = RecordData::raw_members(text).expect("members");
        let expected = [("a\n", "1.50"), ("b", r#"[1, {"}": "]"}]"#), ("c", r#""x\"y""#), ("d", "null")];
        assert_eq!(members, expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(RecordData::raw_members("{}"), Ok(Vec::new()));
        assert!(RecordData::raw_members("{\"a\"").is_err());
    }

    #[test]
    fn what_is_no_record_is_refused_with_its_position() {
        assert_eq!(problem("{\n \"a\": 1,\n}"), "Line 3, column 1: trailing comma");
        assert_eq!(problem(r#"{"a": 1, "a": 2}"#), "Line 1, column 12: the name “a” stands twice in one object");
        assert_eq!(problem(r#"{"a": {"b": 1, "b": 2}}"#), "Line 1, column 18: the name “b” stands twice in one object");
        assert!(problem(r#"{"a": "\u0000"}"#).contains("U+0000"));
        assert!(problem(r#"{"\u0000": 1}"#).contains("U+0000"));
        assert!(problem(r#"{"a": 1e999}"#).contains("number out of range"));
        assert!(problem(r#"{"a": "\ud800"}"#).contains("hex escape"));
        for text in ["[]", "1", "null", "\"text\""] {
            assert_eq!(RecordData::parse(text), Err(JsonProblem::NotAnObject), "{text}");
        }
        assert!(matches!(RecordData::parse(""), Err(JsonProblem::Invalid { .. })));
        assert!(matches!(RecordData::parse("{} {}"), Err(JsonProblem::Invalid { .. })));
    }

    #[test]
    fn nesting_and_size_have_a_limit() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(RecordData::parse(&nested(MAX_DEPTH - 1)).is_ok());
        assert!(problem(&nested(MAX_DEPTH)).contains("nested"));
        assert!(matches!(RecordData::parse(&nested(100_000)), Err(JsonProblem::Invalid { .. })));
        let long = |size: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(size));
        assert!(RecordData::parse(&long(MAX_RECORD - 8)).is_ok());
        assert_eq!(RecordData::parse(&long(MAX_RECORD)), Err(JsonProblem::TooLarge));
        let spaced = long(MAX_RECORD - 8).replacen(':', &" ".repeat(1_000), 1).replacen(' ', " : ", 1);
        assert!(RecordData::parse(&spaced).is_ok(), "white space is not counted");
    }

    #[test]
    fn numbers_are_counted_with_all_their_digits() {
        let numbers = |number: &str, count: usize| format!("{{\"a\":[{}0]}}", format!("{number},").repeat(count));
        assert!(RecordData::parse(&numbers("1e300", 800)).is_ok());
        assert_eq!(RecordData::parse(&numbers("1e300", 900)), Err(JsonProblem::TooLarge));
        let tail = "1".repeat(999);
        assert!(RecordData::parse(&format!("{{\"a\":0.{tail}}}")).is_err());
        for tiny in ["1e-16000", "0e99999999999", "-0.5E-999"] {
            let text = format!("{{\"a\": \"1e-5000\",\n \"b\\\"\": {tiny}}}");
            assert_eq!(problem(&text), "Line 2, column 9: a number has more than 1,000 digits");
        }
    }

    #[test]
    fn a_scalar_is_json_or_a_bare_text() {
        let scalars = [
            ("12", "12"),
            ("true", "true"),
            ("null", "null"),
            ("\"12\"", "\"12\""),
            ("Emil", "\"Emil\""),
            ("a\"b", "\"a\\\"b\""),
        ];
        for (text, json) in scalars {
            assert_eq!(scalar(text).as_deref(), Some(json));
        }
        assert_eq!(scalar("1e-9999").as_deref(), Some("\"1e-9999\""));
        assert_eq!((scalar("[1]"), scalar("{}")), (None, None));
    }
}
