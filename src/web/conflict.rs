//! The page for two people who edited at once: both versions side by side, and nothing typed is lost.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};

use super::layout::{Layout, page};
use super::{Error, date_time};

/// One field in both versions.
struct Difference {
    label: Cow<'static, str>,
    theirs: String,
    mine: String,
}

/// The version that was saved first.
pub struct LastSave<'a> {
    pub by: &'a str,
    pub at: Option<DateTime<Utc>>,
    pub version: i32,
}

/// Both versions of an edit.
#[derive(Template)]
#[template(path = "kit/conflict.html")]
pub struct ConflictPage {
    layout: Layout,
    subject: String,
    /// Where the form goes, with all its fields again but the version that is current now.
    action: String,
    back: String,
    saved_by: String,
    saved_at: String,
    version: i32,
    fields: Vec<(String, String)>,
    differences: Vec<Difference>,
    lost_secrets: bool,
}

impl ConflictPage {
    /// The page about the thing of this name, whose form is at `address` and goes there.
    pub fn new(layout: Layout, subject: &str, address: &str, saved: LastSave<'_>) -> ConflictPage {
        ConflictPage {
            layout,
            subject: subject.to_string(),
            action: address.to_string(),
            back: address.to_string(),
            saved_by: saved.by.to_string(),
            saved_at: saved.at.map(|at| date_time(&at)).unwrap_or_default(),
            version: saved.version,
            fields: Vec::new(),
            differences: Vec::new(),
            lost_secrets: false,
        }
    }

    /// Where the form is, if it goes elsewhere.
    pub fn back(self, address: String) -> ConflictPage {
        ConflictPage { back: address, ..self }
    }

    /// The fields of the refused form, which can be posted again.
    pub fn fields<'a>(self, fields: impl Iterator<Item = (&'a str, &'a str)>) -> ConflictPage {
        let fields = fields.filter(|(name, _)| *name != "version");
        ConflictPage { fields: fields.map(|(name, value)| (name.into(), value.into())).collect(), ..self }
    }

    /// Shows a field, if both versions differ in it.
    pub fn difference(
        mut self,
        label: impl Into<Cow<'static, str>>,
        theirs: impl Into<String>,
        mine: impl Into<String>,
    ) -> ConflictPage {
        let (theirs, mine) = (theirs.into(), mine.into());
        if theirs != mine {
            self.differences.push(Difference { label: label.into(), theirs, mine });
        }
        self
    }

    /// Says that secrets which were typed must be typed again.
    pub fn lost_secrets(self, lost_secrets: bool) -> ConflictPage {
        ConflictPage { lost_secrets, ..self }
    }

    /// Answers 409.
    pub fn respond(self) -> Result<HttpResponse, Error> {
        page(StatusCode::CONFLICT, &self)
    }
}
