//! JSON bodies. A variable inside a string becomes text of that string; anywhere else it becomes a JSON value of its
//! own kind, or a quoted name where a member's name belongs.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::problem::{Fault, Misfit, TemplateFault, TemplateProblem};
use super::unique::{self, NotUnique};
use super::{Found, Part, Template, Variable};

/// A JSON text with variables.
#[derive(Clone, Debug)]
pub struct JsonTemplate {
    template: Template,
    /// Where each variable stands.
    slots: Vec<Slot>,
    /// Whether a value decides the name of a member, so that one could come twice.
    names_members: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    InString,
    Value,
    Name,
}

impl JsonTemplate {
    pub fn parse(text: &str) -> Result<JsonTemplate, TemplateProblem> {
        let template = Template::parse(text)?;
        let scan = Scan::of(&template)?;
        // As long as what they stand for, so that the parser's positions are those of the text.
        let placeholder = |index: usize, variable: &Variable| match scan.slots.get(index) {
            Some(Slot::InString) => "x".repeat(variable.length),
            _ => format!("\"{}\"", "x".repeat(variable.length.saturating_sub(2))),
        };
        serde_json::from_str::<IgnoredAny>(&template.with(placeholder)).map_err(not_json)?;
        Ok(JsonTemplate { slots: scan.slots, names_members: scan.names_members, template })
    }

    pub fn template(&self) -> &Template {
        &self.template
    }

    pub fn render(&self, variables: &Value) -> Result<String, Vec<Fault>> {
        let text = self.template.render_numbered(variables, |index, out, found| self.write(index, out, &found))?;
        if self.names_members {
            unique::check(&text).map_err(|problem| {
                let misfit = match problem {
                    NotUnique::Twice(name) => Misfit::TwoMembers(name),
                    NotUnique::TooDeep => Misfit::TooDeep,
                };
                vec![Fault::new("", misfit)]
            })?;
        }
        Ok(text)
    }

    fn write(&self, index: usize, out: &mut String, found: &Found<'_>) -> Result<(), Misfit> {
        match self.slots.get(index) {
            Some(Slot::InString) => out.push_str(inside_string(&quoted(&found.text()?))),
            Some(Slot::Name) => out.push_str(&quoted(&found.text()?)),
            Some(Slot::Value) | None => out.push_str(&found.json()),
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

/// The parser's words without its position, which is told in ours.
fn not_json(error: serde_json::Error) -> TemplateProblem {
    let words = error.to_string();
    let words = words.split(" at line ").next().unwrap_or_default();
    let (line, column) = (error.line(), error.column());
    TemplateFault::Json(format!("{words} at line {line}, character {column}")).into()
}

/// Finds out where the variables stand, by reading the text around them.
#[derive(Default)]
struct Scan {
    slots: Vec<Slot>,
    names_members: bool,
    in_string: bool,
    escaped: bool,
    /// A string with a variable in it, or a variable of its own, has just ended: a colon makes it a name.
    ended: Option<Ended>,
    string_has_variable: bool,
}

enum Ended {
    String,
    Variable(usize),
}

impl Scan {
    fn of(template: &Template) -> Result<Scan, TemplateProblem> {
        let mut scan = Scan::default();
        for part in &template.parts {
            match part {
                Part::Text(text) => text.chars().for_each(|letter| scan.letter(letter)),
                Part::Variable(_) if scan.escaped => {
                    return Err(TemplateFault::BehindBackslash.into());
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
                if let Some(slot) = self.slots.get_mut(index) {
                    *slot = Slot::Name;
                }
            }
            None => {}
        }
    }

    fn variable(&mut self) {
        if self.in_string {
            self.string_has_variable = true;
            self.slots.push(Slot::InString);
        } else {
            self.ended = Some(Ended::Variable(self.slots.len()));
            self.slots.push(Slot::Value);
        }
    }
}
