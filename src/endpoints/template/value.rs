//! Finding a variable's value in the JSON that a caller sends.

use std::borrow::Cow;

use serde_json::Value;

use super::problem::Misfit;
use super::{DefaultValue, Variable};

/// A value, or the default in its place.
pub enum Found<'a> {
    Value(&'a Value),
    /// A default that is text wherever it stands.
    Text(&'a str),
    /// A default without quotes, which is a number, true, false or null where JSON is expected and it is one.
    Bare(&'a str),
}

impl Variable {
    /// The value at its path, or its default. Null counts as no value.
    pub(super) fn find<'a>(&'a self, variables: &'a Value) -> Option<Found<'a>> {
        let value =
            if self.name.is_empty() { None } else { at_path(variables, &self.name).filter(|value| !value.is_null()) };
        let default = || self.default.as_ref().map(DefaultValue::found);
        value.map(Found::Value).or_else(default)
    }
}

/// The value at a path: names of members, and numbers of items from 0.
fn at_path<'a>(variables: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(variables, |value, name| match value {
        Value::Object(members) => members.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}

impl DefaultValue {
    fn found(&self) -> Found<'_> {
        if self.quoted { Found::Text(&self.text) } else { Found::Bare(&self.text) }
    }
}

impl<'a> Found<'a> {
    /// The text of a text, number, true or false; lists and objects have none.
    pub(super) fn text(&self) -> Result<Cow<'a, str>, Misfit> {
        match self {
            Found::Text(text) | Found::Bare(text) => Ok(Cow::Borrowed(text)),
            Found::Value(Value::String(text)) => Ok(Cow::Borrowed(text)),
            Found::Value(Value::Number(number)) => Ok(Cow::Owned(number.to_string())),
            Found::Value(Value::Bool(truth)) => Ok(Cow::Borrowed(if *truth { "true" } else { "false" })),
            Found::Value(Value::Array(_) | Value::Object(_) | Value::Null) => Err(Misfit::Tree),
        }
    }

    /// The value as JSON of its own kind.
    pub(super) fn json(&self) -> String {
        match self {
            Found::Value(value) => value.to_string(),
            Found::Text(text) => Value::from(*text).to_string(),
            Found::Bare(text) => bare(text).unwrap_or_else(|| Value::from(*text).to_string()),
        }
    }
}

/// A number, true, false or null as it was typed.
fn bare(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    let is_one = value.is_number() || value.is_boolean() || value.is_null();
    is_one.then(|| text.trim().to_string())
}
