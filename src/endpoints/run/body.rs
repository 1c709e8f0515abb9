//! The body of an answer as a page shows it, and as a file.
//!
//! Rule: what the connector signs in with is masked before anything is laid out, and after it, because laying out
//! undoes escapes. Danger: bytes that cannot be read cannot be masked; they are not given out if a secret is seen in
//! them.

use std::borrow::Cow;

use super::json;
use super::kept::Download;
use super::text::{self, Decoded};
use crate::outbound::Mask;

/// How much of a text a page shows, in bytes.
pub(super) const SHOWN: usize = 64 * 1024;

/// The longest JSON that is laid out for reading, in bytes of the result.
const LARGEST_INDENTED: usize = 32 * 1024 * 1024;

/// What a body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::endpoints) enum Kind {
    Empty,
    Json,
    Xml,
    Html,
    Text,
    Binary,
    /// Compressed though nobody asked for it, so that it can neither be read nor searched for secrets.
    Encoded,
}

/// A body as it is shown.
pub(in crate::endpoints) struct BodyShown {
    pub kind: Kind,
    /// The beginning of it, where it is text.
    pub text: String,
    /// There is more of it.
    pub is_cut: bool,
    /// What is unusual about it: sentences.
    pub notes: Vec<String>,
}

/// A body as it came.
pub(super) struct Arrived<'a> {
    pub bytes: &'a [u8],
    pub content_type: &'a str,
    pub content_encoding: &'a str,
    /// There was more than is ever read.
    pub is_cut: bool,
}

/// The body for the page, and whole as a file of this name without its ending.
pub(super) fn shown(arrived: &Arrived<'_>, mask: &Mask, file_name: &str) -> (BodyShown, Option<Download>) {
    if arrived.bytes.is_empty() {
        return (BodyShown::without_text(Kind::Empty, Vec::new()), None);
    }
    let mut notes = Vec::new();
    if arrived.is_cut {
        notes.push("Only the first 10 megabytes were read.".to_string());
    }
    let encoding = arrived.content_encoding.trim();
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        notes.push(format!(
            "The API has compressed it ({}), though it was not asked to, so it cannot be read here.",
            text::visible(encoding)
        ));
        return (BodyShown::without_text(Kind::Encoded, notes), None);
    }
    let essence = text::essence(arrived.content_type);
    let is_text = text::is_json(&essence) || text::is_text(&essence) || text::looks_like_text(arrived.bytes);
    if is_text {
        let (body, whole) = readable(arrived, &essence, mask, notes);
        let (content_type, ending) = match body.kind {
            Kind::Json => ("application/json", "json"),
            Kind::Xml => ("text/plain; charset=utf-8", "xml"),
            Kind::Html => ("text/plain; charset=utf-8", "html"),
            _ => ("text/plain; charset=utf-8", "txt"),
        };
        let download = Download { bytes: whole.into_bytes(), content_type, file_name: format!("{file_name}.{ending}") };
        return (body, Some(download));
    }
    binary(arrived, mask, file_name, notes)
}

fn binary(
    arrived: &Arrived<'_>,
    mask: &Mask,
    file_name: &str,
    mut notes: Vec<String>,
) -> (BodyShown, Option<Download>) {
    if mask.is_in(arrived.bytes) {
        notes.push("It holds the secret that the data connector signs in with, so it is not given out.".to_string());
        return (BodyShown::without_text(Kind::Binary, notes), None);
    }
    let download = Download {
        bytes: arrived.bytes.to_vec(),
        content_type: "application/octet-stream",
        file_name: format!("{file_name}.bin"),
    };
    (BodyShown::without_text(Kind::Binary, notes), Some(download))
}

