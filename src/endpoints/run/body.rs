//! The body of a response for the page and as a file: decoded, masked, and formatted.
//!
//! Rule: the credential is masked before and after formatting, because formatting decodes escapes. Danger: binary data
//! cannot be masked; it is not given out if the credential is in it.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

use super::json;
use super::response_cache::Download;
use crate::outbound::http::HeaderMap;
use crate::outbound::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use crate::outbound::{MASKED, Mask};

/// The longest text on a page, in bytes.
pub(super) const MAX_SHOWN: usize = 64 * 1024;

/// The longest indented JSON, in bytes.
const MAX_INDENTED: usize = 32 * 1024 * 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::endpoints) enum BodyFormat {
    Empty,
    Json,
    Xml,
    Html,
    Text,
    Binary,
    /// Compressed, though Connectory did not ask for it; neither shown nor searched for secrets.
    Encoded,
}

/// A body for the page.
pub(in crate::endpoints) struct FormattedBody {
    pub format: BodyFormat,
    /// The beginning of a text.
    pub text: String,
    /// The text was longer.
    pub is_cut: bool,
    /// Sentences about anything unusual.
    pub notes: Vec<String>,
}

/// A body as it was received.
pub(super) struct ReceivedBody<'a> {
    pub bytes: &'a [u8],
    pub headers: &'a HeaderMap,
    /// The body was longer.
    pub is_cut: bool,
    /// The body broke off.
    pub broke_off: bool,
}

impl ReceivedBody<'_> {
    fn is_incomplete(&self) -> bool {
        self.is_cut || self.broke_off
    }

    fn header(&self, name: HeaderName) -> String {
        let value = self.headers.get(name).map(|value| value.as_bytes());
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    }

    /// The body for the page, and the whole body as a file of this name, which gets an extension.
    pub(super) fn shown(&self, mask: &Mask, file_name: &str) -> (FormattedBody, Option<Download>) {
        if self.bytes.is_empty() {
            return (FormattedBody::without_text(BodyFormat::Empty, Vec::new()), None);
        }
        let mut notes = Vec::new();
        if self.is_cut {
            notes.push("Only the first 10 megabytes were read.".to_string());
        }
        let (content_type, encoding) = (self.header(CONTENT_TYPE), self.header(CONTENT_ENCODING));
        let encoding = encoding.trim();
        if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
            notes.push(format!(
                "The API has compressed it ({}), though it was not asked to, so it cannot be read here.",
                visible(encoding)
            ));
            return (FormattedBody::without_text(BodyFormat::Encoded, notes), None);
        }
        let essence = essence(&content_type);
        let is_text = is_json(&essence) || is_text(&essence) || looks_like_text(self.bytes);
        if is_text {
            let (body, whole) = readable((self.bytes, self.is_incomplete()), &content_type, mask, notes);
            let (content_type, extension) = match body.format {
                BodyFormat::Json => ("application/json", "json"),
                BodyFormat::Xml => ("text/plain; charset=utf-8", "xml"),
                BodyFormat::Html => ("text/plain; charset=utf-8", "html"),
                _ => ("text/plain; charset=utf-8", "txt"),
            };
            let download =
                Download { bytes: whole.into_bytes(), content_type, name: format!("{file_name}.{extension}") };
            return (body, Some(download));
        }
        binary((self.bytes, self.is_incomplete()), mask, file_name, notes)
    }
}

fn binary(
    (bytes, is_incomplete): (&[u8], bool),
    mask: &Mask,
    file_name: &str,
    mut notes: Vec<String>,
) -> (FormattedBody, Option<Download>) {
    let ends_in_secret = || mask.begins_at_end(&String::from_utf8_lossy(bytes)).is_some();
    if mask.is_in(bytes) || is_incomplete && ends_in_secret() {
        notes.push("It holds the secret that the data connector signs in with, so it is not given out.".to_string());
        return (FormattedBody::without_text(BodyFormat::Binary, notes), None);
    }
    let download =
        Download { bytes: bytes.to_vec(), content_type: "application/octet-stream", name: format!("{file_name}.bin") };
    (FormattedBody::without_text(BodyFormat::Binary, notes), Some(download))
}

