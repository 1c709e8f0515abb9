//! A choice of one among a few that need a word of explanation each.

use askama::Template;
use askama::filters::HtmlSafe;

use super::form::{Errors, Radio};

/// Radio buttons under a question. The script shows what has `data-when="{name}-{value}"` only with that choice; the
/// first one has the id of the field: the error summary links to it.
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
        self.error = errors.get(self.name).map(str::to_string);
        self
    }

    fn id(&self, index: &usize, choice: &Radio) -> String {
        match index {
            0 => self.name.to_string(),
            _ => format!("{}-{}", self.name, choice.code()),
        }
    }
}
