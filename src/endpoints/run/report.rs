//! The result of a run as the page shows it.

use std::borrow::Cow;
use std::time::Duration;

use super::body::{FormattedBody, MAX_SHOWN, beginning, visible};
use super::curl;
use crate::endpoints::definition::RenderedPart;
use crate::outbound::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use crate::outbound::{MASKED, Mask};
use crate::relay::{CallTiming, RelayError, SentRequest};
use crate::web;

/// Parts of the names of headers whose values may be secrets that the API hands out.
const SECRET_PARTS: [&str; 10] =
    ["authorization", "cookie", "token", "secret", "password", "passwd", "api-key", "apikey", "session", "credential"];

/// The result of a run, without secrets.
pub(in crate::endpoints) struct Report {
    pub outcome: Outcome,
    /// The request, if one was sent.
    pub sent: Option<SentRequest>,
    pub sent_body: Option<ShownBody>,
    /// Optional rows without a value.
    pub left_out: Vec<String>,
    /// The path of the whole body.
    pub download: Option<String>,
}

/// The body that was sent.
pub(super) enum SentBody {
    Bytes(Vec<u8>),
    /// What a page shows of the parts of a multipart body.
    Parts(Vec<ShownPart>),
}

/// The same as text, with secrets masked.
pub(in crate::endpoints) enum ShownBody {
    Text(String),
    Parts(Vec<ShownPart>),
}

/// A part of a multipart body.
pub(in crate::endpoints) struct ShownPart {
    pub name: String,
    pub content_type: Option<String>,
    pub content: PartContent,
}

pub(in crate::endpoints) enum PartContent {
    Text(String),
    /// The name of a file, and its size in bytes.
    File(String, usize),
}

/// What a page shows of parts: of files the names and sizes.
pub(super) fn shown_parts(parts: &[RenderedPart]) -> Vec<ShownPart> {
    let shown = |part: &RenderedPart| ShownPart {
        name: part.name.clone(),
        content_type: part.content_type.clone(),
        content: match &part.file_name {
            Some(name) => PartContent::File(name.clone(), part.bytes.len()),
            None => PartContent::Text(String::from_utf8_lossy(&part.bytes).into_owned()),
        },
    };
    parts.iter().map(shown).collect()
}

impl SentBody {
    pub fn masked(self, mask: &Mask) -> ShownBody {
        match self {
            SentBody::Bytes(bytes) => ShownBody::Text(mask.text(&String::from_utf8_lossy(&bytes)).into_owned()),
            SentBody::Parts(mut parts) => {
                for part in &mut parts {
                    let (PartContent::Text(text) | PartContent::File(text, _)) = &mut part.content;
                    *text = mask.text(text).into_owned();
                }
                ShownBody::Parts(parts)
            }
        }
    }
}

impl ShownBody {
    /// As a page shows it: a line for each part.
    fn text(&self) -> Cow<'_, str> {
        let parts = match self {
            ShownBody::Text(text) => return Cow::Borrowed(text),
            ShownBody::Parts(parts) => parts,
        };
        let line = |part: &ShownPart| {
            let kind = part.content_type.as_ref().map_or(String::new(), |kind| format!(" ({kind})"));
            match &part.content {
                PartContent::Text(text) => format!("{}{kind}: {text}\n", part.name),
                PartContent::File(name, size) => {
                    let size = web::size(i64::try_from(*size).unwrap_or(i64::MAX));
                    format!("{}{kind}: file “{name}”, {size}\n", part.name)
                }
            }
        };
        Cow::Owned(parts.iter().map(line).collect())
    }
}

pub(in crate::endpoints) enum Outcome {
    Response(Response),
    Error(RelayError),
}

/// A response of the API, whatever its status.
pub(in crate::endpoints) struct Response {
    pub status: u16,
    pub timing: CallTiming,
    pub total: Duration,
    /// Of the body, in bytes.
    pub size: usize,
    pub headers: Vec<(String, String)>,
    pub body: FormattedBody,
    pub attempts: u16,
}

impl Report {
    pub fn of_error(error: RelayError) -> Report {
        Report { outcome: Outcome::Error(error), sent: None, sent_body: None, left_out: Vec::new(), download: None }
    }

    /// The beginning of the page's title.
    pub fn title(&self) -> String {
        match &self.outcome {
            Outcome::Response(response) => response.status_line(),
            Outcome::Error(error) => error.kind.title.to_string(),
        }
    }

    /// The beginning of the body that was sent, and whether there is more.
    pub fn shown_body(&self) -> Option<(String, bool)> {
        let text = self.sent_body.as_ref()?.text();
        let (start, is_cut) = beginning(&text, MAX_SHOWN);
        Some((visible(start), is_cut))
    }

