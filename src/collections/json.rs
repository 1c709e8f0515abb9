//! The JSON text of a record, read strictly.
//!
//! Rule: the text is stored as it came, so that no number loses digits; what is read of it here is for checks and pages.
//! Names that stand twice in one object are refused (RFC 7493 2.3), because readers disagree about which one counts.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// The longest text of a record, in bytes.
pub const MAX_RECORD: usize = 256 * 1024;

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
        if text.len() > MAX_RECORD {
            return Err(JsonProblem::TooLarge);
        }
        match parse_value(text)? {
            Value::Object(members) => Ok(RecordData { text: text.to_owned(), members }),
            _ => Err(JsonProblem::NotAnObject),
        }
    }

    /// The members as one value.
    pub fn value(&self) -> Value {
        Value::Object(self.members.clone())
    }
}

impl From<Map<String, Value>> for RecordData {
    fn from(members: Map<String, Value>) -> RecordData {
        RecordData { text: Value::Object(members.clone()).to_string(), members }
    }
}

/// Reads any JSON value strictly.
pub(super) fn parse_value(text: &str) -> Result<Value, JsonProblem> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict(0).deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        JsonProblem::Invalid { line, column, message: message.to_owned() }
    })
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
    fn what_is_no_record_is_refused_with_its_position() {
        assert_eq!(problem("{\n \"a\": 1,\n}"), "Line 3, column 1: trailing comma");
        assert_eq!(problem(r#"{"a": 1, "a": 2}"#), "Line 1, column 12: the name “a” stands twice in one object");
        assert_eq!(problem(r#"{"a": {"b": 1, "b": 2}}"#), "Line 1, column 18: the name “b” stands twice in one object");
        assert!(problem(r#"{"a": "\u0000"}"#).contains("U+0000"));
        assert!(problem(r#"{"\u0000": 1}"#).contains("U+0000"));
        assert!(problem(r#"{"a": 1e999}"#).contains("number out of range"));
        assert!(problem(r#"{"a": "\ud800"}"#).contains("surrogate"));
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
    }
}
