//! JSON bodies. A variable inside a string becomes a part of that string; elsewhere it becomes a JSON value of its own
//! type, or the name of a member.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Part, Resolved, Template, TemplateError, ValueErrorKind, ValueErrors, Variable};

/// A JSON text with variables.
#[derive(Clone, Debug)]
pub struct JsonTemplate {
    template: Template,
    /// The position of each variable.
    positions: Vec<Position>,
    /// Whether a value can be the name of a member.
    names_members: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    InString,
    Value,
    MemberName,
}

impl JsonTemplate {
    pub fn parse(text: &str) -> Result<JsonTemplate, TemplateError> {
        let template = Template::parse(text)?;
        let scan = Scan::of(&template)?;
        // Of the same length as the variables, so that the parser's positions are those of the text.
        let placeholder = |index: usize, variable: &Variable| match scan.positions.get(index) {
            Some(Position::InString) => "x".repeat(variable.length),
            _ => format!("\"{}\"", "x".repeat(variable.length.saturating_sub(2))),
        };
        serde_json::from_str::<IgnoredAny>(&template.with(placeholder)).map_err(not_json)?;
        Ok(JsonTemplate { positions: scan.positions, names_members: scan.names_members, template })
    }

    pub fn template(&self) -> &Template {
        &self.template
    }

    pub fn render(&self, variables: &Value) -> Result<String, ValueErrors> {
        let text = self.template.render_indexed(variables, |index, out, value| self.write(index, out, &value))?;
        if self.names_members {
            check_unique(&text).map_err(ValueErrorKind::general)?;
        }
        Ok(text)
    }

    fn write(&self, index: usize, out: &mut String, value: &Resolved<'_>) -> Result<(), ValueErrorKind> {
        match self.positions.get(index) {
            Some(Position::InString) => out.push_str(inside_string(&quoted(&value.text()?))),
            Some(Position::MemberName) => out.push_str(&quoted(&value.text()?)),
            Some(Position::Value) | None => out.push_str(&value.json()),
        }
        Ok(())
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A JSON string without its quotes.
fn inside_string(quoted: &str) -> &str {
    let inner = quoted.strip_prefix('"');
    inner.and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted)
}

/// The parser's message with the position in the words of this program.
fn not_json(error: serde_json::Error) -> TemplateError {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    TemplateError::new(format!("is not JSON: {message} at line {}, character {}", error.line(), error.column()))
}

/// Whether no object has two members of the same name, about which servers disagree.
fn check_unique(text: &str) -> Result<(), ValueErrorKind> {
    let Err(error) = serde_json::from_str::<UniqueMembers>(text) else {
        return Ok(());
    };
    let message = error.to_string();
    match message.strip_prefix(DUPLICATE) {
        Some(name) => {
            let name = name.rsplit_once(" at line ").map_or(name, |(name, _)| name);
            Err(ValueErrorKind::DuplicateMember(name.to_string()))
        }
        // The text was rendered from JSON and is JSON, so it can only be nested too deeply.
        None => Err(ValueErrorKind::TooDeep),
    }
}

/// The beginning of the error about a duplicate member, with which no error of the parser begins.
const DUPLICATE: &str = "\u{1}";

/// A JSON value without duplicate members.
struct UniqueMembers;

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<UniqueMembers, D::Error> {
        deserializer.deserialize_any(UniqueMembers)
    }
}

impl<'de> Visitor<'de> for UniqueMembers {
    type Value = UniqueMembers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<UniqueMembers, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<UniqueMembers, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<UniqueMembers, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<UniqueMembers, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<UniqueMembers, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<UniqueMembers, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<UniqueMembers, A::Error> {
        while items.next_element::<UniqueMembers>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<UniqueMembers, A::Error> {
        let mut names = HashSet::new();
        while let Some((name, _)) = members.next_entry::<String, UniqueMembers>()? {
            if let Some(name) = names.replace(name) {
                return Err(A::Error::custom(format!("{DUPLICATE}{name}")));
            }
        }
        Ok(self)
    }
}

/// Finds the position of each variable from the text around it.
#[derive(Default)]
struct Scan {
    positions: Vec<Position>,
    names_members: bool,
    in_string: bool,
    escaped: bool,
    /// A string with a variable, or a variable outside of strings, has just ended: before a colon it is a name.
    ended: Option<Ended>,
    string_has_variable: bool,
}

enum Ended {
    String,
    Variable(usize),
}

impl Scan {
    fn of(template: &Template) -> Result<Scan, TemplateError> {
        let mut scan = Scan::default();
        for part in &template.parts {
            match part {
                Part::Text(text) => text.chars().for_each(|letter| scan.letter(letter)),
                Part::Variable(_) if scan.escaped => {
                    return Err(TemplateError::new(
                        "has a variable right behind a backslash, where its first character would be taken for an escape",
                    ));
                }
                Part::Variable(_) => scan.variable(),
            }
        }
        Ok(scan)
    }

    fn letter(&mut self, letter: char) {
        match letter {
            _ if self.in_string && self.escaped => self.escaped = false,
            '\\' if self.in_string => self.escaped = true,
            '"' if self.in_string => {
                self.in_string = false;
                self.ended = self.string_has_variable.then_some(Ended::String);
            }
            _ if self.in_string => {}
            '"' => {
                self.in_string = true;
                self.string_has_variable = false;
            }
            ' ' | '\t' | '\n' | '\r' => {}
            ':' => self.name_ended(),
            _ => self.ended = None,
        }
    }

    fn name_ended(&mut self) {
        match self.ended.take() {
            Some(Ended::String) => self.names_members = true,
            Some(Ended::Variable(index)) => {
                self.names_members = true;
                if let Some(position) = self.positions.get_mut(index) {
                    *position = Position::MemberName;
                }
            }
            None => {}
        }
    }

    fn variable(&mut self) {
        if self.in_string {
            self.string_has_variable = true;
            self.positions.push(Position::InString);
        } else {
            self.ended = Some(Ended::Variable(self.positions.len()));
            self.positions.push(Position::Value);
        }
    }
}
