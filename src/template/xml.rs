//! XML bodies. Variables are allowed in the text of elements and in the values of attributes.
//!
//! An XML parser decides where a variable is: it reads the template with a mark for each variable, and the marks that
//! it finds in texts and attributes are counted.

use roxmltree::{Document, ParsingOptions};
use serde_json::Value;

use super::{Template, TemplateError, ValueErrorKind, ValueErrors, Variable};

/// The mark of a variable: the parser decodes it in texts and attributes, but not in CDATA and comments.
const WRITTEN_MARK: &str = "\u{f8ff}&amp;\u{f8ff}";
const READ_MARK: &str = "\u{f8ff}&\u{f8ff}";

/// An XML text with variables.
#[derive(Clone, Debug)]
pub struct XmlTemplate {
    template: Template,
}

impl XmlTemplate {
    pub fn parse(text: &str) -> Result<XmlTemplate, TemplateError> {
        let template = Template::parse(text)?;
        // Of the same length as the variables, so that the parser's positions are those of the text.
        let same_length = template.with(|_, variable: &Variable| "x".repeat(variable.length));
        read(&same_length)?;
        if !declares_utf8(text) {
            return Err(TemplateError::new("is declared in another encoding than UTF-8, in which it is sent"));
        }
        let marked = template.with(|_, _| WRITTEN_MARK.to_string());
        let variables = marked.matches(WRITTEN_MARK).count();
        if marks_found(&read(&marked)?) != variables {
            return Err(TemplateError::new(
                "has a variable where XML can have none. Variables can stand in the text of an element and in the value of an attribute, not in names, comments, CDATA or namespaces",
            ));
        }
        Ok(XmlTemplate { template })
    }

    pub fn template(&self) -> &Template {
        &self.template
    }

    pub fn render(&self, variables: &Value) -> Result<String, ValueErrors> {
        self.template.render(variables, escape)
    }
}

/// Without document types, which can define entities.
fn read(text: &str) -> Result<Document<'_>, TemplateError> {
    let options = ParsingOptions { allow_dtd: false, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| TemplateError::new(format!("is not XML: {error}")))
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

/// Whether the XML declaration, if there is one, names UTF-8.
fn declares_utf8(text: &str) -> bool {
    let declaration = text.strip_prefix("<?xml").and_then(|rest| rest.split("?>").next()).unwrap_or_default();
    let Some((_, encoding)) = declaration.split_once("encoding") else {
        return true;
    };
    let encoding = encoding.trim_start_matches([' ', '\t', '\r', '\n', '=', '"', '\'']);
    encoding.to_ascii_lowercase().starts_with("utf-8")
}

/// Escapes a value for texts and attributes. Line ends and tabs become character references, because in an attribute they
/// would be read as spaces.
fn escape(out: &mut String, value: &str) -> Result<(), ValueErrorKind> {
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
            letter => return Err(ValueErrorKind::Character(letter)),
        }
    }
    Ok(())
}

/// XML 1.0, production 2.
fn is_xml_character(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
