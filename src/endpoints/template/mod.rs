//! Templates of requests: text with `{{variables}}`, each rendered for the place where it stands.
//!
//! A template is parsed once, when it is saved or read, into parts that need no second look. Rule: a place knows how
//! its values are written (`url`, `row`, `json`, `xml`), and no value can leave its place: what the text around it
//! means is decided before any value is seen. Danger: putting a value into a text and parsing that text again.

mod json;
mod parse;
mod problem;
mod row;
mod unique;
mod url;
mod value;
mod xml;

#[cfg(test)]
mod tests;

use serde_json::Value;

pub use json::JsonTemplate;
pub use problem::{Fault, Misfit, TemplateProblem};
pub use row::{HeaderTemplate, PairTemplate, RenderedRow};
pub use url::UrlTemplate;
pub use value::Found;
pub use xml::XmlTemplate;

/// What a template may render to at most, in bytes.
pub const LARGEST: usize = 10 * 1024 * 1024;

/// A text with variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// As it stands.
    Text(String),
    Variable(Variable),
}

/// What stands between `{{` and `}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The path as it was typed, such as `order.id`; empty for a quoted text, which always stands for itself.
    name: String,
    default: Option<DefaultValue>,
    /// The length of the whole with its braces, in bytes.
    length: usize,
}

/// What a variable without a value becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DefaultValue {
    text: String,
    quoted: bool,
}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Template, TemplateProblem> {
        parse::parse(text)
    }

    /// The paths of its variables with what they are without a value, in their order, each once.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(variable) if !variable.name.is_empty() => Some(variable),
            _ => None,
        })
    }

    /// Whether it is nothing but text.
    fn is_literal(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// Its text with `placeholder` for each variable.
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

    /// Writes the literal text as it is, and each value by `write`, which is given the number of the variable. All that
    /// does not fit is told of at once.
    fn render_numbered(
        &self,
        variables: &Value,
        mut write: impl FnMut(usize, &mut String, Found<'_>) -> Result<(), Misfit>,
    ) -> Result<String, Vec<Fault>> {
        let (mut out, mut faults, mut index) = (String::new(), Vec::new(), 0);
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Variable(variable) => {
                    let written = match variable.find(variables) {
                        Some(found) => write(index, &mut out, found),
                        None => Err(Misfit::Missing),
                    };
                    if let Err(misfit) = written {
                        faults.push(Fault::new(&variable.name, misfit));
                    }
                    index += 1;
                }
            }
            if out.len() > LARGEST {
                return Err(vec![Fault::new("", Misfit::TooLarge)]);
            }
        }
        if faults.is_empty() { Ok(out) } else { Err(faults) }
    }

    /// Writes values that are texts, numbers, true or false by `write`.
    fn render(
        &self,
        variables: &Value,
        mut write: impl FnMut(&mut String, &str) -> Result<(), Misfit>,
    ) -> Result<String, Vec<Fault>> {
        self.render_numbered(variables, |_, out, found| write(out, &found.text()?))
    }

    /// Writes values as they are: for plain text, where every text is as good as another.
    pub fn render_plain(&self, variables: &Value) -> Result<String, Vec<Fault>> {
        self.render(variables, |out, value| {
            out.push_str(value);
            Ok(())
        })
    }
}

impl Variable {
    /// The path as it was typed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is without a value.
    pub fn default(&self) -> Option<&str> {
        self.default.as_ref().map(|default| default.text.as_str())
    }
}
