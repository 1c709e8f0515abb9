//! XML bodies. A variable can stand in the text of an element and in the value of an attribute.
//!
//! Where a variable stands is not guessed from the text around it: a parser reads the template with marks in the
//! variables' places, and says where it has found them.

use roxmltree::{Document, ParsingOptions};
use serde_json::Value;

use super::problem::{Fault, Misfit, TemplateFault, TemplateProblem};
use super::{Template, Variable};

/// A mark in the place of a variable: in text and attributes the parser reads its middle as “&”, in CDATA and comments
/// as it stands.
const WRITTEN_MARK: &str = "\u{f8ff}&amp;\u{f8ff}";
const READ_MARK: &str = "\u{f8ff}&\u{f8ff}";

/// An XML text with variables.
#[derive(Clone, Debug)]
pub struct XmlTemplate {
    template: Template,
}

impl XmlTemplate {
    pub fn parse(text: &str) -> Result<XmlTemplate, TemplateProblem> {
        let template = Template::parse(text)?;
        // As long as what they stand for, so that the parser's positions are those of the text.
        let same_length = template.with(|_, variable: &Variable| "x".repeat(variable.length));
        read(&same_length)?;
        if !declares_utf8(text) {
            return Err(TemplateFault::XmlEncoding.into());
        }
        let marked = template.with(|_, _| WRITTEN_MARK.to_string());
        let variables = marked.matches(WRITTEN_MARK).count();
        if marks_found(&read(&marked)?) != variables {
            return Err(TemplateFault::XmlPlace.into());
        }
        Ok(XmlTemplate { template })
    }

    pub fn template(&self) -> &Template {
        &self.template
    }

    pub fn render(&self, variables: &Value) -> Result<String, Vec<Fault>> {
        self.template.render(variables, escape)
    }
}

/// Without document types, which can define entities.
fn read(text: &str) -> Result<Document<'_>, TemplateProblem> {
    let options = ParsingOptions { allow_dtd: false, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| TemplateFault::Xml(error.to_string()).into())
}

fn marks_found(document: &Document<'_>) -> usize {
    let marks = |text: &str| text.matches(READ_MARK).count();
    document
        .descendants()
        .map(|node| {
            let text = node.text().filter(|_| node.is_text()).map_or(0, marks);
            let attributes = node.attributes().map(|attribute| marks(attribute.value()));
            text + attributes.sum::<usize>()
        })
        .sum()
}

/// Whether the declaration, if there is one, names the encoding in which the body is sent.
fn declares_utf8(text: &str) -> bool {
    let declaration = text.strip_prefix("<?xml").and_then(|rest| rest.split("?>").next()).unwrap_or_default();
    let Some((_, encoding)) = declaration.split_once("encoding") else {
        return true;
    };
    let encoding = encoding.trim_start_matches([' ', '\t', '\r', '\n', '=', '"', '\'']);
    encoding.to_ascii_lowercase().starts_with("utf-8")
}

/// Writes a value so that it reads back the same in text and attributes alike: line ends and tabs in an attribute would
/// be read as spaces, unless they are written by their numbers.
fn escape(out: &mut String, value: &str) -> Result<(), Misfit> {
    for letter in value.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            letter if is_xml_character(letter) => out.push(letter),
            letter => return Err(Misfit::Character(letter)),
        }
    }
    Ok(())
}

/// XML 1.0, production 2.
fn is_xml_character(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
