//! The page that asks before something is done to a user or a group: what it is, what comes of it, and a way back.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::refusal::{ChangeError, Refusal};
use crate::access::RequestContext;
use crate::web::{Error, Layout, page};

/// A question and what hangs on the answer.
#[derive(Template)]
#[template(path = "people/confirm.html")]
pub(super) struct Confirm {
    pub layout: Layout,
    /// The list that the thing is on: its address and its name.
    pub list: (&'static str, &'static str),
    /// The thing's own page and name.
    pub back: String,
    pub subject: String,
    /// The last word of the breadcrumb.
    pub step: &'static str,
    pub question: String,
    /// What comes of it, a paragraph each.
    pub consequences: Vec<String>,
    pub action: String,
    pub fields: Vec<(&'static str, String)>,
    pub button: String,
    /// The answer takes something away that does not come back.
    pub destroys: bool,
    /// Why it cannot be done; there is no button then.
    pub refusal: Option<Refusal>,
}

impl Confirm {
    /// What the heading says when it cannot be done.
    fn impossible(&self) -> String {
        format!("{}: not possible for “{}”", self.step, self.subject)
    }

    pub fn ask(self) -> Result<HttpResponse, Error> {
        page(StatusCode::OK, &self)
    }

    /// Answers a press of the button that was in vain.
    pub fn refuse(mut self, refusal: Refusal) -> Result<HttpResponse, Error> {
        self.refusal = Some(refusal);
        page(StatusCode::CONFLICT, &self)
    }
}

/// Answers a change: with its outcome on the page at `to`, or with the question again and why it cannot be done.
pub(super) fn answer(
    context: RequestContext,
    changed: Result<(), ChangeError>,
    (to, outcome): (&str, &str),
    question: impl FnOnce(RequestContext) -> Confirm,
) -> Result<HttpResponse, Error> {
    match changed {
        Ok(()) => Ok(context.see_other(to, outcome)),
        Err(ChangeError::Refused(refusal)) => question(context).refuse(refusal),
        Err(ChangeError::Fault(fault)) => Err(fault),
    }
}
