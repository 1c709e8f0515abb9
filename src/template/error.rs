//! Errors of templates when they are parsed, and of values when they are rendered.

use std::borrow::Cow;

use thiserror::Error;

use crate::web::capitalized;

/// Why a text is not a template, with the position if it is known. The message completes a field's label (“URL has …”).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct TemplateError(Cow<'static, str>);

impl TemplateError {
    pub(super) fn new(message: impl Into<Cow<'static, str>>) -> TemplateError {
        TemplateError(message.into())
    }

    /// The error at a byte of the text. Lines and characters count from 1; a text of one line has no line number.
    pub(super) fn at(self, text: &str, byte: usize) -> TemplateError {
        let before = text.get(..byte).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let character = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let line = match text.contains('\n') {
            true => format!("line {}, ", before.matches('\n').count() + 1),
            false => String::new(),
        };
        TemplateError::new(format!("{self} ({line}character {character})"))
    }
}

/// All values that cannot be used.
pub type ValueErrors = Vec<ValueError>;

/// A value that cannot be used where its variable is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError {
    /// The variable's path; empty if the error is not of one variable.
    pub variable: String,
    pub kind: ValueErrorKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueErrorKind {
    /// There is no value and no default.
    Missing,
    /// A list or an object outside of a JSON body.
    NotScalar,
    /// A character that is not allowed there.
    Character(char),
    EmptySegment,
    /// A segment “.” or “..” in some spelling.
    DotSegment,
    /// A required row would be empty.
    Empty,
    /// More than [`super::MAX_SIZE`] bytes.
    TooLarge,
    /// It is neither a text nor a file.
    NoFile,
    /// More bytes of files than a body may have.
    FilesTooLarge,
    /// An object would have two members of this name.
    DuplicateMember(String),
    /// Nested deeper than JSON parsers accept.
    TooDeep,
    /// The URL is relative, and the connector has no base URL.
    NoBaseUrl,
    /// The URL is not valid, for this reason.
    Url(String),
}

impl ValueErrorKind {
    /// The error, of this variable.
    pub fn of(self, variable: &str) -> ValueErrors {
        vec![ValueError { variable: variable.to_string(), kind: self }]
    }

    /// The error, of no variable.
    pub fn general(self) -> ValueErrors {
        self.of("")
    }
}

impl ValueError {
    /// A sentence about it; `part` is such as “the URL” or “the header “X-Page””.
    pub fn sentence(&self, part: &str) -> String {
        let name = &self.variable;
        let start = capitalized(part);
        match &self.kind {
            ValueErrorKind::Missing => format!("There is no value for “{name}”, which {part} needs."),
            ValueErrorKind::NotScalar => format!(
                "The value of “{name}” is a list or an object, which {part} cannot hold. Name one of its members, such as “{name}.0”."
            ),
            ValueErrorKind::Character(letter) => {
                format!("The value of “{name}” has the character {}, which {part} cannot hold.", quoted(*letter))
            }
            ValueErrorKind::EmptySegment => {
                format!("The value of “{name}” is empty, which would leave a gap in the path of {part}.")
            }
            ValueErrorKind::DotSegment => format!(
                "The value of “{name}” makes a part of the path of {part} “.” or “..” in some spelling, which goes elsewhere."
            ),
            ValueErrorKind::Empty => format!("{start} is required and would be empty."),
            ValueErrorKind::TooLarge => format!("{start} would be larger than 10 megabytes."),
            ValueErrorKind::NoFile => format!(
                "The value of “{name}” is no file. Give a text, or an object with “content” (base64) and, if need be, “filename” and “content_type”."
            ),
            ValueErrorKind::FilesTooLarge => format!("{start} would be larger than 32 megabytes."),
            ValueErrorKind::DuplicateMember(member) => format!("{start} would have the name “{member}” twice."),
            ValueErrorKind::TooDeep => format!("{start} would have objects and lists in one another too deeply."),
            ValueErrorKind::NoBaseUrl => "The URL is relative, and the data connector has no base URL.".to_string(),
            ValueErrorKind::Url(problem) => format!("{start} {problem}."),
        }
    }
}

/// “ä”, or U+000A if it cannot be seen.
fn quoted(letter: char) -> String {
    if letter.is_control() || letter.is_whitespace() {
        format!("U+{:04X}", letter as u32)
    } else {
        format!("“{letter}”")
    }
}
