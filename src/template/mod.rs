//! Templates of requests: text with `{{variables}}`, each value encoded for the syntax around it.
//!
//! A template is parsed once, when it is saved or loaded. Rule: each syntax encodes its values (`url`, `row`, `json`,
//! `xml`), and no value can change the structure around it, because that is parsed before any value is known. Danger:
//! putting a value into a text and parsing that text again.

mod error;
mod json;
mod method;
mod parse;
mod row;
mod url;
mod xml;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::Value;

pub use error::{TemplateError, ValueError, ValueErrorKind, ValueErrors};
pub use json::JsonTemplate;
pub use method::HttpMethod;
pub use row::PairTemplate;
pub use url::{ENCODED, UrlTemplate};
pub use xml::XmlTemplate;

/// The largest result of a template, in bytes.
pub const MAX_SIZE: usize = 10 * 1024 * 1024;

/// A text with variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(Variable),
}

/// What is between `{{` and `}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The path as it was typed, such as `order.id`; empty for a quoted text, which is its own value.
    name: String,
    default: Option<DefaultValue>,
    /// The length with the braces, in bytes.
    length: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct DefaultValue {
    text: String,
    quoted: bool,
}

/// The value of a variable, or its default.
enum Resolved<'a> {
    Value(&'a Value),
    Default(&'a DefaultValue),
}

impl Template {
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        parse::parse(text)
    }

    /// Its variables in their order.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(variable) if !variable.name.is_empty() => Some(variable),
            _ => None,
        })
    }

    /// The variable that is all of it.
    pub fn only_variable(&self) -> Option<&Variable> {
        match self.parts.as_slice() {
            [Part::Variable(variable)] if !variable.name.is_empty() => Some(variable),
            _ => None,
        }
    }

    fn is_literal(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// Its text with `placeholder` for each variable, which is called with the variable's index.
    fn with(&self, mut placeholder: impl FnMut(usize, &Variable) -> String) -> String {
        let mut index = 0;
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Variable(variable) => {
                    text.push_str(&placeholder(index, variable));
                    index += 1;
                }
            }
        }
        text
    }

    /// Writes each value by `write`, which is called with the variable's index. Gives all errors at once.
    fn render_indexed(
        &self,
        variables: &Value,
        mut write: impl FnMut(usize, &mut String, Resolved<'_>) -> Result<(), ValueErrorKind>,
    ) -> Result<String, ValueErrors> {
        let (mut out, mut errors, mut index) = (String::new(), Vec::new(), 0);
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Variable(variable) => {
                    let resolved = variable.resolve(variables).ok_or(ValueErrorKind::Missing);
                    if let Err(kind) = resolved.and_then(|resolved| write(index, &mut out, resolved)) {
                        errors.push(ValueError { variable: variable.name.clone(), kind });
                    }
                    index += 1;
                }
            }
            if out.len() > MAX_SIZE {
                return Err(ValueErrorKind::TooLarge.general());
            }
        }
        if errors.is_empty() { Ok(out) } else { Err(errors) }
    }

    /// Writes strings, numbers and booleans by `write`.
    fn render(
        &self,
        variables: &Value,
        mut write: impl FnMut(&mut String, &str) -> Result<(), ValueErrorKind>,
    ) -> Result<String, ValueErrors> {
        self.render_indexed(variables, |_, out, resolved| write(out, &resolved.text()?))
    }

    /// Writes values without any encoding: for plain text.
    pub fn render_plain(&self, variables: &Value) -> Result<String, ValueErrors> {
        self.render(variables, |out, value| {
            out.push_str(value);
            Ok(())
        })
    }
}

impl Variable {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn default(&self) -> Option<&str> {
        self.default.as_ref().map(|default| default.text.as_str())
    }

    /// The value at its path.
    pub fn value_in<'a>(&self, variables: &'a Value) -> Option<&'a Value> {
        at_path(variables, &self.name)
    }

    /// The value at its path, or its default. Null counts as no value.
    fn resolve<'a>(&'a self, variables: &'a Value) -> Option<Resolved<'a>> {
        let value = at_path(variables, &self.name).filter(|value| !self.name.is_empty() && !value.is_null());
        value.map(Resolved::Value).or_else(|| self.default.as_ref().map(Resolved::Default))
    }
}

/// The value at a path: names of members, and indexes of items from 0.
fn at_path<'a>(variables: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(variables, |value, name| match value {
        Value::Object(members) => members.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}

impl<'a> Resolved<'a> {
    /// The text of a string, number or boolean.
    fn text(&self) -> Result<Cow<'a, str>, ValueErrorKind> {
        match self {
            Resolved::Default(default) => Ok(Cow::Borrowed(&default.text)),
            Resolved::Value(Value::String(text)) => Ok(Cow::Borrowed(text)),
            Resolved::Value(Value::Array(_) | Value::Object(_) | Value::Null) => Err(ValueErrorKind::NotScalar),
            Resolved::Value(value) => Ok(Cow::Owned(value.to_string())),
        }
    }

    /// The value as JSON of its own type. A default without quotes is a number, boolean or null if it is one.
    fn json(&self) -> String {
        match self {
            Resolved::Value(value) => value.to_string(),
            Resolved::Default(default) if !default.quoted && is_json_scalar(&default.text) => {
                default.text.trim().to_string()
            }
            Resolved::Default(default) => Value::from(default.text.as_str()).to_string(),
        }
    }
}

fn is_json_scalar(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_number() || value.is_boolean() || value.is_null())
}
