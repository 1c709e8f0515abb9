//! The page for two people who edited at once: both versions side by side, and nothing typed is lost.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::layout::{Layout, page};
use super::{Error, FormData};

/// One field in both versions.
pub struct Difference {
    pub label: Cow<'static, str>,
    pub theirs: String,
    pub mine: String,
}

/// Both versions of an edit.
#[derive(Template)]
#[template(path = "kit/conflict.html")]
pub struct ConflictPage {
    pub layout: Layout,
    /// The thing's name and the address of its page.
    pub subject: String,
    pub back: String,
    /// Who saved first, and when.
    pub saved_by: String,
    pub saved_at: String,
    /// Where the form goes, with all its fields again but the version that is current now.
    pub action: String,
    pub version: i32,
    pub fields: Vec<(String, String)>,
    pub differences: Vec<Difference>,
    /// Secrets that were typed and must be typed again.
    pub lost_secrets: bool,
}

impl ConflictPage {
    /// The fields of the refused form, without what the page writes itself.
    pub fn fields_of(form: &FormData) -> Vec<(String, String)> {
        form.carried()
            .filter(|(name, _)| *name != "version")
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    }

    /// Answers 409 with the differing fields only.
    pub fn respond(mut self) -> Result<HttpResponse, Error> {
        self.differences.retain(|difference| difference.theirs != difference.mine);
        page(StatusCode::CONFLICT, &self)
    }
}
