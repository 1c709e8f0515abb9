//! Rows of a name and a value: parameters of the query, headers, form fields.

use serde_json::Value;

use super::Template;
use super::problem::{Fault, Misfit, TemplateProblem};

/// A name with a value that is a template.
#[derive(Clone, Debug)]
pub struct PairTemplate {
    pub name: String,
    value: Template,
    required: bool,
}

/// What became of a row.
#[derive(Debug, PartialEq, Eq)]
pub enum RenderedRow {
    Value(String),
    /// It is optional and has no value.
    LeftOut,
}

impl PairTemplate {
    pub fn parse(name: &str, value: &str, required: bool) -> Result<PairTemplate, TemplateProblem> {
        Ok(PairTemplate { name: name.to_string(), value: Template::parse(value)?, required })
    }

    pub fn template(&self) -> &Template {
        &self.value
    }

    /// The value as text, which whoever writes it into a query or form encodes whole.
    pub fn render(&self, variables: &Value) -> Result<RenderedRow, Vec<Fault>> {
        self.rendered(self.value.render_plain(variables))
    }

    fn rendered(&self, value: Result<String, Vec<Fault>>) -> Result<RenderedRow, Vec<Fault>> {
        let lacks_values_only = |faults: &[Fault]| faults.iter().all(|fault| matches!(fault.misfit, Misfit::Missing));
        match value {
            Ok(value) if !value.is_empty() => Ok(RenderedRow::Value(value)),
            Ok(_) if self.required => Err(vec![Fault::new("", Misfit::Empty)]),
            Ok(_) => Ok(RenderedRow::LeftOut),
            Err(faults) if !self.required && lacks_values_only(&faults) => Ok(RenderedRow::LeftOut),
            Err(faults) => Err(faults),
        }
    }
}

/// A header of a request.
#[derive(Clone, Debug)]
pub struct HeaderTemplate {
    pub row: PairTemplate,
}

impl HeaderTemplate {
    /// The value with visible ASCII, spaces and tabs only: what headers can hold beyond that has no meaning that
    /// servers agree on (RFC 9110 5.5), and a line break would begin another header.
    pub fn render(&self, variables: &Value) -> Result<RenderedRow, Vec<Fault>> {
        let value = self.row.value.render(variables, |out, value| {
            match value.chars().find(|letter| !is_header_character(*letter)) {
                Some(letter) => Err(Misfit::Character(letter)),
                None => {
                    out.push_str(value);
                    Ok(())
                }
            }
        });
        // Space around a value does not belong to it.
        let value = value.map(|value| value.trim_matches([' ', '\t']).to_string());
        self.row.rendered(value)
    }
}

/// Whether the value of a header can hold it.
pub(super) fn is_header_character(letter: char) -> bool {
    matches!(letter, '\t' | ' '..='~')
}

/// The first character of a header's literal text that it cannot hold.
impl HeaderTemplate {
    pub fn foreign_character(&self) -> Option<char> {
        self.row
            .value
            .with(|_, variable| variable.default().unwrap_or_default().to_string())
            .chars()
            .find(|letter| !is_header_character(*letter))
    }
}
