//! The page that asks before something is done: what will be done, what comes of it, and a link back.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::layout::{Layout, page};
use super::{Error, Errors};

/// A question, and what the answer brings about. A page that shows more (a table of what goes with it) has a template
/// that extends `kit/confirmation.html`, and this as its field `confirmation`.
#[derive(Default)]
pub struct Confirmation {
    pub title: String,
    /// The pages above in the breadcrumb: address and name.
    pub crumbs: Vec<(String, String)>,
    /// The last word of the breadcrumb.
    pub step: &'static str,
    pub question: String,
    /// What comes of it, a paragraph each.
    pub sentences: Vec<Sentence>,
    pub facts: Vec<Fact>,
    /// Where the form goes, with these fields.
    pub action: String,
    pub fields: Vec<(&'static str, String)>,
    /// Whether the form itself asks for the own password.
    pub asks_password: bool,
    pub errors: Errors,
    pub button: String,
    /// How long it can take, if another server has a part in it.
    pub wait: String,
    /// The way back: its address, and its words beside the button.
    pub back: (String, &'static str),
    /// It takes nothing away that cannot be had again.
    pub harmless: bool,
    /// What the thing is, and who has saved it since the page was opened: then it was not done.
    pub changed_by: Option<(&'static str, String)>,
    /// Why it cannot be done; the page has no button then.
    pub not_possible: Option<NotPossible>,
}

/// Why something cannot be done.
pub struct NotPossible {
    pub heading: String,
    pub sentences: Vec<Sentence>,
    /// The words of the link back.
    pub back: String,
}

/// A paragraph, with a link in it or without.
#[derive(Default)]
pub struct Sentence {
    pub text: String,
    /// Address, words, and the text behind it.
    pub link: Option<(String, String, String)>,
}

impl Sentence {
    pub fn with_link(text: impl Into<String>, (href, words): (&str, &str), rest: impl Into<String>) -> Sentence {
        Sentence { text: text.into(), link: Some((href.into(), words.into(), rest.into())) }
    }
}

impl<T: Into<String>> From<T> for Sentence {
    fn from(text: T) -> Sentence {
        Sentence { text: text.into(), link: None }
    }
}

/// Something to recognise the thing by.
pub struct Fact {
    pub label: &'static str,
    pub value: String,
    pub is_code: bool,
}

impl Fact {
    pub fn text(label: &'static str, value: impl Into<String>) -> Fact {
        Fact { label, value: value.into(), is_code: false }
    }

    pub fn code(label: &'static str, value: impl Into<String>) -> Fact {
        Fact { label, value: value.into(), is_code: true }
    }
}

#[derive(Template)]
#[template(path = "kit/confirmation.html")]
struct ConfirmationPage {
    layout: Layout,
    confirmation: Confirmation,
}

impl Confirmation {
    /// The page about one thing of a list, with the way back to the thing. `step` is what would be done.
    pub fn about((list, list_name): (&str, &str), (address, name): (&str, &str), step: &'static str) -> Confirmation {
        Confirmation {
            title: format!("{step}, {name}"),
            crumbs: vec![(list.into(), list_name.into()), (address.into(), name.into())],
            step,
            back: (address.into(), "Keep things as they are"),
            ..Confirmation::default()
        }
    }

    /// The field of a version that the form was made from.
    pub fn version(version: i32) -> (&'static str, String) {
        ("version", version.to_string())
    }

    pub fn respond(self, layout: Layout, status: StatusCode) -> Result<HttpResponse, Error> {
        page(status, &ConfirmationPage { layout, confirmation: self })
    }
}
