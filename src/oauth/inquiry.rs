//! What every answer is read for first, whatever was asked: redirects, statuses and errors.

use chrono::{DateTime, Utc};

use super::document::Document;
use super::error_code::ErrorCode;
use super::refusal::{Refusal, RefusalLayer};
use super::remedy::{self, Asked};
use super::retry::retry_after;
use super::words;
use crate::outbound::{HttpUrl, Mask, Reply, quote};

/// A question to a server, as far as its answer must be read in its light.
pub(super) struct Inquiry<'a> {
    /// The address that was asked.
    pub(super) url: &'a HttpUrl,
    /// What for.
    pub(super) asked: Asked,
    /// The secrets that the answer may echo.
    pub(super) mask: &'a Mask,
    /// When the request began. Where it is not known, `Retry-After` is read in seconds only.
    pub(super) now: Option<DateTime<Utc>>,
}

impl Inquiry<'_> {
    /// The document of an answer that claims success and holds no error.
    pub(super) fn document(&self, reply: &Reply) -> Result<Document, Refusal> {
        self.check_status(reply)?;
        let document = Document::of(reply);
        if words::is_error(&document) {
            return Err(self.error(reply, &document));
        }
        Ok(document)
    }

    /// Whether the status is one of success; the body may be anything.
    pub(super) fn check_status(&self, reply: &Reply) -> Result<(), Refusal> {
        match reply.status {
            200..300 => Ok(()),
            300..400 => Err(self.redirect(reply)),
            _ => Err(self.status(reply)),
        }
    }

    /// An answer without what was asked for.
    pub(super) fn unusable(&self, reply: &Reply, message: String, remedy: &str) -> Refusal {
        Refusal::new(RefusalLayer::Answer, message, remedy).after(reply.elapsed)
    }

    /// Words of the server as they may be shown and stored.
    pub(super) fn show(&self, words: Option<String>) -> Option<String> {
        quote(&words?, self.mask)
    }

    fn redirect(&self, reply: &Reply) -> Refusal {
        let location = reply.header("location");
        let target = location.and_then(|location| self.url.location(location));
        let target = target.and_then(|target| quote(&target, self.mask));
        let (message, remedy) = match target {
            Some(target) => (format!("The server redirects to “{target}”."), remedy::REDIRECT),
            None => (format!("{}, but to no usable address.", status_line(reply)), self.asked.address()),
        };
        Refusal::new(RefusalLayer::HttpStatus(reply.status), message, remedy).after(reply.elapsed)
    }

    fn status(&self, reply: &Reply) -> Refusal {
        let document = Document::of(reply);
        let code = code(&document);
        Refusal::new(
            RefusalLayer::HttpStatus(reply.status),
            format!("{}.", status_line(reply)),
            self.asked.after_status(reply.status, code),
        )
        .with_words(self.show(words::of_failure(&document)))
        .with_code(code)
        .with_retry_after(retry_after(reply, self.now))
        .after(reply.elapsed)
    }

    /// An error under a status of success.
    fn error(&self, reply: &Reply, document: &Document) -> Refusal {
        let message = match self.asked {
            Asked::Metadata => "The server answered with an error in place of its metadata.",
            _ => "The server answered with an error in place of a token.",
        };
        let code = code(document);
        self.unusable(reply, message.to_owned(), self.asked.after_error(code))
            .with_words(self.show(words::of_success(document)))
            .with_code(code)
    }
}

fn code(document: &Document) -> Option<ErrorCode> {
    words::error_code(document).and_then(ErrorCode::of)
}

/// "The server answered 401 (Unauthorized)", without a full stop.
fn status_line(reply: &Reply) -> String {
    match reply.reason() {
        Some(reason) => format!("The server answered {} ({reason})", reply.status),
        None => format!("The server answered {}", reply.status),
    }
}