/// A text body, and the whole of it as it may be shown.
fn readable(arrived: &Arrived<'_>, essence: &str, mask: &Mask, mut notes: Vec<String>) -> (BodyShown, String) {
    let Decoded { text: decoded, damaged, charset } = text::decode(arrived.bytes, arrived.content_type);
    if let Some(charset) = charset {
        notes.push(format!("It came in the character set {charset}."));
    }
    if damaged {
        notes.push("Some of its bytes are no characters of its character set, and stand as �.".into());
    }
    let masked = mask.text(&decoded);
    let may_be_json = text::is_json(essence) || essence.is_empty() || essence == "text/plain";
    let indented = may_be_json.then(|| json::indented(&masked, LARGEST_INDENTED)).flatten();
    if text::is_json(essence) && indented.is_none() {
        notes.push("The API calls it JSON, but it cannot be read as JSON.".into());
    }
    let kind = match &indented {
        Some(_) => Kind::Json,
        None if essence == "text/html" || essence == "application/xhtml+xml" => Kind::Html,
        None if essence.ends_with("xml") => Kind::Xml,
        None => Kind::Text,
    };
    let whole = match indented {
        Some(indented) => match mask.text(&indented) {
            Cow::Owned(masked) => masked,
            Cow::Borrowed(_) => indented,
        },
        None => masked.into_owned(),
    };
    let (start, is_cut) = text::beginning(&whole, SHOWN);
    let body = BodyShown { kind, text: text::visible(start), is_cut, notes };
    (body, whole)
}

impl BodyShown {
    fn without_text(kind: Kind, notes: Vec<String>) -> BodyShown {
        BodyShown { kind, text: String::new(), is_cut: false, notes }
    }

    /// What it is, after its size: “1.2 kB of JSON”.
    pub fn word(&self) -> &'static str {
        match self.kind {
            Kind::Empty => "nothing",
            Kind::Json => "JSON",
            Kind::Xml => "XML",
            Kind::Html => "HTML",
            Kind::Text => "text",
            Kind::Binary => "binary data",
            Kind::Encoded => "compressed data",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &[u8], content_type: &str) -> (BodyShown, Option<Download>) {
        let arrived = Arrived { bytes, content_type, content_encoding: "", is_cut: false };
        let mut mask = Mask::default();
        mask.add("s3cret");
        shown(&arrived, &mask, "a")
    }

    #[test]
    fn a_body_is_shown_as_what_it_is() {
        for (bytes, content_type, kind, text) in [
            (&b"{\"a\":1}"[..], "application/json", Kind::Json, "{\n  \"a\": 1\n}"),
            (b"{\"a\":1}", "", Kind::Json, "{\n  \"a\": 1\n}"),
            (b"{\"a\":", "application/json", Kind::Text, "{\"a\":"),
            (b"<a/>", "application/soap+xml", Kind::Xml, "<a/>"),
            (b"<b>", "text/html; charset=utf-8", Kind::Html, "<b>"),
            (b"caf\xe9", "text/plain; charset=latin1", Kind::Text, "café"),
            (b"plain words", "application/x-unknown", Kind::Text, "plain words"),
            (b"\x89PNG\0", "image/png", Kind::Binary, ""),
            (b"", "image/png", Kind::Empty, ""),
        ] {
            let (body, _) = body(bytes, content_type);
            assert_eq!((body.kind, body.text.as_str()), (kind, text), "{content_type}");
        }
    }

    #[test]
    fn a_secret_is_masked_however_json_spells_it() {
        let spelled = br#"{"echo":"s\u0033cret","again":"s3cret"}"#;
        let (body, download) = body(spelled, "application/json");
        assert_eq!(body.text, "{\n  \"echo\": \"‹masked›\",\n  \"again\": \"‹masked›\"\n}");
        let file = String::from_utf8(download.expect("a file").bytes).expect("UTF-8");
        assert!(!file.contains("s3cret") && !file.contains("u0033"), "{file}");
    }

    #[test]
    fn bytes_with_a_secret_are_not_given_out() {
        let (shown, download) = body(b"\0\xffs3cret", "application/octet-stream");
        assert!(download.is_none() && shown.notes.len() == 1);
        assert!(body(b"\0\xff", "application/octet-stream").1.is_some());
    }

    #[test]
    fn what_was_compressed_unasked_is_not_shown() {
        let arrived =
            Arrived { bytes: b"\x1f\x8b", content_type: "application/json", content_encoding: "gzip", is_cut: false };
        let (body, download) = shown(&arrived, &Mask::default(), "a");
        assert_eq!(body.kind, Kind::Encoded);
        assert!(download.is_none());
    }

    #[test]
    fn a_long_text_is_cut_and_kept_whole() {
        let long = "a line of text\n".repeat(10_000);
        let (body, download) = body(long.as_bytes(), "text/plain");
        assert!(body.is_cut && body.text.len() <= SHOWN);
        assert_eq!(download.expect("a file").bytes, long.as_bytes());
    }
}