/// A text, and the whole of it, masked.
fn readable(
    (bytes, is_incomplete): (&[u8], bool),
    content_type: &str,
    mask: &Mask,
    mut notes: Vec<String>,
) -> (FormattedBody, String) {
    let Decoded { text: decoded, damaged, charset } = decode(bytes, content_type);
    let essence = &*essence(content_type);
    if let Some(charset) = charset {
        notes.push(format!("It came in the character set {charset}."));
    }
    if damaged {
        notes.push("Some of its bytes are no characters of its character set, and are shown as �.".into());
    }
    let mut masked = mask.text(&decoded);
    // What is incomplete may end inside a secret.
    if is_incomplete && let Some(end) = mask.begins_at_end(&masked) {
        let text = masked.to_mut();
        text.truncate(end);
        text.push_str(MASKED);
    }
    let may_be_json = is_json(essence) || essence.is_empty() || essence == "text/plain";
    let indented = may_be_json.then(|| json::indented(&masked, MAX_INDENTED)).flatten();
    if is_json(essence) && indented.is_none() {
        notes.push("The API calls it JSON, but it cannot be read as JSON.".into());
    }
    let format = match &indented {
        Some(_) => BodyFormat::Json,
        None if essence == "text/html" || essence == "application/xhtml+xml" => BodyFormat::Html,
        None if essence.ends_with("xml") => BodyFormat::Xml,
        None => BodyFormat::Text,
    };
    let whole = match indented {
        Some(indented) => match mask.text(&indented) {
            Cow::Owned(masked) => masked,
            Cow::Borrowed(_) => indented,
        },
        None => masked.into_owned(),
    };
    let (start, is_cut) = beginning(&whole, MAX_SHOWN);
    let body = FormattedBody { format, text: visible(start), is_cut, notes };
    (body, whole)
}

impl FormattedBody {
    fn without_text(format: BodyFormat, notes: Vec<String>) -> FormattedBody {
        FormattedBody { format, text: String::new(), is_cut: false, notes }
    }

    /// As in “1.2 kB of JSON”.
    pub fn noun(&self) -> &'static str {
        match self.format {
            BodyFormat::Empty => "nothing",
            BodyFormat::Json => "JSON",
            BodyFormat::Xml => "XML",
            BodyFormat::Html => "HTML",
            BodyFormat::Text => "text",
            BodyFormat::Binary => "binary data",
            BodyFormat::Encoded => "compressed data",
        }
    }
}

/// A text decoded from bytes.
struct Decoded<'a> {
    text: Cow<'a, str>,
    /// Some bytes are not valid in the character set, and became �.
    damaged: bool,
    /// The character set, if not UTF-8.
    charset: Option<&'static str>,
}

/// Decodes by the byte order mark or the `charset` of the content type, else as UTF-8.
fn decode<'a>(bytes: &'a [u8], content_type: &str) -> Decoded<'a> {
    let named = charset(content_type).and_then(|label| Encoding::for_label(label.as_bytes()));
    let (text, used, damaged) = named.unwrap_or(UTF_8).decode(bytes);
    Decoded { text, damaged, charset: (used != UTF_8).then(|| used.name()) }
}

/// The `charset` of a content type (RFC 9110 8.3.2).
fn charset(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1);
    parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim().trim_matches('"'))
}

/// The media type without parameters, in lower case.
fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

fn is_text(essence: &str) -> bool {
    let known = [
        "application/xml",
        "application/javascript",
        "application/x-www-form-urlencoded",
        "application/yaml",
        "application/x-yaml",
        "application/x-ndjson",
        "application/graphql",
        "application/sql",
    ];
    essence.starts_with("text/") || essence.ends_with("+xml") || known.contains(&essence)
}

/// Whether bytes of another media type are text: UTF-8 without control characters.
fn looks_like_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| !text.chars().any(|letter| letter.is_control() && !matches!(letter, '\t' | '\n' | '\r')))
}

/// A text for the page: symbols for control characters, and � for those that change the direction of text.
pub(super) fn visible(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|letter| match letter {
            '\t' | '\n' => letter,
            '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + letter as u32).unwrap_or('�'),
            '\u{7f}' => '\u{2421}',
            '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fdd0}'..='\u{fdef}' => '�',
            letter if letter as u32 & 0xfffe == 0xfffe => '�',
            letter => letter,
        })
        .collect()
}

