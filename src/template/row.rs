//! Pairs of a name and a template: query parameters, headers, form fields.

use serde_json::Value;

use super::{Template, TemplateError, ValueErrorKind, ValueErrors};

/// A name with a value that is a template.
#[derive(Clone, Debug)]
pub struct PairTemplate {
    pub name: String,
    value: Template,
    required: bool,
}

impl PairTemplate {
    pub fn parse(name: &str, value: &str, required: bool) -> Result<PairTemplate, TemplateError> {
        Ok(PairTemplate { name: name.to_string(), value: Template::parse(value)?, required })
    }

    pub fn template(&self) -> &Template {
        &self.value
    }

    /// The value, not yet encoded; `None` if it is optional and has no value.
    pub fn render(&self, variables: &Value) -> Result<Option<String>, ValueErrors> {
        self.check_presence(self.value.render_plain(variables))
    }

    /// The value of a header, with visible ASCII, spaces and tabs only: a line break would begin another header, and
    /// servers disagree about all other characters (RFC 9110 5.5).
    pub fn render_header(&self, variables: &Value) -> Result<Option<String>, ValueErrors> {
        let value = self.value.render(variables, |out, value| match invalid_character(value) {
            Some(letter) => Err(ValueErrorKind::Character(letter)),
            None => {
                out.push_str(value);
                Ok(())
            }
        });
        // Space around a value is not part of it.
        self.check_presence(value.map(|value| value.trim_matches([' ', '\t']).to_string()))
    }

    /// The first character of the text and the defaults that a header cannot hold.
    pub fn invalid_in_header(&self) -> Option<char> {
        let text = self.value.with(|_, variable| variable.default().unwrap_or_default().to_string());
        invalid_character(&text)
    }

    fn check_presence(&self, value: Result<String, ValueErrors>) -> Result<Option<String>, ValueErrors> {
        match value {
            Ok(value) if !value.is_empty() => Ok(Some(value)),
            Ok(_) if self.required => Err(ValueErrorKind::Empty.general()),
            Ok(_) => Ok(None),
            Err(errors) if !self.required && errors.iter().all(|error| error.kind == ValueErrorKind::Missing) => {
                Ok(None)
            }
            Err(errors) => Err(errors),
        }
    }
}

fn invalid_character(text: &str) -> Option<char> {
    text.chars().find(|letter| !matches!(letter, '\t' | ' '..='~'))
}
