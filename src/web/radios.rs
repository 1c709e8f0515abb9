//! A choice of one among a few that need a word of explanation each.

use askama::Template;
use askama::filters::HtmlSafe;

use super::Errors;

/// One choice of [`Radios`].
pub struct Radio {
    pub value: &'static str,
    pub label: String,
    /// What follows from it; may be empty.
    pub hint: &'static str,
}

impl Radio {
    pub fn new(value: &'static str, label: impl Into<String>, hint: &'static str) -> Radio {
        Radio { value, label: label.into(), hint }
    }
}

/// Radio buttons under a question. The script shows what has `data-when="{name}-{value}"` only with that choice; the
/// first one has the id of the field, so that the error summary's link leads to it.
#[derive(Template)]
#[template(path = "kit/radios.html")]
pub struct Radios {
    name: &'static str,
    label: &'static str,
    choices: Vec<Radio>,
    value: String,
    error: Option<String>,
}

impl HtmlSafe for Radios {}

impl Radios {
    pub fn new(name: &'static str, label: &'static str, choices: Vec<Radio>, value: &str) -> Radios {
        Radios { name, label, choices, value: value.to_string(), error: None }
    }

    pub fn errors(mut self, errors: &Errors) -> Self {
        self.error = errors.get(self.name);
        self
    }

    fn id(&self, index: &usize, choice: &Radio) -> String {
        match index {
            0 => self.name.to_string(),
            _ => format!("{}-{}", self.name, choice.value),
        }
    }
}
