//! What can be wrong with a template when it is saved, and with values when it is rendered.

use std::fmt;

use thiserror::Error;

use crate::web::capitalized;

/// Why a text is no template; the words complete the label of its field (“URL has …”).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateProblem {
    pub(super) fault: TemplateFault,
    pub(super) place: Option<Place>,
}

/// Where in a text: lines and characters count from 1; no line in a text of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub line: Option<usize>,
    pub character: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum TemplateFault {
    #[error("has “{{{{” without the “}}}}” that ends the variable")]
    Unclosed,
    #[error("has a variable without a name")]
    NoName,
    #[error(
        "has “{0}” in a variable, whose name can have letters, digits, underscores and hyphens, with full stops between the parts of a path"
    )]
    Character(char),
    #[error("has the path “{0}”, of which a part is empty")]
    Path(String),
    #[error("has a variable with a path of more than {0} characters")]
    LongPath(usize),
    #[error("has a default with braces, quotes or a bar in it, which must stand in double quotes")]
    Default,
    #[error("has a text in double quotes that does not end, or has a backslash that means nothing")]
    Quoted,
    #[error("has more than {0} variables")]
    TooMany(usize),
    #[error(
        "has a variable in the scheme, host or port. Only path and query can have variables, so that no value decides where a secret goes"
    )]
    InOrigin,
    #[error("{0}")]
    Url(String),
    #[error("has a space or line break, which must be written as %20 or %0A")]
    WhiteSpace,
    #[error("has a backslash")]
    Backslash,
    #[error("has a fragment (the part from #), which is never sent")]
    Fragment,
    #[error("begins with //, which would lead to another host. Begin with one slash, or with https://")]
    TwoSlashes,
    #[error("has the part “{0}” in its path. Write the path that it leads to")]
    DotSegment(String),
    #[error("is not JSON: {0}")]
    Json(String),
    #[error("has a variable right behind a backslash, where its first character would be taken for an escape")]
    BehindBackslash,
    #[error("is not XML: {0}")]
    Xml(String),
    #[error(
        "has a variable where XML can have none. Variables can stand in the text of an element and in the value of an attribute, not in names, comments, CDATA or namespaces"
    )]
    XmlPlace,
    #[error("is declared in another encoding than UTF-8, in which it is sent")]
    XmlEncoding,
}

impl From<TemplateFault> for TemplateProblem {
    fn from(fault: TemplateFault) -> TemplateProblem {
        TemplateProblem { fault, place: None }
    }
}

impl fmt::Display for TemplateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault)?;
        match self.place {
            Some(Place { line: Some(line), character }) => write!(f, " (line {line}, character {character})"),
            Some(Place { character, .. }) => write!(f, " (character {character})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for TemplateProblem {}

/// A value that cannot stand where its variable stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The variable's path; empty where no single one is to blame.
    pub variable: String,
    pub misfit: Misfit,
}

/// Why it cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// There is no value and no default.
    Missing,
    /// A list or an object, which only a JSON body can hold.
    Tree,
    /// A character that the place cannot hold.
    Character(char),
    /// A part of the path would be empty.
    EmptySegment,
    /// The path would have a step “.” or “..” in some spelling, which leads elsewhere.
    DotSegment,
    /// What is required would be empty.
    Empty,
    /// More than [`super::LARGEST`] bytes.
    TooLarge,
    /// One object would have two members of this name.
    TwoMembers(String),
    /// Objects and lists in one another, deeper than JSON readers follow.
    TooDeep,
    /// The address is relative, and the connector has no base URL.
    NoBaseUrl,
    /// The address is none, for the reason in words.
    Url(String),
}

impl Fault {
    pub fn new(variable: &str, misfit: Misfit) -> Fault {
        Fault { variable: variable.to_string(), misfit }
    }

    /// A sentence about it; `place` is such as “the URL” or “the header “X-Page””.
    pub fn sentence(&self, place: &str) -> String {
        let name = &self.variable;
        match &self.misfit {
            Misfit::Missing => format!("There is no value for “{name}”, which {place} needs."),
            Misfit::Tree => format!(
                "The value of “{name}” is a list or an object, which {place} cannot hold. Name one of its members, such as “{name}.0”."
            ),
            Misfit::Character(letter) => format!(
                "The value of “{name}” has the character {}, which {place} cannot hold.",
                character_words(*letter)
            ),
            Misfit::EmptySegment => {
                format!("The value of “{name}” is empty, which would leave a gap in the path of {place}.")
            }
            Misfit::DotSegment => format!(
                "The value of “{name}” makes a part of the path of {place} “.” or “..” in some spelling, which leads elsewhere."
            ),
            Misfit::Empty => format!("{} is required and would be empty.", capitalized(place)),
            Misfit::TooLarge => {
                format!("{} would be larger than 10 megabytes.", capitalized(place))
            }
            Misfit::TwoMembers(member) => {
                format!("{} would have the name “{member}” twice.", capitalized(place))
            }
            Misfit::TooDeep => {
                format!("{} would have objects and lists in one another too deeply.", capitalized(place))
            }
            Misfit::NoBaseUrl => "The URL is relative, and the data connector has no base URL.".to_string(),
            Misfit::Url(problem) => format!("{} {problem}.", capitalized(place)),
        }
    }
}

/// “ä” where it can be seen, else U+000A.
fn character_words(letter: char) -> String {
    if letter.is_control() || letter.is_whitespace() {
        format!("U+{:04X}", letter as u32)
    } else {
        format!("“{letter}”")
    }
}