    pub fn curl(&self) -> Option<String> {
        self.sent.as_ref().map(|sent| curl::command(sent, self.sent_body.as_ref(), MASKED))
    }

    pub fn curl_leaves_body_out(&self) -> bool {
        matches!(&self.sent_body, Some(ShownBody::Text(text)) if curl::is_too_long(text))
    }
}

impl Response {
    /// “200 OK”, with the standard reason phrase: the server's own is not trusted.
    pub fn status_line(&self) -> String {
        let status = StatusCode::from_u16(self.status).ok();
        let reason = status.and_then(|status| status.canonical_reason()).unwrap_or_default();
        format!("{} {reason}", self.status).trim_end().to_string()
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What to do about the status; may be empty.
    pub fn advice(&self) -> &'static str {
        match self.status {
            300..=399 => "The API sends the caller elsewhere. Redirects to another host are not followed.",
            401 => "The API does not accept how the data connector signs in. Look at the Authorization tab.",
            403 => "The API knows who is calling, and does not allow this.",
            404 => "The API has nothing at this address. Compare the URL with its documentation.",
            405 => "The API does not take this method at this address.",
            415 => "The API does not take this kind of body.",
            429 => "The API has had too many calls. Wait a while.",
            500..=599 => "The API itself has failed.",
            _ => "",
        }
    }

    /// “1.2 kB of JSON”.
    pub fn described_size(&self) -> String {
        match self.size {
            0 => "No body".to_string(),
            _ => format!("{} of {}", self.size_words(), self.body.noun()),
        }
    }

    pub fn size_words(&self) -> String {
        web::size(i64::try_from(self.size).unwrap_or(i64::MAX))
    }

    pub fn total_time(&self) -> String {
        milliseconds(self.total)
    }

    /// The parts of the total that took a millisecond or more.
    pub fn times(&self) -> Vec<(&'static str, String)> {
        let CallTiming { queue, connect, first_byte } = self.timing;
        let parts = [
            ("waiting", queue),
            ("connecting", connect),
            ("until the first byte", first_byte.saturating_sub(connect)),
            ("reading", self.total.saturating_sub(queue).saturating_sub(first_byte)),
        ];
        let parts = parts.into_iter().filter(|(_, time)| time.as_millis() > 0);
        parts.map(|(label, time)| (label, milliseconds(time))).collect()
    }
}

/// “184 milliseconds”, “1.25 seconds”.
fn milliseconds(time: Duration) -> String {
    match time.as_millis() {
        0 => "less than a millisecond".to_string(),
        1 => "1 millisecond".to_string(),
        millis if millis < 1_000 => format!("{millis} milliseconds"),
        _ => format!("{:.2} seconds", time.as_secs_f64()),
    }
}

/// Headers of a response for the page: the credential is masked, and other secrets are hidden.
pub(super) fn shown_headers(headers: &HeaderMap, mask: &Mask) -> Vec<(String, String)> {
    let shown = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = match may_hold_a_secret(name.as_str()) {
            true => "Hidden: may hold a secret".to_string(),
            false => visible(&mask.text(&String::from_utf8_lossy(value.as_bytes()))),
        };
        (name.to_string(), value)
    };
    headers.iter().map(shown).collect()
}

fn may_hold_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_words() {
        for (millis, words) in
            [(0, "less than a millisecond"), (1, "1 millisecond"), (184, "184 milliseconds"), (1_250, "1.25 seconds")]
        {
            assert_eq!(milliseconds(Duration::from_millis(millis)), words);
        }
    }

    #[test]
    fn headers_show_no_secrets() {
        let headers = [("set-cookie", "sid=1"), ("x-echo", "Bearer s3cret")];
        let headers = headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut mask = Mask::default();
        mask.add("s3cret");
        assert_eq!(
            shown_headers(&HeaderMap::from_iter(headers), &mask),
            [
                ("set-cookie".to_string(), "Hidden: may hold a secret".to_string()),
                ("x-echo".to_string(), "Bearer ‹masked›".to_string()),
            ]
        );
    }

    #[test]
    fn headers_with_secrets_are_recognised_by_their_names() {
        for name in [
            "Set-Cookie",
            "authorization",
            "Proxy-Authorization",
            "X-Auth-Token",
            "X-CSRF-Token",
            "x-api-key",
            "X-Amz-Security-Token",
            "Session-Id",
        ] {
            assert!(may_hold_a_secret(name), "{name}");
        }
        for name in ["Content-Type", "ETag", "Location", "WWW-Authenticate", "Date"] {
            assert!(!may_hold_a_secret(name), "{name}");
        }
    }
}