/// At most `max` bytes of the beginning of a text, up to the end of a line if one is near, and whether the text is longer.
pub(super) fn beginning(text: &str, max: usize) -> (&str, bool) {
    if text.len() <= max {
        return (text, false);
    }
    let end = (0..=max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let start = text.get(..end).unwrap_or_default();
    let line = start.rfind('\n').filter(|line| *line > max / 2);
    (start.get(..line.unwrap_or(end)).unwrap_or(start), true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::http::HeaderValue;

    fn body(bytes: &[u8], content_type: &str) -> (FormattedBody, Option<Download>) {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().expect("a header's value"))]);
        let mut mask = Mask::default();
        mask.add("s3cret");
        ReceivedBody { bytes, headers: &headers, is_cut: false, broke_off: false }.shown(&mask, "a")
    }

    #[test]
    fn a_body_is_shown_as_what_it_is() {
        for (bytes, content_type, format, text) in [
            (&b"{\"a\":1}"[..], "application/json", BodyFormat::Json, "{\n  \"a\": 1\n}"),
            (b"{\"a\":1}", "", BodyFormat::Json, "{\n  \"a\": 1\n}"),
            (b"{\"a\":", "application/json", BodyFormat::Text, "{\"a\":"),
            (b"<a/>", "application/soap+xml", BodyFormat::Xml, "<a/>"),
            (b"<b>", "text/html; charset=utf-8", BodyFormat::Html, "<b>"),
            (b"caf\xe9", "text/plain; charset=latin1", BodyFormat::Text, "café"),
            (b"plain words", "application/x-unknown", BodyFormat::Text, "plain words"),
            (b"\x89PNG\0", "image/png", BodyFormat::Binary, ""),
            (b"", "image/png", BodyFormat::Empty, ""),
        ] {
            let (body, _) = body(bytes, content_type);
            assert_eq!((body.format, body.text.as_str()), (format, text), "{content_type}");
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
    fn the_beginning_of_a_secret_that_was_cut_is_masked() {
        let mut mask = Mask::default();
        mask.add("s3cret-of-payroll");
        let headers = HeaderMap::new();
        for (bytes, text) in [(&b"You sent s3cret-of"[..], "You sent ‹masked›"), (b"You sent", "You sent")] {
            let cut = ReceivedBody { bytes, headers: &headers, is_cut: false, broke_off: true };
            let (body, download) = cut.shown(&mask, "a");
            assert_eq!(body.text, text);
            assert_eq!(download.expect("a file").bytes, text.as_bytes());
        }
        let bytes = b"\0\xff s3cret-of";
        let cut = ReceivedBody { bytes, headers: &headers, is_cut: true, broke_off: false };
        assert!(cut.shown(&mask, "a").1.is_none());
    }

    #[test]
    fn bytes_with_a_secret_are_not_given_out() {
        let (shown, download) = body(b"\0\xffs3cret", "application/octet-stream");
        assert!(download.is_none() && shown.notes.len() == 1);
        assert!(body(b"\0\xff", "application/octet-stream").1.is_some());
    }

    #[test]
    fn a_compressed_body_is_not_shown() {
        let headers = [(CONTENT_TYPE, "application/json"), (CONTENT_ENCODING, "gzip")];
        let headers = HeaderMap::from_iter(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
        let body = ReceivedBody { bytes: b"\x1f\x8b", headers: &headers, is_cut: false, broke_off: false };
        let (body, download) = body.shown(&Mask::default(), "a");
        assert_eq!(body.format, BodyFormat::Encoded);
        assert!(download.is_none());
    }

    #[test]
    fn a_long_text_is_cut_on_the_page_and_whole_in_the_file() {
        let long = "a line of text\n".repeat(10_000);
        let (body, download) = body(long.as_bytes(), "text/plain");
        assert!(body.is_cut && body.text.len() <= MAX_SHOWN);
        assert_eq!(download.expect("a file").bytes, long.as_bytes());
    }

    #[test]
    fn text_is_read_in_the_set_that_it_names() {
        let latin = decode(b"caf\xe9", "text/plain; charset=\"ISO-8859-1\"");
        assert_eq!((&*latin.text, latin.damaged, latin.charset), ("café", false, Some("windows-1252")));
        let marked = decode(b"\xff\xfeh\0i\0", "text/plain");
        assert_eq!((&*marked.text, marked.charset), ("hi", Some("UTF-16LE")));
        let broken = decode(b"a\xffb", "text/plain; charset=utf-8");
        assert_eq!((&*broken.text, broken.damaged), ("a�b", true));
        assert_eq!(decode(b"x", "text/plain; charset=nonsense").text, "x");
    }

    #[test]
    fn control_characters_are_shown_as_symbols() {
        assert_eq!(visible("a\0b\u{1b}[1m\r\n\tc\u{202e}d\u{85}"), "a␀b␛[1m\n\tc�d�");
    }

    #[test]
    fn long_texts_are_cut_at_a_line() {
        assert_eq!(beginning("short", 10), ("short", false));
        assert_eq!(beginning("line one\nline two", 12), ("line one", true));
        assert_eq!(beginning("ééééé", 5), ("éé", true));
    }
}
